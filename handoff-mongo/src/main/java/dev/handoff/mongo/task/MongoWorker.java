// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.check.Durations;
import dev.handoff.execution.TaskRun;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.task.TaskHandler;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims tasks from a {@link MongoTaskQueue} and runs them, a limited number at the same time.
 *
 * <p>{@link #start} starts three daemon threads. One renews the lease, one checks for cancellations and starts sweeps, and one claims
 * tasks. An application that uses its own threads calls {@link #tick} instead. In both cases the worker cancels tasks in daemon threads of
 * its own, because a cancellation may wait for the database and for the application. It starts at most 100 of these threads, and each ends
 * after a second without work.
 *
 * <pre>{@code
 * MongoWorker worker = MongoWorker.builder(queue, Executors.newFixedThreadPool(8))
 *         .handler("report", (task, output) -> output.emit("page", "a page about " + task.payload()))
 *         .maxRunning(8)
 *         .build();
 * worker.start();
 * Runtime.getRuntime().addShutdownHook(new Thread(worker::close));
 * }</pre>
 *
 * <p>Thread-safe.
 */
public final class MongoWorker implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(MongoWorker.class);

    private final MongoTaskQueue queue;
    private final Executor executor;
    private final Map<String, TaskHandler> handlers;
    private final String name;
    private final Duration retryFor;
    private final Duration closeWithin;
    private final ConcurrentMap<String, RunningTask> running = new ConcurrentHashMap<>();
    private final WorkerBeat beat;
    private final Claims claims;
    private final OwnedTasks owned;
    private final RunChanges changes;
    private final UnfinishedTasks unfinished;
    private final Predicate<Runnable> stops;
    private final WorkerThreads threads;
    private final AtomicBoolean started = new AtomicBoolean();
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean stopping;
    private volatile boolean storeLost;

    private MongoWorker(Builder builder) {
        this.queue = builder.queue;
        this.executor = builder.executor;
        this.handlers = Map.copyOf(builder.handlers);
        this.name = builder.name;
        this.retryFor = builder.retryFor;
        this.closeWithin = builder.closeWithin;
        QueueSettings settings = queue.settings();
        this.changes = new RunChanges(settings.locks().get());
        this.stops = builder.stops;
        this.unfinished = new UnfinishedTasks(queue.takeover(), stops, changes);
        this.beat = new WorkerBeat(queue.database(), name, settings.lease(), settings.ticker(), queue.observer());
        this.claims = new Claims(
                queue.database(),
                handlers.keySet(),
                name,
                builder.maxRunning,
                executor,
                settings.ticker(),
                queue.observer(),
                () -> !stopping && beat.isFresh(),
                new Claims.Runs() {
                    @Override
                    public Consumer<Runnable> begin(TaskRecord task) {
                        return register(task);
                    }

                    @Override
                    public void gotNone() {
                        changes.signal();
                    }
                });
        this.owned = new OwnedTasks(
                queue.database(),
                name,
                builder.maxRunning,
                settings.lease(),
                settings.ticker(),
                running,
                claims,
                queue.takeover(),
                stops);
        this.threads = new WorkerThreads(
                "handoff-worker",
                settings.locks().get(),
                List.of(this::renewLease, this::lookAfterTasks, claims::claimIfDue));
    }

    /**
     * Returns a builder of a worker.
     *
     * @param executor runs the handlers. It needs one thread for each of {@link Builder#maxRunning} tasks, except tasks of {@link
     *     TaskHandler#async} handlers, and a few more that claim tasks and write the ends of streams. The worker does not shut it down
     */
    public static Builder builder(MongoTaskQueue queue, Executor executor) {
        return new Builder(queue, executor);
    }

    /**
     * Starts to claim tasks, in its own threads. Does not block. If the worker cannot reach the database, or the database has no unique
     * index on events, the worker logs that once, tries again, and claims no task until that succeeds. To stop the application instead,
     * call {@link dev.handoff.mongo.MongoIndexes#require} first.
     *
     * @throws IllegalStateException if the worker was started or closed before
     */
    public void start() {
        if (closed.get() || started.getAndSet(true)) {
            throw new IllegalStateException("the worker was started or closed before");
        }
        threads.start();
    }

    /**
     * Runs the steps that are due: renews the lease, checks for cancellations, starts a sweep, and claims tasks. Blocks until the database
     * answers. Throws nothing: a failure is logged, and a later tick tries again. If you do not call {@link #start}, call this about every
     * 20 ms. Several threads may call it, so that a slow step does not delay the others.
     */
    public void tick() {
        renewLease();
        lookAfterTasks();
        claims.claimIfDue();
    }

    private void renewLease() {
        beat.beatIfDue();
        boolean lost = beat.silence().compareTo(retryFor) > 0;
        if (lost && !storeLost) {
            releaseAll();
        }
        storeLost = lost;
    }

    /**
     * Stops all running tasks without writing an end, because their events cannot be stored and other workers may run these tasks by now.
     */
    private void releaseAll() {
        List<RunningTask> all = List.copyOf(running.values());
        if (!all.isEmpty()) {
            logger.warn(
                    "worker {} has not reached the database for {} and stops its {} tasks", name, retryFor, all.size());
        }
        for (RunningTask task : all) {
            task.released = task.released || stops.test(task.run::release);
        }
    }

    private void lookAfterTasks() {
        if (claims.wereInDoubt()) {
            owned.lookSoon();
        }
        owned.lookIfDue();
        queue.sweepIfDue();
    }

    private Consumer<Runnable> register(TaskRecord claimed) {
        String id = claimed.id();
        TaskHandler handler = handlers.get(claimed.type());
        if (handler == null) {
            throw new IllegalStateException("the worker has no handler for the claimed type " + claimed.type());
        }
        // The retry time is zero, because appenders retry by themselves. If the stream has no end afterwards, a process
        // takes the task over.
        TaskRun run = new TaskRun(
                claimed.task(),
                handler,
                () -> queue.store().appender(id, claimed.epoch()),
                Duration.ZERO,
                queue.settings().ticker(),
                queue.settings().locks().get(),
                queue.observer());
        RunningTask task = new RunningTask(id, claimed.epoch(), run);
        running.put(id, task);
        return whenOver -> work(task, whenOver);
    }

    private void work(RunningTask task, Runnable whenOver) {
        // Either this thread sees that the worker is stopping, or the thread that stops the worker sees this task in
        // the map.
        if (stopping && task.run.releaseIfUntouched()) {
            leave(task, () -> queue.takeover().requeue(task.id, task.epoch, false), whenOver);
        } else {
            task.run.start(executor, () -> leave(task, () -> queue.takeover().finish(task.id, task.epoch), whenOver));
        }
    }

    private void leave(RunningTask task, Runnable recordEnd, Runnable whenOver) {
        try {
            recordEnd.run();
        } catch (RuntimeException e) {
            logger.warn(
                    "the end of task {} could not be recorded, and the worker tries again: {}", task.id, e.toString());
            owned.lookSoon();
        } finally {
            running.remove(task.id, task);
            changes.signal();
            whenOver.run();
        }
    }

    /** Returns how many tasks the worker is running. */
    public int running() {
        return running.size();
    }

    /** Returns whether a claim is running. */
    boolean isClaiming() {
        return claims.underWay() > 0;
    }

    /**
     * Stops claiming tasks, and waits for the running ones. After the deadline it requeues those of the remaining tasks that have emitted
     * nothing, and ends the others with {@code worker_lost}. Blocks up to the deadline, and up to one lease longer while the database does
     * not answer. If this cannot requeue or end a task, a sweeper does so later. An interruption ends the wait for the running tasks. If
     * you did not call {@link #start}, call {@link #tick} in another thread meanwhile.
     *
     * @param deadline how long to wait
     *
     * @return whether all tasks ended before the deadline
     */
    public boolean stop(Duration deadline) {
        stopping = true;
        if (changes.await(deadline, () -> running.isEmpty() && claims.underWay() == 0)) {
            return true;
        }
        unfinished.requeueOrFail(running.values(), queue.settings().lease());
        return false;
    }

    /**
     * Calls {@link #stop} with the time of {@link Builder#closeWithin}, then ends the threads and deletes the beat. Blocks. Does nothing if
     * the worker was closed before.
     */
    @Override
    public void close() {
        if (closed.getAndSet(true)) {
            return;
        }
        stop(closeWithin);
        threads.stop();
        beat.close();
    }

    /** Sets the options of a worker. Not thread-safe. */
    public static final class Builder {

        private final MongoTaskQueue queue;
        private final Executor executor;
        private final Map<String, TaskHandler> handlers = new HashMap<>();
        private String name = UUID.randomUUID().toString();
        private Predicate<Runnable> stops = new StopThreads();
        private int maxRunning = 100;
        private Duration retryFor = Duration.ofMinutes(2);
        private Duration closeWithin = Duration.ofSeconds(30);

        private Builder(MongoTaskQueue queue, Executor executor) {
            this.queue = queue;
            this.executor = executor;
        }

        /** Sets the name under which the worker owns tasks. Each start must use another name. */
        Builder name(String name) {
            this.name = name;
            return this;
        }

        /** Sets the executor of the actions that stop the runs of tasks. It returns whether it accepted an action. An action may block. */
        Builder stops(Predicate<Runnable> stops) {
            this.stops = stops;
            return this;
        }

        /**
         * Sets the handler of the tasks of a type.
         *
         * @throws IllegalArgumentException if the type has a handler already
         */
        public Builder handler(String type, TaskHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("tasks of type " + type + " have a handler already");
            }
            return this;
        }

        /**
         * Sets how many tasks run at the same time; 100 by default.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxRunning(int maxRunning) {
            if (maxRunning < 1) {
                throw new IllegalArgumentException("maxRunning is not positive: " + maxRunning);
            }
            this.maxRunning = maxRunning;
            return this;
        }

        /**
         * Sets how long the worker continues while it cannot reach the database; 2 minutes by default, like {@link
         * dev.handoff.mongo.stream.MongoEventStore.Builder#retryFor}. After that it stops its handlers, because their events cannot be
         * stored.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requireMillis("retryFor", retryFor);
            return this;
        }

        /**
         * Sets how long {@link MongoWorker#close} waits for running tasks; 30 seconds by default.
         *
         * @throws IllegalArgumentException if it is negative, or more than a hundred years
         */
        public Builder closeWithin(Duration closeWithin) {
            this.closeWithin = Durations.requireNotNegative("closeWithin", closeWithin);
            return this;
        }

        /** Returns the worker. */
        public MongoWorker build() {
            return new MongoWorker(this);
        }
    }
}
