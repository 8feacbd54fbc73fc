package dev.handoff.mongo.tail;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bytes of all windows of a process, and their bound. When they exceed it, the windows drop the batches that were added
 * first. Thread-safe.
 */
final class WindowMemory {

    private final long limit;
    private final Set<TailWindow> windows = ConcurrentHashMap.newKeySet();
    private final AtomicLong used = new AtomicLong();
    /** The bytes that were ever added. A batch is stamped with it, so that its age is known in bytes. */
    private final AtomicLong added = new AtomicLong();

    private final AtomicBoolean dropping = new AtomicBoolean();

    WindowMemory(long limit) {
        this.limit = limit;
    }

    void join(TailWindow window) {
        windows.add(window);
    }

    void leave(TailWindow window) {
        windows.remove(window);
    }

    /** Counts a batch and returns its stamp. */
    long add(long bytes) {
        used.addAndGet(bytes);
        return added.addAndGet(bytes);
    }

    void release(long bytes) {
        used.addAndGet(-bytes);
    }

    long used() {
        return used.get();
    }

    /** Drops the oldest batches if there are too many bytes. Called without the lock of a window. */
    void enforce() {
        while (used.get() > limit && dropping.compareAndSet(false, true)) {
            try {
                // What was added after this stamp has at most three quarters of the limit.
                long oldest = added.get() - limit / 4 * 3;
                windows.forEach(window -> window.dropUpTo(oldest));
            } finally {
                dropping.set(false);
            }
        }
    }
}
