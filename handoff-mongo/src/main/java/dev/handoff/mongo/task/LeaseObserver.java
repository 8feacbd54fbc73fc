package dev.handoff.mongo.task;

import dev.handoff.mongo.database.HeldTask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Decides which workers and tasks are lost, from what a sweeper has read. It compares no clocks: a worker is lost when its beat has not changed
 * for a whole lease, by the monotonic time of this process, while this process read the beats regularly.
 *
 * <p>A worker writes its beat before it claims its first task. So a task that was read before the beats has an owner whose beat is among them,
 * unless that owner writes no beats: workers of version 0.1 and processes that took a task over. The value of such a task is observed
 * instead.
 *
 * <p>A failed read begins all observations anew, and so does a late one: a worker that cannot write its beat is not lost if the database was
 * away. Not thread-safe.
 */
final class LeaseObserver {

    /** A value, and when it was first seen. */
    private record Seen<T>(T value, long since) {}

    /**
     * What one reading says.
     *
     * @param tasks the tasks that have lost their owner
     * @param idle the workers that are lost and have no task, with their beats
     */
    record Lost(List<HeldTask> tasks, Map<String, Long> idle) {}

    private final long leaseNanos;
    private final long longestGapNanos;
    private final Map<String, Seen<Long>> workers = new HashMap<>();
    private final Map<String, Seen<HeldTask>> tasks = new HashMap<>();
    /** The workers of the last reading. */
    private Set<String> known = Set.of();

    private boolean hasRead;
    private long lastRead;

    /** @param longestGap how far apart two readings may be that belong to one observation */
    LeaseObserver(Duration lease, Duration longestGap) {
        this.leaseNanos = lease.toNanos();
        this.longestGapNanos = longestGap.toNanos();
    }

    /** Returns whether there was a reading, so that {@link #live} knows the workers. */
    boolean hasRead() {
        return hasRead;
    }

    /** Begins all observations anew, because a read has failed. */
    void restart() {
        workers.clear();
        tasks.clear();
    }

    /** Returns the workers that no reading that begins now can find lost. Their tasks need not be read. */
    Collection<String> live(long now) {
        Set<String> live = new HashSet<>(known);
        workers.forEach((id, seen) -> {
            if (now - seen.since >= leaseNanos) {
                live.remove(id);
            }
        });
        return live;
    }

    /**
     * Adds a reading and returns who is lost.
     *
     * @param began when the reading of the tasks began; the beats were read after them
     * @param now when the reading of the beats ended
     * @param running the running tasks, without those of live workers
     */
    Lost observe(long began, long now, List<HeldTask> running, Map<String, Long> beats) {
        if (hasRead && now - lastRead > longestGapNanos) {
            restart();
        }
        hasRead = true;
        lastRead = now;
        known = Set.copyOf(beats.keySet());

        Map<String, Long> idle = new HashMap<>();
        workers.keySet().retainAll(known);
        beats.forEach((id, beat) -> {
            if (isUnchanged(workers, id, beat, began, now)) {
                idle.put(id, beat);
            }
        });
        Set<String> lostWorkers = Set.copyOf(idle.keySet());

        List<HeldTask> lost = new ArrayList<>();
        Set<String> withoutBeat = new HashSet<>();
        for (HeldTask task : running) {
            String owner = task.owner();
            if (owner != null && known.contains(owner)) {
                idle.remove(owner);
                if (lostWorkers.contains(owner)) {
                    lost.add(task);
                }
            } else {
                withoutBeat.add(task.id());
                if (isUnchanged(tasks, task.id(), task, began, now)) {
                    lost.add(task);
                }
            }
        }
        tasks.keySet().retainAll(withoutBeat);
        return new Lost(lost, idle);
    }

    /** Returns whether a value was the same for a whole lease. */
    private <T> boolean isUnchanged(Map<String, Seen<T>> all, String id, T value, long began, long now) {
        Seen<T> seen = all.get(id);
        if (seen == null || !seen.value.equals(value)) {
            all.put(id, new Seen<>(value, now));
            return false;
        }
        return began - seen.since >= leaseNanos;
    }
}
