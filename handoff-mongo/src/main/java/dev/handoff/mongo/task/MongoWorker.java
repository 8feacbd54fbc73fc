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
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes tasks from a {@link MongoTaskQueue} and runs them, a limited number at the same time.
 *
 * <p>{@link #start} begins three daemon threads: one renews the lease, one looks for cancellations and has the queue sweep, and one claims tasks.
 * An application that owns its threads calls {@link #tick} instead. In both cases the worker cancels tasks in daemon threads of its own, because a
 * cancellation may wait for the database and for the application: at most 100, which end after a second without work.
 *
 * <p>Thread-safe.
 */
public final class MongoWorker implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(MongoWorker.class);

    private final MongoTaskQueue queue;
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
                builder.executor,
                settings.ticker(),
                queue.observer(),
                () -> !stopping && beat.isFresh(),
                new Claims.Runs() {
                    @Override
                    public Runnable begin(TaskRecord task) {
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

    /** Returns a builder of a worker that runs tasks of this queue on this executor, which needs a thread for each that runs at a time. */
    public static Builder builder(MongoTaskQueue queue, Executor executor) {
        return new Builder(queue, executor);
    }

    /**
     * Begins to take tasks, in threads of its own. Returns at once, also if the database cannot be reached or has no unique index on events: the
     * worker logs that once, tries again and claims its first task when the database is there and has the index. An application that is to end
     * without the index calls {@link dev.handoff.mongo.MongoIndexes#require} first.
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
     * Does what is due: renews the lease, looks for cancellations, has the queue sweep, and claims tasks. Blocks while the database does. Throws
     * nothing: it logs a failure and tries again in a later tick. Call it about every 20 ms if you do not call {@link #start}. If several threads
     * call it, a slow step of one delays no other step.
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

    /** Stops what this worker runs, because nothing of it can be stored and other workers may run it by now. */
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

    private Runnable register(TaskRecord claimed) {
        String id = claimed.id();
        TaskHandler handler = handlers.get(claimed.type());
        if (handler == null) {
            throw new IllegalStateException("the database gave a task of type " + claimed.type() + " to this worker");
        }
        // The retry time is zero, because appenders retry by themselves. If the stream then has no end, the task is
        // taken over.
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
        return () -> work(task);
    }

    private void work(RunningTask task) {
        boolean interrupted = false;
        try {
            // Either this thread sees that the worker stops, or the thread that stops the worker sees this task.
            if (stopping && task.run.releaseIfUntouched()) {
                queue.takeover().requeue(task.id, task.epoch, false);
            } else {
                task.run.run();
                // A handler may leave the thread interrupted, and the driver fails in an interrupted thread.
                interrupted = Thread.interrupted();
                queue.takeover().finish(task.id, task.epoch);
            }
        } catch (RuntimeException e) {
            logger.warn(
                    "the end of task {} could not be recorded, and the worker tries again: {}", task.id, e.toString());
            owned.lookSoon();
        } finally {
            running.remove(task.id, task);
            changes.signal();
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Returns how many tasks it runs. */
    public int running() {
        return running.size();
    }

    /** Returns whether it is asking the database for a task. */
    boolean isClaiming() {
        return claims.underWay() > 0;
    }

    /**
     * Claims no more tasks, and waits for those that run. When the time is over, it queues the remaining tasks again if they have emitted nothing,
     * and ends the others with {@code worker_lost}. A worker that was not started has to be ticked meanwhile. Blocks until then, and for up to
     * one lease more while the database does not answer. A sweeper later requeues or fails the tasks for which that was not possible. An
     * interruption ends the wait for the tasks.
     *
     * @return whether all tasks were done in time
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
     * Stops the worker with the deadline of its builder, then ends its threads and removes its lease. Does nothing if it was closed before.
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

    /** The settings of a worker. */
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

        /** Sets the name under which the worker owns tasks. It must be unique to each start. */
        Builder name(String name) {
            this.name = name;
            return this;
        }

        /** Sets what runs the actions that stop runs, and returns whether it accepts one. These may block. */
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
         * Sets how long the worker goes on while it cannot reach the database; 2 minutes by default, as {@link
         * dev.handoff.mongo.stream.MongoEventStore.Builder#retryFor}. After that it stops its handlers, since nothing that they do could be stored.
         */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requireMillis("retryFor", retryFor);
            return this;
        }

        /** Sets how long {@link MongoWorker#close} waits for tasks that run; 30 seconds by default. */
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
