// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The queue and the worker of one process, made of parts that a test supplies. */
public final class SimulatedTasks {

    private static final int MAX_ATTEMPTS = 3;

    private final MongoTaskQueue queue;
    private final Duration retryFor;

    /** @param name names the process as the owner of tasks that it takes over */
    public SimulatedTasks(
            Database database,
            MongoEventStore streams,
            Executor executor,
            String name,
            String type,
            Duration lease,
            Duration sweepInterval,
            Duration maxQueueTime,
            Duration retryFor,
            @Nullable Duration cancelUnattendedAfter,
            Ticker ticker,
            Supplier<Lock> locks) {
        this.retryFor = retryFor;
        this.queue = new MongoTaskQueue(
                database,
                streams,
                executor,
                new QueueSettings(
                        name,
                        Set.of(type),
                        lease,
                        sweepInterval,
                        MAX_ATTEMPTS,
                        maxQueueTime,
                        retryFor,
                        cancelUnattendedAfter,
                        HandoffObserver.NONE,
                        ticker,
                        locks));
    }

    /** Returns the queue. */
    public TaskDispatcher queue() {
        return queue;
    }

    /** Returns a worker that has to be ticked. */
    public MongoWorker worker(Executor executor, String name, String type, TaskHandler handler, int maxRunning) {
        return MongoWorker.builder(queue, executor)
                .name(name)
                .stops(queue.jobs()::submit)
                .handler(type, handler)
                .maxRunning(maxRunning)
                .retryFor(retryFor)
                .build();
    }
}
