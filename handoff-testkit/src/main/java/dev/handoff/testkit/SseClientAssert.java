// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.testkit.SseReader.Received;
import java.util.Optional;
import org.assertj.core.api.AbstractAssert;
import org.assertj.core.api.Assertions;
import org.jspecify.annotations.Nullable;

/**
 * Assertions for an {@link SseClient}; see {@link HandoffAssertions#assertThat(SseClient)}. Each assertion reads the events that it checks,
 * so the next one continues after them.
 */
public final class SseClientAssert extends AbstractAssert<SseClientAssert, SseClient> {

    SseClientAssert(@Nullable SseClient actual) {
        super(actual, SseClientAssert.class);
    }

    /** Verifies that the next events have this type and these data, in this order. Waits for them as {@link SseClient#next} does. */
    public SseClientAssert receives(String type, String... data) {
        isNotNull();
        for (String expected : data) {
            Optional<Received> event = actual.next();
            if (event.isEmpty()) {
                failWithMessage("the stream has ended before an event %s with the data <%s>", type, expected);
            }
            Received received = event.orElseThrow();
            if (!received.type().equals(type) || !received.data().equals(expected)) {
                failWithMessage(
                        "the next event should be %s with the data <%s>, but is %s with the data <%s>",
                        type, expected, received.type(), received.data());
            }
        }
        return this;
    }

    /**
     * Verifies that the next event is the last one and has this type. Waits for it as {@link SseClient#next} does.
     *
     * @param type the type that shows the end: {@code completed}, {@code cancelled} or {@code failed} in the standard format
     */
    public SseClientAssert endsWith(String type) {
        isNotNull();
        Assertions.assertThat(actual.toEnd())
                .as("the rest of the stream")
                .extracting(Received::type)
                .containsExactly(type);
        return this;
    }
}
