package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What this process knows of the tail of a stream that has readers here: the batches from some position on, fetched once for
 * all readers. A reader that is further behind reads the database. Thread-safe; no method blocks.
 */
public final class TailWindow {

    static final long MAX_WINDOW_BYTES = 512 << 10;
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

    private record Entry(EventBatch batch, long bytes, long stamp) {}

    private final String id;
    private final WindowMemory memory;
    private final CopyOnWriteArrayList<Watch> watches = new CopyOnWriteArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock. The window covers the positions from start to next, without the latter.
    private List<Entry> window = new ArrayList<>();
    private long bytes;
    private long start = UNKNOWN;
    private long next = UNKNOWN;
    private boolean ended;
    private boolean suspended;
    private boolean closed;

    final PollState poll;

    TailWindow(String id, WindowMemory memory, long now) {
        this.id = id;
        this.memory = memory;
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

    /** Drops everything, because nobody watches the stream here any more. */
    void close() {
        lock.lock();
        try {
            closed = true;
            clear();
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
            start = position;
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
            clear();
            next = UNKNOWN;
            start = UNKNOWN;
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
            return next != UNKNOWN && (!ended || lastBatch() != null);
        } finally {
            lock.unlock();
        }
    }

    /** Returns the end of the stream, if it is known here. */
    public @Nullable End end() {
        lock.lock();
        try {
            EventBatch last = lastBatch();
            return last == null ? null : last.end();
        } finally {
            lock.unlock();
        }
    }

    private @Nullable EventBatch lastBatch() {
        return window.isEmpty() ? null : window.get(window.size() - 1).batch();
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
                add(batch);
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

    private void add(EventBatch batch) {
        long size = batch.bytes();
        window.add(new Entry(batch, size, memory.add(size)));
        bytes += size;
        next = batch.next();
        ended = batch.end() != null;
        suspended = false;
        if (bytes > MAX_WINDOW_BYTES) {
            // Down to a half, so that this is not done for each batch. The latest batch stays for the readers that wait
            // for it.
            int drop = 0;
            long left = bytes;
            while (left > MAX_WINDOW_BYTES / 2 && drop < window.size() - 1) {
                left -= window.get(drop).bytes();
                drop++;
            }
            drop(drop);
        }
    }

    /** Drops the batches that were added before a stamp. */
    void dropUpTo(long stamp) {
        lock.lock();
        try {
            int drop = 0;
            while (drop < window.size() && window.get(drop).stamp() - stamp <= 0) {
                drop++;
            }
            drop(drop);
        } finally {
            lock.unlock();
        }
    }

    private void drop(int count) {
        if (count == 0) {
            return;
        }
        long dropped = 0;
        for (Entry entry : window.subList(0, count)) {
            dropped += entry.bytes();
        }
        start = window.get(count - 1).batch().next();
        window = new ArrayList<>(window.subList(count, window.size()));
        bytes -= dropped;
        memory.release(dropped);
    }

    private void clear() {
        memory.release(bytes);
        bytes = 0;
        window = new ArrayList<>();
    }

    private void tellAll() {
        watches.forEach(Watch::tell);
    }

    private EventStream.@Nullable Batch read(long after, int limit) {
        lock.lock();
        try {
            if (next == UNKNOWN || after + 1 < start || (ended && window.isEmpty())) {
                return null;
            }
            List<Event> events = new ArrayList<>();
            for (int i = indexAfter(after); i < window.size(); i++) {
                for (Event event : window.get(i).batch().events()) {
                    if (event.position() > after) {
                        if (events.size() == limit) {
                            return new EventStream.Batch(
                                    events, events.get(limit - 1).position(), null);
                        }
                        events.add(event);
                    }
                }
            }
            return ended
                    ? new EventStream.Batch(events, next - 1, end())
                    : new EventStream.Batch(events, Math.max(after, next - 1), null);
        } finally {
            lock.unlock();
        }
    }

    /** Returns the index of the first batch that has an entry after a position. */
    private int indexAfter(long after) {
        int low = 0;
        int high = window.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (window.get(middle).batch().next() <= after + 1) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
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
