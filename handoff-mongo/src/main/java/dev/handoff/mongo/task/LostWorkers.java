// SPDX-License-Identifier: Apache-2.0
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
 * Decides which workers and tasks are lost, from the data that a sweeper reads. This does not compare clocks of machines. A worker is lost
 * when its beat has not changed for a whole lease, by the monotonic time of this process, while this process read the beats regularly.
 *
 * <p>A worker writes its beat before it claims its first task, and a sweeper reads the tasks before the beats. So the beats include each
 * owner of a task that writes beats. Workers of version 0.1 and processes that take tasks over write no beats. Their tasks are lost when
 * the task itself has not changed for a whole lease.
 *
 * <p>A failed read and a late read restart all observations, because a worker that could not write its beat during an outage of the
 * database is not lost. Not thread-safe.
 */
final class LostWorkers {

    /** Holds a value and when it was first seen. */
    private record Seen<T>(T value, long since) {}

    /**
     * Holds the result of one reading.
     *
     * @param tasks the tasks whose owner is lost
     * @param idle the lost workers without tasks, with their beats
     */
    record Found(List<HeldTask> tasks, Map<String, Long> idle) {}

    private final long leaseNanos;
    private final long longestGapNanos;
    private final Map<String, Seen<Long>> workers = new HashMap<>();
    private final Map<String, Seen<HeldTask>> tasks = new HashMap<>();
    /** The workers of the last reading. */
    private Set<String> known = Set.of();

    private boolean hasRead;
    private long lastRead;

    /** @param longestGap if two readings are further apart than this, all observations restart */
    LostWorkers(Duration lease, Duration longestGap) {
        this.leaseNanos = lease.toNanos();
        this.longestGapNanos = longestGap.toNanos();
    }

    /** Returns whether there was a reading. Before the first one, {@link #live} returns no workers. */
    boolean hasRead() {
        return hasRead;
    }

    /** Restarts all observations, because a read has failed. */
    void restart() {
        workers.clear();
        tasks.clear();
    }

    /**
     * Returns the known workers whose current beat this process has observed for less than a lease. A reading that begins now cannot find
     * them lost, so the sweeper need not read their tasks.
     */
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
     * Adds a reading and returns the lost workers and tasks.
     *
     * @param began when the read of the tasks began; the read of the beats followed
     * @param now when the read of the beats ended
     * @param running the running tasks, without those of live workers
     */
    Found observe(long began, long now, List<HeldTask> running, Map<String, Long> beats) {
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
        return new Found(lost, idle);
    }

    /** Returns whether this process has observed the same value for a whole lease. */
    private <T> boolean isUnchanged(Map<String, Seen<T>> all, String id, T value, long began, long now) {
        Seen<T> seen = all.get(id);
        if (seen == null || !seen.value.equals(value)) {
            all.put(id, new Seen<>(value, now));
            return false;
        }
        return began - seen.since >= leaseNanos;
    }
}
