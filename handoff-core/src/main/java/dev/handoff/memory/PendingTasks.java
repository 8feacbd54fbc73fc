package dev.handoff.memory;

import dev.handoff.task.TaskStatus;
import java.util.Iterator;
import java.util.NavigableSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicLong;

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
        if (tasks.remove(task)) {
            bytes.addAndGet(-task.bytes);
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
