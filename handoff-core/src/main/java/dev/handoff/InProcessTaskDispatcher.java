package dev.handoff;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
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
    private static final long SWEEP_INTERVAL_MILLIS = 1000;
    private static final int FIRST_EPOCH = 1;
    private static final Problem WORKER_LOST =
            new Problem(503, "worker_lost", "The worker was stopped before the task was done.");

    private final ConcurrentMap<String, Run> runs = new ConcurrentHashMap<>();
    private final ConcurrentMap<Likeness, Run> latest = new ConcurrentHashMap<>();
    private final NavigableSet<Long> queued = new ConcurrentSkipListSet<>();
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

    /** Where the store keeps streams longer than tasks are known here, what was asked the first time cannot be compared. */
    private void requireUnused(Task task) {
        if (task.idempotencyKey() != null && store.open(task.id()).last() != EventStream.BEGINNING) {
            throw new ProblemException(
                    422,
                    "idempotency_key_reused",
                    "The idempotency key \"" + task.idempotencyKey()
                            + "\" was used before, too long ago to be repeated.");
        }
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        sweep();
        return Optional.ofNullable(runs.get(taskId)).map(Run::status);
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        Run run = latest.get(new Likeness(task.subject(), task.fingerprint()));
        boolean recent = run != null && !run.created.plus(within).isBefore(clock.instant());
        return recent ? Optional.of(run.status()) : Optional.empty();
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
            if (!run.isEnded() && !run.attended.plus(limit).isAfter(now)) {
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
                boolean forgotten = ended != null && !ended.isAfter(limit);
                if (forgotten) {
                    latest.remove(run.likeness(), run);
                }
                return forgotten;
            });
        }
    }

    /** What two tasks have in common when one is a retry of the other. */
    private record Likeness(@Nullable String subject, String fingerprint) {}

    /** One task and all that is known of it. */
    private final class Run implements Runnable {

        private final Task task;
        private final String fingerprint;
        private final Instant created = clock.instant();
        private final long number = accepted.incrementAndGet();
        private final CompletableFuture<Void> submission = new CompletableFuture<>();

        private final TaskRun work;
        private volatile @Nullable Instant started;
        private volatile @Nullable Instant ended;
        private volatile Instant attended = created;

        Run(Task task, TaskHandler handler) {
            this.task = task.withoutPayload();
            this.fingerprint = task.fingerprint();
            this.work = new TaskRun(task, handler, () -> store.appender(task.id(), FIRST_EPOCH));
        }

        void submit() {
            try {
                if (closed) {
                    throw new RejectedExecutionException("the dispatcher is closed");
                }
                requireUnused(task);
                queued.add(number);
                executor.execute(this);
                latest.put(likeness(), this);
                submission.complete(null);
            } catch (ProblemException e) {
                throw refused(e);
            } catch (RuntimeException | Error e) {
                throw refused(new ProblemException(
                        new Problem(503, "overloaded", "No more tasks can be taken at the moment."), e));
            }
        }

        Likeness likeness() {
            return new Likeness(task.subject(), fingerprint);
        }

        /** Leaves nothing of the task, and lets those know who wait for its submission. */
        private ProblemException refused(ProblemException refusal) {
            queued.remove(number);
            runs.remove(task.id(), this);
            submission.completeExceptionally(refusal);
            return refusal;
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
            queued.remove(number);
            if (!isEnded()) {
                started = clock.instant();
            }
            try {
                work.run();
            } finally {
                isEnded();
            }
        }

        boolean cancel() {
            boolean cancelled = work.cancel();
            isEnded();
            return cancelled;
        }

        void abandon() {
            work.abandon(WORKER_LOST);
            isEnded();
        }

        /** Looks whether the stream has ended, and notes when that was seen first. */
        boolean isEnded() {
            boolean over = work.state().isFinal();
            if (over && ended == null) {
                queued.remove(number);
                ended = clock.instant();
            }
            return over;
        }

        TaskStatus status() {
            TaskStatus.State now = work.state();
            isEnded();
            int queuePosition =
                    now == TaskStatus.State.QUEUED ? queued.headSet(number).size() : 0;
            return new TaskStatus(
                    task.id(),
                    task.subject(),
                    task.format(),
                    now,
                    queuePosition,
                    created,
                    started,
                    now.isFinal() ? ended : null);
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
         * not cancelling. Who waits for a document is sent nothing before it is there, and so counts as a reader until then,
         * whether still connected or not.
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
