package dev.handoff.store;

import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The ordered log of one task, as its readers see it. Reading changes nothing; any number of readers, on any number of
 * nodes, see the same log.
 *
 * <p>Positions are dense: 0, 1, 2 …, never reused and never changed. A reader skips only the position of a fence, which a
 * store may write when one writer takes over from another. The end stands after the last event and has a position too.
 *
 * <p>Thread-safe.
 */
public interface EventStream {

    /** The position to read after for everything. */
    long BEGINNING = -1;

    /** The id of the stream, which is also that of its task. */
    String id();

    /**
     * What stands after a position and is there already, in order. Never waits for more; may block for as long as the store
     * takes to answer.
     *
     * <p>A stream that nobody has written yet reads as empty.
     *
     * @param after the position to go on after, {@link #BEGINNING} for everything
     * @param limit the most events to give, at least 1. A store may give fewer, and then says so with {@link Batch#more}
     * @throws ProblemException with status 410 if the stream was dropped while it was read
     */
    Batch read(long after, int limit);

    /**
     * Registers a hint that runs when there may be more to read. It may run when there is nothing new, and may not run at all,
     * so a reader looks again by itself at least once a second.
     *
     * @param hint runs in the thread that appends, or in a thread of the store's executor. It should return soon. What it
     *     throws is logged. Several threads may run it at the same time
     */
    Watch watch(Runnable hint);

    /** The position of the last entry, be it an event, a fence or the end; {@link #BEGINNING} if there is none. */
    long last();

    /** The end, if the stream has ended. */
    Optional<End> end();

    /**
     * Returns how many events the stream has; fences and the end do not count. May block for as long as the store takes to
     * answer. This implementation counts fences as events: a store that writes them overrides it.
     */
    default long eventCount() {
        return last() + 1 - (end().isPresent() ? 1 : 0);
    }

    /**
     * A part of a stream.
     *
     * @param events the events, in order. If there are fewer than were asked for, and {@code more} is false, there were no more
     * @param last the position up to which this covers the stream: what to read after next
     * @param end the end of the stream, if there is nothing after this batch, and never will be; else null
     * @param more whether there may be more although there are fewer events than were asked for, because the store bounds a
     *     read in bytes. The batch then covers at least one more position
     */
    record Batch(List<Event> events, long last, @Nullable End end, boolean more) {
        /** Checks the parts. */
        public Batch {
            Objects.requireNonNull(events, "events");
            if (more && end != null) {
                throw new IllegalArgumentException("there is nothing after the end");
            }
        }

        /** Returns a batch that the store has not cut short. */
        public Batch(List<Event> events, long last, @Nullable End end) {
            this(events, last, end, false);
        }
    }

    /**
     * The registration of a hint. After {@link #close} has returned the hint is not started any more, though a run that has
     * begun may still go on, and neither the store nor this watch refers to it. Closing it again does nothing.
     */
    interface Watch extends AutoCloseable {
        @Override
        void close();
    }
}
