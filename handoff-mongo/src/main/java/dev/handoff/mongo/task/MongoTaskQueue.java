package dev.handoff.mongo.task;

import com.mongodb.client.MongoDatabase;
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
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A queue of tasks in MongoDB, in the collection {@code handoff_tasks}. Any number of {@link MongoWorker workers} take tasks from it:
 *
 * <pre>
 * { _id: task id, type, payload?, fingerprint, attributes: [ { name, value }, … ], subject?, key?, format,
 *   state: "queued" | "running" | "completed" | "failed" | "cancelled", epoch: int32, attempts: int32,
 *   worker?, cancel?: true, attended: date, created: date, started?: date, ended?: date, expireAt?: date }
 * </pre>
 *
 * <p>and in the collection {@code handoff_workers} one document for each worker process: {@code { _id: worker, beat: int64, expireAt: date }}.
 *
 * <ol>
 *   <li>Dispatching inserts the document. Its {@code _id} makes that idempotent on all servers.
 *   <li>Whoever takes a task, to run it, to cancel it or to take it over, raises its epoch in the same step and becomes its {@code worker}.
 *   <li>A task ends by the end of its stream, which only one process can write. The state is set after that.
 *   <li>A worker raises its beat three times in a lease, and first before it claims a task. A sweeper that has read the beats regularly for a
 *       whole lease, and has seen no change of one, takes the tasks of that worker. If the stream of a task has ended, it sets the state; if the
 *       stream has events, it ends it with {@code worker_lost}; if not, it queues the task again, behind a fence that keeps the lost worker out.
 * </ol>
 *
 * <p>No clocks of machines are compared: times in documents are those of the database server, and leases are observed by monotonic time. Writes
 * have the write concern {@code majority}. All methods block while the server does.
 */
public final class MongoTaskQueue implements TaskDispatcher {

    /** The collection. */
    public static final String COLLECTION = MongoOperations.TASKS;

    private static final Logger logger = LoggerFactory.getLogger(MongoTaskQueue.class);

    private final Database database;
    private final MongoEventStore store;
    private final Executor executor;
    private final QueueSettings settings;
    private final HandoffObserver observer;
    private final Takeover takeover;
    private final Dispatch dispatch;
    private final Attendance attendance;
    private final Sweeper sweeper;

    MongoTaskQueue(Database database, MongoEventStore store, Executor executor, QueueSettings settings) {
        this.database = database;
        this.store = store;
        this.executor = executor;
        this.settings = settings;
        this.observer = GuardedObserver.of(settings.observer());
        this.takeover = new Takeover(
                database,
                store,
                settings.name(),
                settings.maxAttempts(),
                settings.lease().dividedBy(2));
        this.dispatch = new Dispatch(database, takeover, settings, observer);
        this.attendance = new Attendance(database, settings, this::onExecutor, dispatch::cancel);
        this.sweeper = new Sweeper(database, takeover, attendance, settings, observer);
    }

    /**
     * Returns a builder of a queue in a database that has the indexes of {@link dev.handoff.mongo.MongoIndexes}.
     *
     * @param store where the streams of its tasks are, in the same database
     * @param executor sweeps and records which tasks have readers. It waits for the store, so it must not be that of the store. It needs two
     *     threads; belongs to the caller
     * @param types the types of tasks that are accepted; others are refused
     */
    public static Builder builder(
            MongoDatabase database, MongoEventStore store, Executor executor, Collection<String> types) {
        return new Builder(database, store, executor, types);
    }

    /**
     * Queues a task and returns its status, or that of the task with the same id. While the outcome is unknown this looks the task up and inserts
     * it again, for the time of {@link Builder#retryFor}. Then it fails with 503; the task may have been queued, and a repetition with the same
     * idempotency key joins it. An error means that the task is not known to be queued.
     */
    @Override
    public TaskStatus dispatch(Task task) {
        return dispatch.dispatch(task);
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        return dispatch.status(taskId);
    }

    /**
     * Returns the latest task that the same subject asked for with the same type and payload within a time. The time is that of the database
     * server.
     */
    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        return dispatch.latestLike(task, within);
    }

    /**
     * Marks a task for cancellation. This ends a queued task; the worker of a running task ends it, and looks several times a second.
     */
    @Override
    public boolean cancel(String taskId) {
        return dispatch.cancel(taskId);
    }

    /**
     * Records which streams are being read, if tasks without readers are to be cancelled, and sweeps if that is due. Returns
     * at once: the executor of the queue does both. It writes the ids of several calls together: once in a quarter of
     * the limit, but at most once a second.
     */
    @Override
    public void reportReaders(Collection<String> taskIds) {
        attendance.record(taskIds);
        sweepIfDue();
    }

    /**
     * Takes the tasks of lost workers, ends tasks that are queued for too long, cancels tasks without readers and deletes what has expired. Workers
     * do it, and so do streaming servers by {@link #reportReaders}; any number of processes may do it at the same time. Does nothing while another
     * sweep runs in this process.
     *
     * @throws dev.handoff.mongo.database.DatabaseException if the database does not answer
     */
    public void sweep() {
        sweeper.sweep();
    }

    /** Has the executor sweep if that is due. Returns at once. */
    void sweepIfDue() {
        if (sweeper.isDue()) {
            onExecutor(sweeper::sweepDue);
        }
    }

    /** Submits an action that must not block the caller. Returns whether the executor accepted it. */
    boolean onExecutor(Runnable action) {
        try {
            executor.execute(action);
            return true;
        } catch (RejectedExecutionException e) {
            logger.debug("the executor of the queue accepts no more work", e);
        } catch (RuntimeException | Error e) {
            logger.warn("the executor of the queue failed", e);
        }
        return false;
    }

    Database database() {
        return database;
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

    /** The settings of a queue. All servers should have the same. */
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

        /** Sets the ticker that measures when something is due in this process; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets how long the status of a task is kept after its end; that of the store by default. It is at least as long, because a task that is
         * forgotten before its events would leave them to the next task with the same idempotency key.
         */
        public Builder retention(Duration retention) {
            this.retention = Durations.requireMillis("retention", retention);
            return this;
        }

        /**
         * Sets how long a task may be queued; the retention by default, since no client waits for longer than a finished answer is kept. A sweep
         * then ends it with 503 {@code expired_in_queue}.
         */
        public Builder maxQueueTime(Duration maxQueueTime) {
            this.maxQueueTime = Durations.requireMillis("maxQueueTime", maxQueueTime);
            return this;
        }

        /**
         * Sets for how long dispatching a task, cancelling it and asking for its status are repeated while the database does not answer; 15 seconds
         * by default, because electing a new primary takes about 12. The last operation may take its time limit longer.
         */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requireNotNegative("retryFor", retryFor);
            return this;
        }

        /** Sets the time limit of one operation on the database; 5 seconds by default. It should be at most half a lease. */
        public Builder operationTimeout(Duration operationTimeout) {
            this.operationTimeout = Durations.requireMillis("operationTimeout", operationTimeout);
            return this;
        }

        /** Sets who is told about claims, sweeps, queues and leases; nobody by default. */
        public Builder observer(HandoffObserver observer) {
            this.observer = observer;
            return this;
        }

        /**
         * Sets how long a worker may be silent before its tasks are taken from it; 10 seconds by default. All processes should have the same
         * lease, of at least four sweep intervals.
         */
        public Builder lease(Duration lease) {
            this.lease = Durations.requireMillis("lease", lease);
            return this;
        }

        /**
         * Sets how often each process sweeps; 2 seconds by default. It reads the leases of the workers twice as often. A worker that dies is found
         * within a lease and a sweep interval.
         */
        public Builder sweepInterval(Duration sweepInterval) {
            this.sweepInterval = Durations.requireMillis("sweepInterval", sweepInterval);
            return this;
        }

        /** Sets how often a task is begun that loses its worker before it has emitted anything; 3 by default. */
        public Builder maxAttempts(int maxAttempts) {
            if (maxAttempts < 1) {
                throw new IllegalArgumentException("maxAttempts is not positive: " + maxAttempts);
            }
            this.maxAttempts = maxAttempts;
            return this;
        }

        /**
         * Cancels a task whose stream has had no reader for this long; by default no task is cancelled. The sweep
         * cancels it up to a quarter of this time late, because servers record readers only once in a quarter of it. A
         * process that could not sweep for some time begins to wait again.
         */
        public Builder cancelUnattendedAfter(Duration limit) {
            this.cancelUnattendedAfter = Durations.requireMillis("cancelUnattendedAfter", limit);
            return this;
        }

        /**
         * Returns the queue.
         *
         * @throws IllegalArgumentException if the executor is that of the store, if tasks are kept for a shorter time than their events, or if
         *     {@link #cancelUnattendedAfter} is less than three times the interval of the sweep
         */
        public MongoTaskQueue build() {
            if (executor == store.executor()) {
                throw new IllegalArgumentException("the executor is that of the store, for whose writes it would wait");
            }
            Duration kept = Objects.requireNonNullElse(retention, store.retention());
            if (kept.compareTo(store.retention()) < 0) {
                throw new IllegalArgumentException("tasks are kept for " + kept
                        + ", a shorter time than their events, which are kept for " + store.retention());
            }
            if (cancelUnattendedAfter != null
                    && cancelUnattendedAfter.compareTo(sweepInterval.multipliedBy(Attendance.MISSED_SWEEPS)) < 0) {
                throw new IllegalArgumentException("cancelUnattendedAfter is " + cancelUnattendedAfter + ", less than "
                        + Attendance.MISSED_SWEEPS + " times the sweepInterval of " + sweepInterval);
            }
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
                            // Fair, because a handler that emits in a loop, and whose emits wait for the store, would
                            // keep a
                            // cancellation from getting the lock of its run.
                            () -> new ReentrantLock(true)));
        }
    }
}
