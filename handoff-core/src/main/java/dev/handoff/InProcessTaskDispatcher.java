package dev.handoff;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks in this process, on the executor of the application. The executor decides how many run at a time and how many
 * wait; when it rejects a task, so does the dispatcher.
 *
 * <p>A task lives and dies with the process. {@link #close} ends what is left, so that no reader waits for a task that
 * nobody works on any more.
 */
public final class InProcessTaskDispatcher implements TaskDispatcher, AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(InProcessTaskDispatcher.class);
    private static final Set<String> RESERVED_TYPES = Set.of("completed", "cancelled", "error", "interrupted");
    private static final long SWEEP_INTERVAL_MILLIS = 1000;
    private static final int FIRST_EPOCH = 1;
    private static final Problem WORKER_LOST =
            new Problem(503, "worker_lost", "The worker was stopped before the task was done.");

    private final ConcurrentMap<String, Run> runs = new ConcurrentHashMap<>();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong nextSweep = new AtomicLong(Long.MIN_VALUE);
    private final EventStore store;
    private final Executor executor;
    private final Map<String, TaskHandler> handlers;
    private final Clock clock;
    private final Duration retention;
    private final @Nullable Duration cancelUnattendedAfter;
    private volatile boolean closed;

    private InProcessTaskDispatcher(Builder builder) {
        this.store = builder.store;
        this.executor = builder.executor;
        this.handlers = Map.copyOf(builder.handlers);
        this.clock = builder.clock;
        this.retention = builder.retention;
        this.cancelUnattendedAfter = builder.cancelUnattendedAfter;
    }

    /**
     * For a dispatcher that runs handlers on the executor and appends what they emit to the store.
     *
     * @param executor should reject what it cannot run soon, and must not run tasks in the thread that submits them
     */
    public static Builder builder(EventStore store, Executor executor) {
        return new Builder(store, executor);
    }

    @Override
    public TaskStatus dispatch(Task task) {
        sweep();
        TaskHandler handler = handlers.get(task.type());
        if (handler == null) {
            throw new ProblemException(400, "unknown_task_type", "No handler does tasks of type " + task.type() + '.');
        }
        Run run = new Run(task, handler);
        Run known = runs.putIfAbsent(task.id(), run);
        if (known == null) {
            run.submit();
            return run.status();
        }
        if (!known.fingerprint.equals(run.fingerprint)) {
            throw new ProblemException(
                    422,
                    "idempotency_key_reused",
                    "The idempotency key \"" + task.idempotencyKey() + "\" was used before with another request.");
        }
        known.awaitSubmission();
        return known.status();
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        sweep();
        return Optional.ofNullable(runs.get(taskId)).map(Run::status);
    }

    @Override
    public boolean cancel(String taskId) {
        Run run = runs.get(taskId);
        return run != null && run.cancel();
    }

    @Override
    public void attended(Collection<String> taskIds) {
        sweep();
        Duration limit = cancelUnattendedAfter;
        if (limit == null) {
            return;
        }
        Instant now = clock.instant();
        for (String taskId : taskIds) {
            Run run = runs.get(taskId);
            if (run != null) {
                run.attended = now;
            }
        }
        for (Run run : runs.values()) {
            if (!run.state.isFinal() && !run.attended.plus(limit).isAfter(now)) {
                logger.info("cancelling task {}, which nobody has read for {}", run.task.id(), limit);
                run.cancel();
            }
        }
    }

    /**
     * Takes no more tasks, and ends the streams of those that are left with a problem {@code worker_lost}. Their handlers
     * learn of it from {@link TaskOutput#emit} or {@link TaskOutput#onCancel}. Does not wait for them; closing again does
     * nothing.
     */
    @Override
    public void close() {
        closed = true;
        runs.values().forEach(Run::abandon);
    }

    /** Forgets what ended long enough ago. Done in passing, at most once a second, since no thread is owned. */
    private void sweep() {
        long now = clock.millis();
        long due = nextSweep.get();
        if (now >= due && nextSweep.compareAndSet(due, now + SWEEP_INTERVAL_MILLIS)) {
            Instant limit = clock.instant().minus(retention);
            runs.values().removeIf(run -> {
                Instant ended = run.ended;
                return ended != null && !ended.isAfter(limit);
            });
        }
    }

    /** One task and all that is known of it. */
    private final class Run implements Runnable, TaskOutput {

        private final String fingerprint;
        private final TaskHandler handler;
        private final Instant created = clock.instant();
        private final long number = accepted.incrementAndGet();
        private final CompletableFuture<Void> submission = new CompletableFuture<>();

        private final ReentrantLock lock = new ReentrantLock();

        // Written under the lock, read by anyone.
        private volatile Task task;
        private volatile TaskStatus.State state = TaskStatus.State.QUEUED;
        private volatile @Nullable Instant started;
        private volatile @Nullable Instant ended;
        private volatile boolean stopped;
        private volatile Instant attended = created;

        // Only under the lock.
        private final List<Runnable> onCancel = new ArrayList<>();
        private @Nullable EventAppender appender;
        private @Nullable String result;

        Run(Task task, TaskHandler handler) {
            this.task = task;
            this.fingerprint = task.fingerprint();
            this.handler = handler;
        }

        void submit() {
            try {
                if (closed) {
                    throw new RejectedExecutionException("the dispatcher is closed");
                }
                executor.execute(this);
                submission.complete(null);
            } catch (RuntimeException | Error e) {
                runs.remove(task.id(), this);
                ProblemException refusal = new ProblemException(
                        new Problem(503, "overloaded", "No more tasks can be taken at the moment."), e);
                submission.completeExceptionally(refusal);
                throw refusal;
            }
        }

        /** A retry that comes while the first request is being submitted shares its fate. */
        void awaitSubmission() {
            try {
                submission.join();
            } catch (CompletionException e) {
                throw (ProblemException) Objects.requireNonNull(e.getCause());
            }
        }

        @Override
        public void run() {
            lock.lock();
            try {
                if (state.isFinal()) {
                    return;
                }
                state = TaskStatus.State.RUNNING;
                started = clock.instant();
            } finally {
                lock.unlock();
            }
            try {
                handler.handle(task, this);
                finish(TaskStatus.State.COMPLETED, null);
            } catch (ProblemException e) {
                logger.debug("task {} failed", task.id(), e);
                finish(TaskStatus.State.FAILED, End.failed(e.problem()));
            } catch (Throwable e) {
                if (stopped) {
                    logger.debug("the handler of task {}, which was stopped, threw", task.id(), e);
                } else {
                    logger.error("the handler of task {} threw", task.id(), e);
                }
                finish(TaskStatus.State.FAILED, End.failed(new Problem(500, "handler_failed", "The task failed.")));
                if (e instanceof Error error) {
                    throw error;
                }
                if (e instanceof InterruptedException) {
                    Thread.currentThread().interrupt();
                }
            }
        }

        /** Ends the stream, unless it has ended already. */
        private void finish(TaskStatus.State how, @Nullable End end) {
            lock.lock();
            try {
                if (!state.isFinal()) {
                    state = endStream(end == null ? End.completed(result) : end) ? how : TaskStatus.State.FAILED;
                    ended = clock.instant();
                    task = withoutPayload();
                }
            } finally {
                lock.unlock();
            }
        }

        private boolean endStream(End end) {
            try {
                appender().end(end);
                return true;
            } catch (RuntimeException e) {
                // Not thrown on: the handler is done, and there is nobody left to tell.
                logger.error("the stream of task {} could not be ended", task.id(), e);
                return false;
            }
        }

        boolean cancel() {
            lock.lock();
            try {
                if (!state.isFinal()) {
                    stopped = true;
                    runCancelActions();
                    finish(TaskStatus.State.CANCELLED, End.cancelled());
                }
                return state == TaskStatus.State.CANCELLED;
            } finally {
                lock.unlock();
            }
        }

        /** The actions come after the end here: a last word of theirs would make the answer look whole. */
        void abandon() {
            lock.lock();
            try {
                if (!state.isFinal()) {
                    stopped = true;
                    finish(TaskStatus.State.FAILED, End.failed(WORKER_LOST));
                    runCancelActions();
                }
            } finally {
                lock.unlock();
            }
        }

        private void runCancelActions() {
            for (Runnable action : List.copyOf(onCancel)) {
                runCancelAction(action);
            }
            onCancel.clear();
        }

        private void runCancelAction(Runnable action) {
            try {
                action.run();
            } catch (CancellationException e) {
                logger.debug("an action on the cancellation of task {} came too late to emit", task.id(), e);
            } catch (RuntimeException | Error e) {
                logger.warn("an action on the cancellation of task {} threw", task.id(), e);
            }
        }

        @Override
        public void emit(@Nullable String type, String data) {
            if (type != null && RESERVED_TYPES.contains(type)) {
                throw new IllegalArgumentException("event type \"" + type + "\" is how the end of a stream is shown");
            }
            lock.lock();
            try {
                if (state.isFinal()) {
                    if (stopped) {
                        throw new CancellationException("task " + task.id() + " was cancelled");
                    }
                    throw new IllegalStateException("task " + task.id() + " has ended");
                }
                appender().append(type, data);
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void complete(String result) {
            lock.lock();
            try {
                this.result = Objects.requireNonNull(result, "result");
            } finally {
                lock.unlock();
            }
        }

        @Override
        public boolean cancelled() {
            return stopped;
        }

        @Override
        public void onCancel(Runnable action) {
            lock.lock();
            try {
                if (!stopped) {
                    onCancel.add(action);
                    return;
                }
            } finally {
                lock.unlock();
            }
            runCancelAction(action);
        }

        private EventAppender appender() {
            EventAppender open = appender;
            if (open == null) {
                open = store.appender(task.id(), FIRST_EPOCH);
                appender = open;
            }
            return open;
        }

        TaskStatus status() {
            TaskStatus.State now = state;
            int queuePosition = now != TaskStatus.State.QUEUED
                    ? 0
                    : (int) runs.values().stream()
                            .filter(r -> r.state == TaskStatus.State.QUEUED && r.number < number)
                            .count();
            return new TaskStatus(
                    task.id(), task.subject(), task.format(), now, queuePosition, created, started, ended);
        }

        private Task withoutPayload() {
            return new Task(
                    task.id(),
                    task.type(),
                    "",
                    task.attributes(),
                    task.subject(),
                    task.idempotencyKey(),
                    task.format());
        }
    }

    /** The settings of a dispatcher. */
    public static final class Builder {

        private final EventStore store;
        private final Executor executor;
        private final Map<String, TaskHandler> handlers = new HashMap<>();
        private Clock clock = Clock.systemUTC();
        private Duration retention = Duration.ofHours(1);
        private @Nullable Duration cancelUnattendedAfter;

        private Builder(EventStore store, Executor executor) {
            this.store = store;
            this.executor = executor;
        }

        /**
         * Who does the tasks of a type.
         *
         * @throws IllegalArgumentException if the type has a handler already
         */
        public Builder handler(String type, TaskHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("tasks of type " + type + " have a handler already");
            }
            return this;
        }

        /** The clock for times and retention; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** How long the status of a task is kept after its end; one hour by default, as with the store. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /**
         * Cancels a task whose stream nobody has read for this long. By default a task goes on without readers: leaving is
         * not cancelling.
         */
        public Builder cancelUnattendedAfter(Duration limit) {
            this.cancelUnattendedAfter = Durations.requirePositive("cancelUnattendedAfter", limit);
            return this;
        }

        /** The dispatcher. */
        public InProcessTaskDispatcher build() {
            return new InProcessTaskDispatcher(this);
        }
    }
}
