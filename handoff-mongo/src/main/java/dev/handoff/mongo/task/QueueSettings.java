// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of a queue.
 *
 * @param name the owner of tasks that this process takes over; unique to the process
 * @param types the types of tasks that are accepted
 * @param lease how long the beat of a worker may be unchanged before a sweep takes its tasks
 * @param sweepInterval the interval of the sweeps of this process
 * @param maxAttempts how many times workers may start a task
 * @param maxQueueTime how long a task may be queued
 * @param retryFor how long a call of the application is repeated while the database does not answer
 * @param cancelUnattendedAfter how long a task may have no reader; null for no limit
 * @param locks creates the locks on which threads wait
 */
record QueueSettings(
        String name,
        Set<String> types,
        Duration lease,
        Duration sweepInterval,
        int maxAttempts,
        Duration maxQueueTime,
        Duration retryFor,
        @Nullable Duration cancelUnattendedAfter,
        HandoffObserver observer,
        Ticker ticker,
        Supplier<Lock> locks) {

    /**
     * Checks the settings that depend on each other.
     *
     * @throws IllegalArgumentException if {@code cancelUnattendedAfter} is less than three times {@code sweepInterval}
     */
    QueueSettings {
        if (cancelUnattendedAfter != null
                && cancelUnattendedAfter.compareTo(sweepInterval.multipliedBy(Attendance.MISSED_SWEEPS)) < 0) {
            throw new IllegalArgumentException("cancelUnattendedAfter is " + cancelUnattendedAfter + ", less than "
                    + Attendance.MISSED_SWEEPS + " times the sweepInterval of " + sweepInterval);
        }
    }

    /**
     * Returns how long tasks are kept after their end.
     *
     * @param tasks the setting; null to keep them as long as their events
     * @param events how long events are kept
     * @throws IllegalArgumentException if tasks would be kept for a shorter time than their events
     */
    static Duration retention(@Nullable Duration tasks, Duration events) {
        Duration kept = Objects.requireNonNullElse(tasks, events);
        if (kept.compareTo(events) < 0) {
            throw new IllegalArgumentException(
                    "tasks are kept for " + kept + ", a shorter time than their events, which are kept for " + events);
        }
        return kept;
    }
}
