package dev.handoff.store;

import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import org.jspecify.annotations.Nullable;

/**
 * The one writer of a stream. Opening an appender with a higher epoch fences this one: from then on it changes nothing and
 * is told so.
 *
 * <p>Thread-safe; events appended by one thread keep their order.
 */
public interface EventAppender {

    /**
     * Adds an event at the tail. Blocks while the store is too far behind to take more. The event may not be durable yet
     * when this returns; {@link #flush} and {@link #end} wait for that.
     *
     * @param type the type, or null for none
     * @return the position of the event
     * @throws IllegalArgumentException if the type is empty or holds CR, LF or NUL, or the event is larger than the store
     *     takes; the stream is as before
     * @throws StaleWriterException if another writer has taken over or the stream has ended; the stream is as before
     * @throws ProblemException with status 507 or 503 if the stream or the store is full; the stream is as before, and can
     *     still be ended
     */
    long append(@Nullable String type, String data);

    /**
     * Waits until everything that was appended is as durable as the store promises, and visible to every read that starts
     * after this has returned.
     *
     * @throws StaleWriterException if another writer has taken over; what it did not acknowledge is not in the stream
     */
    void flush();

    /**
     * Ends the stream, after everything that was appended, and waits as {@link #flush} does. A full store takes an end, too.
     *
     * @throws IllegalArgumentException if the result is larger than the store takes; the stream is as before
     * @throws StaleWriterException if another writer has taken over or the stream has ended already; the stream is as before
     */
    void end(End end);
}
