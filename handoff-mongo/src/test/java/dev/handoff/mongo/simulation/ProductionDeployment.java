// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.stream.SimulatedStreams;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.task.MongoWorker;
import dev.handoff.mongo.task.SimulatedTasks;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Puts processes together from the classes of this module. */
final class ProductionDeployment implements Deployment {

    private static final String TYPE = "chat";
    private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
    private static final int STEPS = 3;

    @Override
    public Parts start(SimulatedProcess process, Database database, WorldSettings settings) {
        MongoEventStore streams = SimulatedStreams.store(
                database,
                process.executor("store", 4),
                process.executor("hints", 16),
                settings.shortestPoll,
                settings.longestPoll,
                settings.linger,
                settings.retryFor,
                process.ticker(),
                process::lock);
        SimulatedTasks tasks = new SimulatedTasks(
                database,
                streams,
                process.executor("queue", 4),
                process.name() + Tasks.TAKEOVER,
                TYPE,
                settings.lease,
                settings.sweepInterval,
                settings.cluster.taskRetention,
                settings.retryFor,
                settings.cancelUnattendedAfter,
                process.ticker(),
                process::lock);
        return new ProductionParts(process, streams, tasks);
    }

    private static final class ProductionParts implements Parts {

        private final SimulatedProcess process;
        private final MongoEventStore streams;
        private final SimulatedTasks tasks;
        private @Nullable MongoWorker worker;

        ProductionParts(SimulatedProcess process, MongoEventStore streams, SimulatedTasks tasks) {
            this.process = process;
            this.streams = streams;
            this.tasks = tasks;
        }

        @Override
        public EventStore streams() {
            return streams;
        }

        @Override
        public TailPoller tail() {
            return SimulatedStreams.tail(streams);
        }

        @Override
        public TaskDispatcher queue() {
            return tasks.queue();
        }

        @Override
        public void startWorker(TaskHandler handler, int maxRunning) {
            MongoWorker started =
                    tasks.worker(process.executor("handlers", maxRunning), process.name(), TYPE, handler, maxRunning);
            worker = started;
            // Several threads, so that no step waits for another.
            for (int i = 0; i < STEPS; i++) {
                process.spawn("tick", () -> {
                    while (true) {
                        process.sleep(TICK_NANOS);
                        started.tick();
                    }
                });
            }
        }

        @Override
        public void stopWorker(Duration deadline) {
            Objects.requireNonNull(worker).stop(deadline);
        }
    }
}
