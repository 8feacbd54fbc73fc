// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Limits the bytes of all windows of a process together. Above the limit, the windows drop the batches that were added first. Thread-safe.
 */
final class WindowMemory {

    private final long limit;
    private final Set<TailWindow> windows = ConcurrentHashMap.newKeySet();
    private final AtomicLong used = new AtomicLong();
    /**
     * The sum of all bytes ever added. Its value after a batch was added is the stamp of that batch: a batch with a lower stamp is older.
     */
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

    /** Drops the oldest batches if the windows have more bytes than the limit. The caller must not hold the lock of a window. */
    void enforce() {
        while (used.get() > limit && dropping.compareAndSet(false, true)) {
            try {
                // The batches added after this stamp have at most three quarters of the limit.
                long oldest = added.get() - limit / 4 * 3;
                windows.forEach(window -> window.dropUpTo(oldest));
            } finally {
                dropping.set(false);
            }
        }
    }
}
