// SPDX-License-Identifier: Apache-2.0
package dev.handoff.store;

import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads the ordered log of one task. A read changes nothing. Any number of readers on any number of servers see the same log.
 *
 * <p>Positions are dense: 0, 1, 2 …. A position is never reused, and its entry never changes. A store may write a fence when a new writer
 * takes over. A fence takes a position, but a read does not return it, so its position is missing between the positions of the events. The
 * end comes after the last event and takes a position too.
 *
 * <p>Thread-safe.
 */
public interface EventStream {

    /** The position to read after to get all events. */
    long BEGINNING = -1;

    /** Returns the id of the stream, which is also the id of its task. */
    String id();

    /**
     * Returns the entries after a position that exist already, in order. Never waits for new entries. May block until the store answers.
     *
     * <p>A stream without a writer yet reads as empty. While a watch is open, a store may return no entries although there are some, because
     * other readers read at the moment. It then runs the hint of the watch when the reader can read again.
     *
     * @param after the position to read after; {@link #BEGINNING} for all events
     * @param limit the most events to return, 1 or more. A store may return fewer although there are more, and then sets {@link Batch#more}
     * @throws IllegalArgumentException if {@code after} is less than {@link #BEGINNING} or {@code limit} is less than 1
     * @throws ProblemException with status 410 if the store had the stream and no longer keeps it
     */
    Batch read(long after, int limit);

    /**
     * Registers a hint that runs when the stream may have new entries. It may run without new entries, and it may not run at all, so a
     * reader must also read again at least once a second.
     *
     * @param hint runs in the thread that appends, or in a thread of the store's executor. It should return soon. The store logs the
     *     exceptions that it throws. Several threads may run it at the same time
     * @return the registration, which the reader has to close
     */
    Watch watch(Runnable hint);

    /**
     * Returns the position of the last entry, which is an event, a fence or the end; {@link #BEGINNING} if there is none. May block until
     * the store answers.
     *
     * @throws ProblemException with status 410 if the store knows that it no longer keeps the stream
     */
    long last();

    /**
     * Returns the end; empty if the stream has not ended. May block until the store answers.
     *
     * @throws ProblemException with status 410 if the store knows that it no longer keeps the stream
     */
    Optional<End> end();

    /**
     * Returns how many events the stream has; fences and the end do not count. May block until the store answers. This implementation
     * counts fences as events, so a store that writes fences must override it.
     *
     * @throws ProblemException with status 410 if the store knows that it no longer keeps the stream
     */
    default long eventCount() {
        return last() + 1 - (end().isPresent() ? 1 : 0);
    }

    /**
     * Holds a part of a stream.
     *
     * @param events the events, in order. If there are fewer than requested and {@code more} is false, the stream had no more events when
     *     it was read, or a hint follows; see {@link #read}
     * @param last the position up to which this part covers the stream; the next read continues after it
     * @param end the end of the stream, if this part reaches it; else null
     * @param more whether there may be more although there are fewer events than requested, because the store limits the bytes of a read.
     *     This part then covers at least one position
     */
    record Batch(List<Event> events, long last, @Nullable End end, boolean more) {
        /**
         * Checks the parts.
         *
         * @throws IllegalArgumentException if there is an end and {@code more} is true
         */
        public Batch {
            Objects.requireNonNull(events, "events");
            if (more && end != null) {
                throw new IllegalArgumentException("a batch that has the end of the stream cannot have more");
            }
        }

        /** Creates a part that the store has not shortened. */
        public Batch(List<Event> events, long last, @Nullable End end) {
            this(events, last, end, false);
        }
    }

    /**
     * Represents the registration of a hint. After {@link #close} returns, the hint does not start again, and neither the store nor this
     * watch refers to it. A run that has begun may continue. Another call of {@link #close} does nothing.
     */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }
}
