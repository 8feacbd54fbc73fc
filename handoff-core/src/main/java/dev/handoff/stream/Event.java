package dev.handoff.stream;

import dev.handoff.check.Lines;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One entry of an {@link EventStream} that its readers are shown.
 *
 * @param position where it stands in the stream: 0, 1, 2 …, given by the {@link EventAppender}
 * @param type what kind of event it is, the {@code event} field of Server-Sent Events; null where it has none
 * @param data its text, any text; empty text is still an event
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
