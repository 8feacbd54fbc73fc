// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.task.TaskStatus;
import java.util.Iterator;
import java.util.NavigableSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The tasks that have not ended, or whose handlers have not returned. Limits their bytes, and knows which of them are queued.
 *
 * <p>Thread-safe. An iterator may or may not show tasks that are added or removed meanwhile.
 */
final class PendingTasks implements Iterable<LocalTask> {

    private final long maxBytes;
    private final AtomicLong bytes = new AtomicLong();
    private final Set<LocalTask> tasks = ConcurrentHashMap.newKeySet();
    /** The numbers of the tasks that have not begun. */
    private final NavigableSet<Long> queued = new ConcurrentSkipListSet<>();
    /** Used only by threads that wait until there is no task. */
    private final ReentrantLock lock = new ReentrantLock();

    private final Condition emptied = lock.newCondition();

    PendingTasks(long maxBytes) {
        this.maxBytes = maxBytes;
    }

    /** Adds a task if there is room for it, else returns false. */
    boolean add(LocalTask task) {
        long before;
        do {
            before = bytes.get();
            if (before + task.bytes > maxBytes) {
                return false;
            }
        } while (!bytes.compareAndSet(before, before + task.bytes));
        tasks.add(task);
        return true;
    }

    /** Removes a task if it is there. */
    void remove(LocalTask task) {
        if (!tasks.remove(task)) {
            return;
        }
        bytes.addAndGet(-task.bytes);
        if (tasks.isEmpty()) {
            lock.lock();
            try {
                emptied.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Waits until there is no task, or until the time is over. Returns whether there is none. */
    boolean awaitNone(long nanos) throws InterruptedException {
        lock.lock();
        try {
            long left = nanos;
            while (!tasks.isEmpty()) {
                if (left <= 0) {
                    return false;
                }
                left = emptied.awaitNanos(left);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    void enqueue(LocalTask task) {
        queued.add(task.number);
    }

    void dequeue(LocalTask task) {
        queued.remove(task.number);
    }

    /** Returns how many tasks are queued before this one, at most {@link TaskStatus#MAX_QUEUE_POSITION}. */
    int queuePosition(LocalTask task) {
        return (int) queued.headSet(task.number).stream()
                .limit(TaskStatus.MAX_QUEUE_POSITION)
                .count();
    }

    @Override
    public Iterator<LocalTask> iterator() {
        return tasks.iterator();
    }
}
