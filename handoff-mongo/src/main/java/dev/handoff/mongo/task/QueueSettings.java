package dev.handoff.mongo.task;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a queue.
 *
 * @param name names this process as the owner of tasks that it takes over; unique
 * @param types the types of tasks that are accepted
 * @param lease how long a worker may be silent before its tasks are taken from it
 * @param sweepInterval how often this process looks for lost tasks
 * @param maxAttempts how often workers may begin a task
 * @param maxQueueTime how long a task may be queued
 * @param retryFor how long a call of the application is repeated while the database does not answer
 * @param cancelUnattendedAfter how long a task may have no reader; null if that does not matter
 * @param locks makes the locks on whose conditions threads wait
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
