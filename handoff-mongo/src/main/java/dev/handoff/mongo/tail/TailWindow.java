package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the tail of a stream that has readers in this process: the batches from some position on, fetched once for all readers. A reader that is
 * further behind reads the database. Thread-safe. No method blocks.
 */
public final class TailWindow {

    private static final long UNKNOWN = -1;

    /** What a window did with a batch. */
    enum Offer {
        /** It was the next one. */
        TAKEN,
        /** Its entries are known, or the stream is not followed. */
        IGNORED,
        /** Entries before it are missing. */
        GAP,
        /** It contradicts what is known. */
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

    Watch watch(Hint hint, Runnable onClose) {
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

    /** Drops all batches, because the stream has no reader here any more. */
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

    /** Returns the position to fetch from; -1 while no reader has come to the tail, or if there is nothing more. */
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

    /** Returns the highest position that a reader here has been shown, plus one. Readers that are cut do not count. */
    long shown() {
        long shown = 0;
        for (Watch watch : watches) {
            shown = watch.isGone(watch.shown) ? shown : Math.max(shown, watch.shown);
        }
        return shown;
    }

    /** Follows the tail from a position, unless it is followed. Returns whether this began it. */
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

    /** Drops what is known and runs the hints, so that the readers read the database. */
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

    /** Cuts the readers that come to a position, which cannot be read, and stops polling until another reader comes. */
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

    /** Cuts the readers that have been shown more than the stream has now. */
    void cutBeyond(long length) {
        Predicate<Watch> beyond = w -> w.shown > length;
        watches.stream().filter(beyond).forEach(w -> w.goneAt = 0);
        if (next() > length) {
            forget();
        } else {
            watches.stream().filter(beyond).forEach(Watch::tell);
        }
    }

    /** Returns whether it is known here how far the stream goes. */
    public boolean isFollowed() {
        lock.lock();
        try {
            return next != UNKNOWN && (!ended || batches.last() != null);
        } finally {
            lock.unlock();
        }
    }

    /** Returns the end of the stream, if it is known here. */
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
     * Takes a batch if it follows on what is known, and runs the hints. While no reader has come to the tail nothing is known,
     * but the hints run.
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

    /** Drops the batches that were added before a stamp. */
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

    /** One reader of the stream. */
    public final class Watch implements EventStream.Watch {

        private final Hint hint;
        private final Runnable onClose;
        /** The position after the last one that the reader has been shown. */
        private volatile long shown;
        /** A reader that wants this position or a later one is cut. */
        private volatile long goneAt = Long.MAX_VALUE;

        Watch(Hint hint, Runnable onClose) {
            this.hint = hint;
            this.onClose = onClose;
        }

        void tell() {
            hint.tell();
        }

        /** Returns the stream that it watches. */
        public TailWindow window() {
            return TailWindow.this;
        }

        /** Returns whether the stream has lost what comes after a position, so that the reader never gets it. */
        public boolean isGone(long after) {
            return after + 1 >= goneAt;
        }

        /** Returns whether the stream has lost entries, so that the reader never gets its end. */
        public boolean isCut() {
            return goneAt != Long.MAX_VALUE;
        }

        /** Returns what is known after a position; null if the database has to be read. */
        public EventStream.@Nullable Batch read(long after, int limit) {
            noteShown(after + 1);
            EventStream.Batch batch = TailWindow.this.read(after, limit);
            if (batch != null) {
                noteShown(batch.last() + 1);
            }
            return batch;
        }

        /** Notes up to which position, without it, the reader has been shown the stream. */
        public void noteShown(long position) {
            if (position > shown) {
                shown = position;
            }
        }

        @Override
        public void close() {
            hint.close();
            if (watches.remove(this)) {
                onClose.run();
            }
        }
    }
}
