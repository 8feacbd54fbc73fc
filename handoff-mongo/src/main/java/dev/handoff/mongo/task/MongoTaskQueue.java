// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import com.mongodb.client.MongoDatabase;
import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseSettings;
import dev.handoff.mongo.database.MongoOperations;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Collection;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Queues tasks in the MongoDB collection {@code handoff_tasks}. Any number of {@link MongoWorker workers} claim tasks from it.
 *
 * <pre>{@code
 * MongoTaskQueue queue = MongoTaskQueue.builder(database, mongoStore, Executors.newFixedThreadPool(4), List.of("report"))
 *         .lease(Duration.ofSeconds(20))
 *         .maxAttempts(3)
 *         .build();
 * Handoff handoff = Handoff.builder(queue, mongoStore, TokenSealer.of(secret)).build();
 * }</pre>
 *
 * <p>Each task is one document. The collection {@code handoff_workers} has one document for each worker process.
 *
 * <pre>
 * { _id: task id, type, payload?, fingerprint, attributes: [ { name, value }, … ], subject?, key?, format,
 *   state: "queued" | "running" | "completed" | "failed" | "cancelled", epoch: int32, attempts: int32,
 *   worker?, cancel?: true, attended?: date, created: date, started?: date, ended?: date, expireAt?: date }
 * { _id: worker, beat: int64, expireAt: date }
 * </pre>
 *
 * <ol>
 *   <li>A dispatch inserts the document. Its {@code _id} makes the dispatch idempotent across all servers.
 *   <li>A process takes a task to run it, to cancel it, or to take it over from a lost worker. In the same atomic update it raises the
 *     epoch and sets itself as {@code worker}.
 *   <li>A task ends with the end of its stream, which only one process can write. The process sets the state after that.
 *   <li>A worker increases its beat three times per lease, the first time before it claims a task. A sweeper reads the beats regularly. If
 *     a beat has not changed for a whole lease, the sweeper takes the tasks of that worker. If the stream of a task has ended, the sweeper
 *     sets the state. If the stream has events, the sweeper ends it with {@code worker_lost}. Otherwise the sweeper queues the task again,
 *     after a fence that stops appends of the lost worker.
 * </ol>
 *
 * <p>The queue does not compare clocks of machines. Times in documents are times of the database server, and each process observes leases
 * by its own monotonic time. Writes have the write concern {@code majority}.
 *
 * <p>Thread-safe. All methods except {@link #reportReaders} block until the database answers.
 */
public final class MongoTaskQueue implements TaskDispatcher {

    /** The name of the collection. */
    public static final String COLLECTION = MongoOperations.TASKS;

    private final Database database;
    private final MongoEventStore store;
    private final Jobs jobs;
    private final QueueSettings settings;
    private final HandoffObserver observer;
    private final Takeover takeover;
    private final Dispatch dispatch;
    private final Attendance attendance;
    private final Sweeper sweeper;

    MongoTaskQueue(Database database, MongoEventStore store, Executor executor, QueueSettings settings) {
        this.database = database;
        this.store = store;
        this.jobs = new Jobs(executor);
        this.settings = settings;
        this.observer = GuardedObserver.of(settings.observer());
        Duration retryFor = settings.lease().dividedBy(2);
        this.takeover = new Takeover(database, store, settings.name(), settings.maxAttempts(), retryFor);
        this.dispatch = new Dispatch(database, takeover, settings, observer);
        this.attendance = new Attendance(database, settings, jobs::submit, dispatch::cancel);
        this.sweeper = new Sweeper(database, takeover, attendance, settings, observer);
    }

    /**
     * Returns a builder of a queue in a database. {@link dev.handoff.mongo.MongoIndexes} must have created the indexes of the database.
     *
     * @param store holds the streams of the tasks, in the same database
     * @param executor runs the sweeps and the writes that record which tasks have readers. These jobs wait for the store, so this must not
     *     be the executor of the store. It needs two threads. The queue does not shut it down
     * @param types the types of tasks that the queue accepts; it refuses others with status 400
     */
    public static Builder builder(
            MongoDatabase database, MongoEventStore store, Executor executor, Collection<String> types) {
        return new Builder(database, store, executor, types);
    }

    /**
     * Queues a task and returns its status, or the status of the known task with the same id. While the outcome is unknown, this repeats
     * the lookup and the insert for the time of {@link Builder#retryFor}. After that it fails with 503. In that case the task may be queued
     * nevertheless, and another dispatch with the same idempotency key joins it.
     *
     * @throws dev.handoff.http.ProblemException with status 400, 413, 422 or 503 as in {@link TaskDispatcher#dispatch}, and with 409 if the
     *     task of the key is no longer kept but its events are
     */
    @Override
    public TaskStatus dispatch(Task task) {
        return dispatch.dispatch(task);
    }

    /** Queues a task as {@link #dispatch} does, and saves the two queries for its status. */
    @Override
    public void accept(Task task) {
        dispatch.accept(task);
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        return dispatch.status(taskId);
    }

    /** Returns the latest similar task, as {@link TaskDispatcher#latestLike} specifies, by the clock of the database server. */
    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        return dispatch.latestLike(task, within);
    }

    /**
     * Marks a task for cancellation. If the task is queued, this ends it at once. If it is running, its worker checks for the mark four
     * times a second and ends the task.
     */
    @Override
    public boolean cancel(String taskId) {
        return dispatch.cancel(taskId);
    }

    /**
     * Submits two jobs to the executor of the queue: a sweep, if one is due, and, if {@link Builder#cancelUnattendedAfter} is set, a write
     * that records which tasks have readers. Does not block. One write records the ids of several calls. Writes happen every quarter of
     * that limit, but at most once a second.
     */
    @Override
    public void reportReaders(Collection<String> taskIds) {
        attendance.record(taskIds);
        sweepIfDue();
    }

    /**
     * Takes over the tasks of lost workers, ends tasks that have been queued for too long, cancels tasks without readers, and deletes
     * expired documents. Workers sweep, and so do streaming servers through {@link #reportReaders}, so applications need not call this. Any
     * number of processes may sweep at the same time. Does nothing while another sweep runs in this process.
     *
     * @throws dev.handoff.mongo.database.DatabaseException if the database does not answer; a later sweep does the rest
     */
    public void sweep() {
        sweeper.sweep();
    }

    /** Submits a sweep to the executor if one is due. Does not block. */
    void sweepIfDue() {
        if (sweeper.isDue()) {
            jobs.submit(sweeper::sweepDue);
        }
    }

    Database database() {
        return database;
    }

    Jobs jobs() {
        return jobs;
    }

    MongoEventStore store() {
        return store;
    }

    QueueSettings settings() {
        return settings;
    }

    HandoffObserver observer() {
        return observer;
    }

    Takeover takeover() {
        return takeover;
    }

    /** Sets the options of a queue. All processes should use the same settings. Not thread-safe. */
    public static final class Builder {

        private final MongoDatabase database;
        private final MongoEventStore store;
        private final Executor executor;
        private final Collection<String> types;
        private Ticker ticker = Ticker.system();
        private @Nullable Duration retention;
        private @Nullable Duration maxQueueTime;
        private Duration retryFor = Duration.ofSeconds(15);
        private Duration operationTimeout = Duration.ofSeconds(5);
        private Duration lease = Duration.ofSeconds(10);
        private Duration sweepInterval = Duration.ofSeconds(2);
        private int maxAttempts = 3;
        private @Nullable Duration cancelUnattendedAfter;
        private HandoffObserver observer = HandoffObserver.NONE;

        private Builder(MongoDatabase database, MongoEventStore store, Executor executor, Collection<String> types) {
            this.database = database;
            this.store = store;
            this.executor = executor;
            this.types = types;
        }

        /** Sets the source of monotonic time of this process; the JVM's by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets how long the status of a task is kept after its end; by default as long as the store keeps events. The time must not be
         * shorter than that, because the next task with the same idempotency key would otherwise get the events of a deleted task.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder retention(Duration retention) {
            this.retention = Durations.requireMillis("retention", retention);
            return this;
        }

        /**
         * Sets how long a task may be queued; by default as long as the status of a task is kept. After that time a sweep ends the task
         * with 503 {@code expired_in_queue}.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder maxQueueTime(Duration maxQueueTime) {
            this.maxQueueTime = Durations.requireMillis("maxQueueTime", maxQueueTime);
            return this;
        }

        /**
         * Sets how long the queue repeats a dispatch, a cancellation or a status query while the database does not answer; 15 seconds by
         * default, because the election of a new primary takes about 12. A call may last longer by the time limit of one operation.
         *
         * @throws IllegalArgumentException if it is negative, or more than a hundred years
         */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requireNotNegative("retryFor", retryFor);
            return this;
        }

        /**
         * Sets the time limit of one operation on the database; 5 seconds by default. It should be at most half a lease.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder operationTimeout(Duration operationTimeout) {
            this.operationTimeout = Durations.requireMillis("operationTimeout", operationTimeout);
            return this;
        }

        /** Sets an observer that receives measurements of claims, sweeps, queues and leases; none by default. */
        public Builder observer(HandoffObserver observer) {
            this.observer = observer;
            return this;
        }

        /**
         * Sets the lease: how long the beat of a worker may be unchanged before a sweep takes its tasks; 10 seconds by default. It should
         * be the same in all processes, and at least four sweep intervals.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder lease(Duration lease) {
            this.lease = Durations.requireMillis("lease", lease);
            return this;
        }

        /**
         * Sets the interval of the sweeps of each process; 2 seconds by default. A process reads the beats of the workers twice per
         * interval. It detects a dead worker within a lease plus one interval.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder sweepInterval(Duration sweepInterval) {
            this.sweepInterval = Durations.requireMillis("sweepInterval", sweepInterval);
            return this;
        }

        /**
         * Sets how many times a task may be started if its worker is lost before the first event; 3 by default.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxAttempts(int maxAttempts) {
            this.maxAttempts = Counts.requirePositive("maxAttempts", maxAttempts);
            return this;
        }

        /**
         * Cancels a task whose stream has had no reader for this time; by default no task is cancelled. The cancellation can be late by a
         * quarter of this time, because servers record readers only every quarter of it. If a process could not sweep, for example during
         * an outage of the database, it starts to count this time anew.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder cancelUnattendedAfter(Duration limit) {
            this.cancelUnattendedAfter = Durations.requireMillis("cancelUnattendedAfter", limit);
            return this;
        }

        /**
         * Returns the queue.
         *
         * @throws IllegalArgumentException if the executor is also the executor of the store, if tasks are kept for a shorter time than
         *     their events, or if {@link #cancelUnattendedAfter} is less than three times the interval of the sweep
         */
        public MongoTaskQueue build() {
            if (executor == store.executor()) {
                throw new IllegalArgumentException("the queue and the store must not have the same executor");
            }
            Duration kept = QueueSettings.retention(retention, store.retention());
            Database operations = new MongoOperations(
                    database,
                    DatabaseSettings.keeping(store.retention(), kept)
                            .withTimeout(operationTimeout)
                            .withTicker(ticker));
            return new MongoTaskQueue(
                    operations,
                    store,
                    executor,
                    new QueueSettings(
                            "sweeper-" + UUID.randomUUID(),
                            Set.copyOf(types),
                            lease,
                            sweepInterval,
                            maxAttempts,
                            Objects.requireNonNullElse(maxQueueTime, kept),
                            retryFor,
                            cancelUnattendedAfter,
                            observer,
                            ticker,
                            // Fair, so that a handler that emits in a loop does not delay a cancellation.
                            () -> new ReentrantLock(true)));
        }
    }
}
