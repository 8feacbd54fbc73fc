// SPDX-License-Identifier: Apache-2.0
package dev.handoff.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventTest {

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"token", "a b", " ", "ü", "\t"})
    @DisplayName("a type is any text of one line, or absent")
    void goodTypes(String type) {
        assertThat(new Event(0, type, "data").type()).isEqualTo(type);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\n", "a\rb", "a\0"})
    @DisplayName("R14 a type that would break a frame is refused")
    void badTypes(String type) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Event(0, type, "data"))
                .withMessageContaining("event type");
    }

    @Test
    @DisplayName("R1 no event stands before the first position")
    void badPosition() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Event(-1, null, "data"))
                .withMessageContaining("-1");
    }

    @Test
    @DisplayName("an event has data, if only an empty text")
    void data() {
        assertThat(new Event(0, null, "").data()).isEmpty();
        assertThatNullPointerException()
                .isThrownBy(() -> new Event(0, null, null))
                .withMessage("data");
    }
}
