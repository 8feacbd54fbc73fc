// SPDX-License-Identifier: Apache-2.0
package dev.handoff.stream;

import dev.handoff.check.Lines;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Holds one event of an {@link EventStream}.
 *
 * @param position the position in the stream: 0, 1, 2 …, assigned by the {@link EventAppender}
 * @param type the type, which is the {@code event} field of Server-Sent Events; null for none
 * @param data the text; it may hold any characters and may be empty
 */
public record Event(long position, @Nullable String type, String data) {

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if the position is negative, or the type is empty or holds CR, LF or NUL
     */
    public Event {
        if (position < 0) {
            throw new IllegalArgumentException("position is negative: " + position);
        }
        if (type != null) {
            requireType(type);
        }
        Objects.requireNonNull(data, "data");
    }

    /**
     * Checks that a text can be the type of an event.
     *
     * @throws IllegalArgumentException if it is empty, or holds CR, LF or NUL
     */
    public static void requireType(String type) {
        if (type.isEmpty()) {
            throw new IllegalArgumentException("event type is empty; an event without a type has null");
        }
        Lines.requireOne("event type", type);
    }
}
