package dev.handoff.mongo.tail;

import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.EventStream;
import dev.handoff.mongo.database.EventBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What this process knows of the tail of a stream that has readers here: the events from some position on, fetched once for
 * all of them. A reader that is further behind asks the store.
 */
public final class TailWindow {

    private static final long UNKNOWN = -1;
    private static final int MAX_WINDOW_CHARS = 256 << 10;

    final String id;
    private final CopyOnWriteArrayList<Watch> watches = new CopyOnWriteArrayList<>();

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock. The window covers the positions from start to next, without the latter.
    private List<Event> window = new ArrayList<>();
    private long windowChars;
    private long start = UNKNOWN;
    private long next = UNKNOWN;
    private @Nullable End end;

    // Written by the polling loop, and by whoever wakes it.
    volatile long dueAt;
    volatile long quietSince;

    // Only the polling loop's.
    long interval;

    /** Returns a window that nobody follows yet. */
    public TailWindow(String id) {
        this.id = id;
    }

    Watch watch(Hint hint, Runnable onClose) {
        Watch watch = new Watch(hint, onClose);
        watches.add(watch);
        return watch;
    }

    boolean isWatched() {
        return !watches.isEmpty();
    }

    /** The position that is to be asked for; -1 while no reader has come to the tail, or if there is nothing more. */
    long wanted() {
        lock.lock();
        try {
            return end == null ? next : UNKNOWN;
        } finally {
            lock.unlock();
        }
    }

    /** From now on the tail is followed from here: a reader has asked the store and seen all that was before. */
    public void follow(long position) {
        lock.lock();
        try {
            if (next == UNKNOWN) {
                start = position;
                next = position;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Has the readers ask the store: what stands in it cannot be followed. */
    public void forget() {
        lock.lock();
        try {
            window = new ArrayList<>();
            windowChars = 0;
            start = UNKNOWN;
            next = UNKNOWN;
        } finally {
            lock.unlock();
        }
        watches.forEach(Watch::tell);
    }

    public boolean isFollowed() {
        lock.lock();
        try {
            return next != UNKNOWN;
        } finally {
            lock.unlock();
        }
    }

    public @Nullable End end() {
        lock.lock();
        try {
            return end;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes what follows on what is known; anything else is known already, or has to wait for what is between. While no
     * reader has come to the tail nothing is known, but those who watch are told.
     */
    public void offer(EventBatch batch) {
        if (take(batch)) {
            watches.forEach(Watch::tell);
        }
    }

    private boolean take(EventBatch batch) {
        lock.lock();
        try {
            if (next == UNKNOWN) {
                return true;
            }
            if (batch.seq() != next || end != null) {
                return false;
            }
            window.addAll(batch.events());
            for (Event event : batch.events()) {
                windowChars += event.data().length();
            }
            next = batch.next();
            end = batch.end();
            trim();
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void trim() {
        if (windowChars <= MAX_WINDOW_CHARS) {
            return;
        }
        int drop = 0;
        // Down to a half, so that this is not done for each event.
        while (windowChars > MAX_WINDOW_CHARS / 2 && drop < window.size()) {
            windowChars -= window.get(drop).data().length();
            drop++;
        }
        start = drop == window.size() ? next : window.get(drop).position();
        window = new ArrayList<>(window.subList(drop, window.size()));
    }

    /** What is known after a position; null if the store has to be asked. */
    public EventStream.@Nullable Batch read(long after, int limit) {
        lock.lock();
        try {
            if (next == UNKNOWN || after + 1 < start) {
                return null;
            }
            int from = indexAfter(after);
            int to = (int) Math.min((long) from + limit, window.size());
            boolean whole = to == window.size();
            List<Event> events = List.copyOf(window.subList(from, to));
            long last = whole ? Math.max(after, next - 1) : window.get(to - 1).position();
            return new EventStream.Batch(events, whole && end != null ? next - 1 : last, whole ? end : null);
        } finally {
            lock.unlock();
        }
    }

    /** The first event after a position. Positions grow, but not always by one. */
    private int indexAfter(long after) {
        int low = 0;
        int high = window.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (window.get(middle).position() <= after) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    public final class Watch implements EventStream.Watch {

        private final Hint hint;
        private final Runnable onClose;

        Watch(Hint hint, Runnable onClose) {
            this.hint = hint;
            this.onClose = onClose;
        }

        void tell() {
            hint.tell();
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
