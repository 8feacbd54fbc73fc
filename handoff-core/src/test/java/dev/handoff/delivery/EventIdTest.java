// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.store.EventStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventIdTest {

    private static final String STREAM = "0123456789abcdef0123456789abcdef";

    @ParameterizedTest
    @CsvSource({"0, 0, ':0'", "7, 0, ':7'", "7, 2, ':7.2'", "999999999999999999, 9999, ':999999999999999999.9999'"})
    @DisplayName("an id is read as it is written")
    void roundTrip(long position, int part, String tail) {
        EventId id = new EventId(STREAM, position, part);
        assertThat(id).hasToString(STREAM + tail);
        assertThat(EventId.parse(STREAM + tail)).isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(strings = {":0:abcDEF0123456_-9", ":7.2:abcDEF0123456_-9"})
    @DisplayName("R12 an id carries a proof, which is not shown")
    void proof(String tail) {
        EventId id = EventId.parse(STREAM + tail);
        assertThat(id.proof()).isEqualTo("abcDEF0123456_-9");
        assertThat(id).hasToString(STREAM + tail.replaceFirst(":[^:]*$", ""));
        assertThatIllegalArgumentException().isThrownBy(() -> new EventId(STREAM, 0, 0, "short"));
    }

    @ParameterizedTest
    @CsvSource({"0, 10000", "1000000000000000000, 0"})
    @DisplayName("an id that could not be read again cannot be made")
    void unreadableIds(long position, int part) {
        EventId id;
        try {
            id = new EventId(STREAM, position, part);
        } catch (IllegalArgumentException e) {
            return;
        }
        assertThat(EventId.parse(id.toString())).isEqualTo(id);
    }

    @Test
    @DisplayName("reading goes on after the event, or before it if parts of it are still to come")
    void after() {
        assertThat(new EventId(STREAM, 7, 0).after()).isEqualTo(7);
        assertThat(new EventId(STREAM, 7, 1).after()).isEqualTo(6);
        assertThat(new EventId(STREAM, 0, 1).after()).isEqualTo(EventStream.BEGINNING);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "7",
                "0123456789abcdef0123456789abcdef",
                "0123456789abcdef0123456789abcdef:",
                "0123456789abcdef0123456789abcdef:x",
                "0123456789abcdef0123456789abcdef:-1",
                "0123456789abcdef0123456789abcdef:+1",
                "0123456789abcdef0123456789abcdef:1.",
                "0123456789abcdef0123456789abcdef:1.0",
                "0123456789abcdef0123456789abcdef:1.01",
                "0123456789abcdef0123456789abcdef:1.2.3",
                "0123456789abcdef0123456789abcdef:1 ",
                "0123456789abcdef0123456789abcdef:1\n",
                "0123456789abcdef0123456789abcdef:1:",
                "0123456789abcdef0123456789abcdef:1:tooShort",
                "0123456789abcdef0123456789abcdef:1:abcDEF0123456_-9a",
                "0123456789abcdef0123456789abcdef:1:abcDEF0123456_-=",
                "0123456789abcdef0123456789abcdef:\u0661",
                "0123456789ABCDEF0123456789ABCDEF:1",
                "0123456789abcdef0123456789abcde:1",
                "0123456789abcdef0123456789abcdef0:1",
                "0123456789abcdef0123456789abcdef:9999999999999999999999"
            })
    @DisplayName("a text that is no id is refused")
    void malformed(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EventId.parse(text))
                .withMessageStartingWith("not an event id of this server: \"");
    }

    @Test
    @DisplayName("the refusal names the text, shortened and on one line")
    void refusalIsPrintable() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EventId.parse("a\r\nSet-Cookie: b"))
                .withMessage("not an event id of this server: \"a??Set-Cookie: b\"");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EventId.parse("x".repeat(10_000)))
                .withMessage("not an event id of this server: \"" + "x".repeat(100) + "…\"");
    }

    @Test
    @DisplayName("parts that cannot stand in an id are refused")
    void badParts() {
        assertThatIllegalArgumentException().isThrownBy(() -> new EventId(STREAM, -1, 0));
        assertThatIllegalArgumentException().isThrownBy(() -> new EventId(STREAM, 0, -1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EventId("stream", 0, 0))
                .withMessageContaining("stream");
    }
}
