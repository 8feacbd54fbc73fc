// SPDX-License-Identifier: Apache-2.0
package dev.handoff.store;

import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import org.jspecify.annotations.Nullable;

/**
 * Appends to a stream as its only writer. Opening an appender with a higher epoch fences this one. From then on its methods change nothing
 * and throw {@link StaleWriterException}.
 *
 * <p>Thread-safe. Events appended by one thread keep their order.
 */
public interface EventAppender {

    /**
     * Appends an event. Blocks while too many events wait for the store. The event may not be durable yet when this returns; {@link #flush}
     * and {@link #end} wait until it is.
     *
     * @param type the type, or null for none
     * @return the position of the event
     * @throws IllegalArgumentException if the type is empty or holds CR, LF or NUL, or the event is larger than the store accepts; the
     *     stream is unchanged
     * @throws StaleWriterException if another writer has taken over or the stream has ended; the stream is unchanged
     * @throws ProblemException with status 507 if the stream is full, or 503 if the store is full; the stream is unchanged, and
     *     {@link #end} still works
     */
    long append(@Nullable String type, String data);

    /**
     * Blocks until all appended events are as durable as the store promises, and visible to each read that starts after this returns.
     *
     * @throws StaleWriterException if another writer has taken over; the events since the last successful flush may be missing from the
     *     stream
     */
    void flush();

    /**
     * Ends the stream after all appended events, and blocks like {@link #flush}. A full store also accepts an end.
     *
     * @throws IllegalArgumentException if the result is larger than the store accepts; the stream is unchanged
     * @throws StaleWriterException if another writer has taken over or the stream has ended already; the stream is unchanged
     */
    void end(End end);
}
