// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Caches the tail of a stream that has readers in this process: the latest batches, fetched once for all readers. A reader that needs an
 * earlier entry reads the database. Thread-safe. No method blocks.
 */
public final class TailWindow {

    private static final long UNKNOWN = -1;

    /** The result of offering a batch. */
    enum Offer {
        /** The batch follows the last known one and was added. */
        TAKEN,
        /** The entries are known already, the stream has ended, or it is not followed. */
        IGNORED,
        /** Entries before the batch are missing. */
        GAP,
        /** The batch contradicts the known entries. */
        CONFLICT
    }

    private final String id;
    private final WindowMemory memory;
    private final CopyOnWriteArrayList<Watch> watches = new CopyOnWriteArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock. The batches cover the positions before next, without a gap.
    private final RecentBatches batches;
    private long next = UNKNOWN;
    private boolean ended;
    private boolean suspended;
    private boolean closed;

    final PollState poll;

    TailWindow(String id, WindowMemory memory, long now) {
        this.id = id;
        this.memory = memory;
        this.batches = new RecentBatches(memory);
        this.poll = new PollState(now);
        memory.join(this);
    }

    String id() {
        return id;
    }

    Watch watch(Hint hint, Consumer<Watch> onClose) {
        Watch watch = new Watch(hint, onClose);
        watches.add(watch);
        lock.lock();
        try {
            suspended = false;
        } finally {
            lock.unlock();
        }
        return watch;
    }

    boolean isWatched() {
        return !watches.isEmpty();
    }

    /** Drops all batches, because the stream has no more readers in this process. */
    void close() {
        lock.lock();
        try {
            closed = true;
            batches.clear();
        } finally {
            lock.unlock();
        }
        memory.leave(this);
    }

    /** Returns the position to fetch from; -1 if no reader has reached the tail, if polling is suspended, or if the stream has ended. */
    long wanted() {
        lock.lock();
        try {
            return ended || suspended ? UNKNOWN : next;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the position after the last known entry; -1 if the stream is not followed. */
    public long next() {
        lock.lock();
        try {
            return next;
        } finally {
            lock.unlock();
        }
    }

    /** Returns the position after the last entry that any reader has read. Ignores readers whose reads fail. */
    long shown() {
        long shown = 0;
        for (Watch watch : watches) {
            shown = watch.isGone(watch.shown) ? shown : Math.max(shown, watch.shown);
        }
        return shown;
    }

    /** Begins to follow the tail from a position. Returns false if the stream is followed already, or if the window is closed. */
    boolean follow(long position) {
        lock.lock();
        try {
            if (next != UNKNOWN || closed) {
                return false;
            }
            batches.begin(position);
            next = position;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Drops the known entries and runs the hints, so that the readers read the database. */
    void forget() {
        lock.lock();
        try {
            batches.clear();
            next = UNKNOWN;
            ended = false;
        } finally {
            lock.unlock();
        }
        tellAll();
    }

    /**
     * Makes reads fail from a position on, because the entry there is lost. Suspends polling until another reader opens a watch or the
     * entry arrives.
     */
    void cutAt(long position) {
        lock.lock();
        try {
            suspended = true;
        } finally {
            lock.unlock();
        }
        for (Watch watch : watches) {
            watch.goneAt = Math.min(watch.goneAt, position);
        }
        tellAll();
    }

    /** Makes reads fail for the readers that have read more entries than the stream has now. */
    void cutBeyond(long length) {
        Predicate<Watch> beyond = w -> w.shown > length;
        watches.stream().filter(beyond).forEach(w -> w.goneAt = 0);
        if (next() > length) {
            forget();
        } else {
            watches.stream().filter(beyond).forEach(Watch::tell);
        }
    }

    /** Returns whether the window knows the last entry of the stream, as of the last fetch. */
    public boolean isFollowed() {
        lock.lock();
        try {
            return next != UNKNOWN && (!ended || batches.last() != null);
        } finally {
            lock.unlock();
        }
    }

    /** Returns the end of the stream; null if it has none or the window does not know it. */
    public @Nullable End end() {
        lock.lock();
        try {
            EventBatch last = batches.last();
            return last == null ? null : last.end();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Adds a batch if it follows the known entries, and then runs the hints. While the stream is not followed, this adds nothing but runs
     * the hints.
     */
    Offer offer(EventBatch batch) {
        boolean tell;
        Offer offer = Offer.IGNORED;
        lock.lock();
        try {
            tell = next == UNKNOWN && !closed;
            if (next != UNKNOWN && !ended && batch.next() > next) {
                offer = batch.seq() == next ? Offer.TAKEN : batch.seq() > next ? Offer.GAP : Offer.CONFLICT;
            }
            if (offer == Offer.TAKEN) {
                tell = true;
                batches.add(batch);
                next = batch.next();
                ended = batch.end() != null;
                suspended = false;
            }
        } finally {
            lock.unlock();
        }
        if (offer == Offer.TAKEN) {
            memory.enforce();
        }
        if (tell) {
            tellAll();
        }
        return offer;
    }

    /** Drops the batches whose stamp is at most this one. */
    void dropUpTo(long stamp) {
        lock.lock();
        try {
            batches.dropUpTo(stamp);
        } finally {
            lock.unlock();
        }
    }

    private void tellAll() {
        watches.forEach(Watch::tell);
    }

    private EventStream.@Nullable Batch read(long after, int limit) {
        lock.lock();
        try {
            if (next == UNKNOWN || after + 1 < batches.start() || (ended && batches.last() == null)) {
                return null;
            }
            List<Event> events = batches.eventsAfter(after, limit);
            if (events.size() > limit) {
                List<Event> first = events.subList(0, limit);
                return new EventStream.Batch(first, first.get(limit - 1).position(), null);
            }
            return ended
                    ? new EventStream.Batch(events, next - 1, end())
                    : new EventStream.Batch(events, Math.max(after, next - 1), null);
        } finally {
            lock.unlock();
        }
    }

    /** The watch of one reader of the stream. Thread-safe. */
    public final class Watch implements EventStream.Watch {

        private final Hint hint;
        private final Consumer<Watch> onClose;
        /** The position after the last entry that the reader has read. */
        private volatile long shown;
        /** A read of this position or a later one fails. */
        private volatile long goneAt = Long.MAX_VALUE;

        Watch(Hint hint, Consumer<Watch> onClose) {
            this.hint = hint;
            this.onClose = onClose;
        }

        void tell() {
            hint.tell();
        }

        boolean isOpen() {
            return hint.isOpen();
        }

        /** Returns the window of the watched stream. */
        public TailWindow window() {
            return TailWindow.this;
        }

        /** Returns whether the stream has lost the entry after a position, so that the reader can never read it. */
        public boolean isGone(long after) {
            return after + 1 >= goneAt;
        }

        /** Returns whether the stream has lost entries, so that the reader can never reach its end. */
        public boolean isCut() {
            return goneAt != Long.MAX_VALUE;
        }

        /** Returns the known entries after a position, at most {@code limit} events; null if the reader must read the database. */
        public EventStream.@Nullable Batch read(long after, int limit) {
            noteShown(after + 1);
            EventStream.Batch batch = TailWindow.this.read(after, limit);
            if (batch != null) {
                noteShown(batch.last() + 1);
            }
            return batch;
        }

        /** Records that the reader has read all entries before a position. */
        public void noteShown(long position) {
            if (position > shown) {
                shown = position;
            }
        }

        @Override
        public void close() {
            hint.close();
            if (watches.remove(this)) {
                onClose.accept(this);
            }
        }
    }
}
