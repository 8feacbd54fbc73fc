// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.time.Ticker;
import java.time.Clock;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * All tasks that a dispatcher knows. It forgets a task when the retention time after its end is over, or earlier if the records
 * of ended tasks take too many bytes.
 *
 * <p>Thread-safe.
 */
final class KnownTasks {

    private final ConcurrentMap<String, LocalTask> byId = new ConcurrentHashMap<>();
    private final ConcurrentMap<LocalTask.Likeness, LocalTask> latest = new ConcurrentHashMap<>();
    private final Clock clock;
    private final Ticker ticker;
    private final long retentionNanos;
    private final long maxEndedBytes;

    private final ReentrantLock lock = new ReentrantLock();
    /** The tasks that have ended, in the order in which they ended. Changed only under the lock. */
    private final Queue<LocalTask> ended = new ConcurrentLinkedQueue<>();
    /** Guarded by the lock. */
    private long endedBytes;

    KnownTasks(Clock clock, Ticker ticker, long retentionNanos, long maxEndedBytes) {
        this.clock = clock;
        this.ticker = ticker;
        this.retentionNanos = retentionNanos;
        this.maxEndedBytes = maxEndedBytes;
    }

    /** Adds a task, unless there is one with its id, which is returned then. */
    @Nullable
    LocalTask addIfAbsent(LocalTask task) {
        return byId.putIfAbsent(task.id, task);
    }

    /** Removes a task that was refused. */
    void remove(LocalTask task) {
        byId.remove(task.id, task);
    }

    /** Returns the task with an id, or null. */
    @Nullable
    LocalTask find(String id) {
        return byId.get(id);
    }

    /** Makes a task the one that {@link #latestLike} returns. */
    void makeLatest(LocalTask task) {
        latest.put(task.likeness(), task);
        if (byId.get(task.id) != task) {
            // It has ended and was forgotten meanwhile.
            latest.remove(task.likeness(), task);
        }
    }

    /** Returns the last task with these properties, or null. */
    @Nullable
    LocalTask latestLike(LocalTask.Likeness likeness) {
        return latest.get(likeness);
    }

    /**
     * Makes the record of a task whose run is over, and forgets the tasks that ended first if there are too many records. The
     * new record is kept in any case. Returns false if there was a record before.
     */
    boolean recordEnd(LocalTask task) {
        lock.lock();
        try {
            if (!task.becomeRecord(clock.instant(), ticker.read())) {
                return false;
            }
            endedBytes += task.recordBytes();
            ended.add(task);
            while (endedBytes > maxEndedBytes && ended.peek() != task) {
                forgetFirst();
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Forgets the tasks whose retention time is over, which are the first in the queue. */
    void forgetExpired() {
        long now = ticker.read();
        LocalTask first = ended.peek();
        if (first == null || !isExpired(first, now)) {
            return;
        }
        lock.lock();
        try {
            for (first = ended.peek(); first != null && isExpired(first, now); first = ended.peek()) {
                forgetFirst();
            }
        } finally {
            lock.unlock();
        }
    }

    private boolean isExpired(LocalTask task, long now) {
        return now - task.endedAtTick() >= retentionNanos;
    }

    /** Forgets the task that ended first. The caller holds the lock. */
    private void forgetFirst() {
        LocalTask first = ended.remove();
        endedBytes -= first.recordBytes();
        byId.remove(first.id, first);
        latest.remove(first.likeness(), first);
    }
}
