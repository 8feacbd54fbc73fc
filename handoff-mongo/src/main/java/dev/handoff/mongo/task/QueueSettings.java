// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
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
 * @param maxAttempts how often workers may start a task
 * @param maxQueueTime how long a task may be queued
 * @param retryFor how long a call of the application is repeated while the database does not answer
 * @param cancelUnattendedAfter how long a task may have no reader; null for no limit
 * @param locks creates the locks on whose conditions threads wait
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
        Supplier<Lock> locks) {}
