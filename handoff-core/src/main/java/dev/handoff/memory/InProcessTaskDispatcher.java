package dev.handoff.memory;

import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.execution.TaskRun;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
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
 *
 * <p>The dispatcher is bounded in bytes: {@link Builder#maxPendingBytes} limits the tasks that are queued or running, and
 * {@link Builder#maxEndedBytes} the records of those that have ended. A task counts 1,408 bytes, a record 768, and both two
 * bytes for each character of their texts, as heap histograms of 64-bit JVMs show it. A record keeps the status of a task and
 * a hash of its payload, but neither payload nor attributes.
 *
 * <p>The dispatcher owns no thread. Each call does a part of the work that is due: it forgets records, and has the executor
 * try to store ends that the store has refused.
 */
public final class InProcessTaskDispatcher implements TaskDispatcher, AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(InProcessTaskDispatcher.class);
    private static final long RETRY_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long LONGEST_COUNTED_GAP_NANOS = TimeUnit.SECONDS.toNanos(2);
    private static final int FIRST_EPOCH = 1;
    /** A task with its run, without its texts. */
    private static final int TASK_BYTES = 1408;
    /** The record of a task that has ended, with its entries in the maps and the queue. */
    private static final int RECORD_BYTES = 768;

    private static final Problem WORKER_LOST =
            new Problem(503, "worker_lost", "The worker was stopped before the task was done.");

    private final ConcurrentMap<String, Run> runs = new ConcurrentHashMap<>();
    private final ConcurrentMap<Likeness, Run> latest = new ConcurrentHashMap<>();
    /** The runs that have not ended, or whose handlers have not returned. */
    private final Set<Run> pending = ConcurrentHashMap.newKeySet();

    private final NavigableSet<Long> queued = new ConcurrentSkipListSet<>();
    private final AtomicLong accepted = new AtomicLong();
    private final AtomicLong pendingBytes = new AtomicLong();
    private final AtomicLong nextRetry;
    private final EventStore store;
    private final Executor executor;
    private final Map<String, TaskHandler> handlers;
    private final Clock clock;
    private final Ticker ticker;
    private final long retentionNanos;
    private final long maxPendingBytes;
    private final long maxEndedBytes;
    private final @Nullable Duration cancelUnattendedAfter;
    private final long unattendedNanos;
    private final long longestCountedGap;
    private volatile boolean closed;

    private final ReentrantLock lock = new ReentrantLock();
    /** The records of runs that have ended, in the order in which they ended. Changed only under the lock. */
    private final Queue<Run> ended = new ConcurrentLinkedQueue<>();
    // Only under the lock.
    private long endedBytes;
    private long observedNanos;
    private long observedAt;

    private InProcessTaskDispatcher(Builder builder) {
        this.store = builder.store;
        this.executor = builder.executor;
        this.handlers = Map.copyOf(builder.handlers);
        this.clock = builder.clock;
        this.ticker = builder.ticker;
        this.retentionNanos = Durations.saturatedNanos(builder.retention);
        this.maxPendingBytes = builder.maxPendingBytes;
        this.maxEndedBytes = builder.maxEndedBytes;
        this.cancelUnattendedAfter = builder.cancelUnattendedAfter;
        this.unattendedNanos = cancelUnattendedAfter == null ? 0 : Durations.saturatedNanos(cancelUnattendedAfter);
        this.longestCountedGap = Math.min(LONGEST_COUNTED_GAP_NANOS, unattendedNanos / 2);
        this.observedAt = ticker.read();
        this.nextRetry = new AtomicLong(observedAt);
    }

    /**
     * Returns a builder of a dispatcher that runs handlers on the executor and appends what they emit to the store.
     *
     * @param executor should reject what it cannot run soon, and must not run tasks in the thread that submits them
     */
    public static Builder builder(EventStore store, Executor executor) {
        return new Builder(store, executor);
    }

    @Override
    public TaskStatus dispatch(Task task) {
        doWhatIsDue();
        TaskHandler handler = handlers.get(task.type());
        if (handler == null) {
            throw new ProblemException(400, "unknown_task_type", "No handler does tasks of type " + task.type() + '.');
        }
        Run run = new Run(task, handler);
        if (run.bytes > maxPendingBytes) {
            throw new ProblemException(
                    413,
                    "content_too_large",
                    "The task takes " + run.bytes + " bytes, at most " + maxPendingBytes + " are taken.");
        }
        Run known = runs.putIfAbsent(task.id(), run);
        if (known == null) {
            run.submit(task.idempotencyKey());
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
        doWhatIsDue();
        return Optional.ofNullable(runs.get(taskId)).map(Run::status);
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        Run run = latest.get(new Likeness(task.subject(), task.fingerprint()));
        if (run == null || ticker.read() - run.acceptedAt > Durations.saturatedNanos(within)) {
            return Optional.empty();
        }
        return Optional.of(run.status());
    }

    @Override
    public boolean cancel(String taskId) {
        Run run = runs.get(taskId);
        return run != null && run.cancel();
    }

    /**
     * Records which streams are being read, and cancels the tasks whose streams have had no reader for the time that
     * {@link Builder#cancelUnattendedAfter} sets.
     *
     * <p>Tasks are cancelled in the calling thread, one after the other, so this blocks as long as their actions of
     * {@link TaskOutput#onCancel} do. All streams are recorded before that. A call that overlaps such a call records its
     * streams, too, and cancels the other tasks.
     */
    @Override
    public void reportReaders(Collection<String> taskIds) {
        doWhatIsDue();
        Duration limit = cancelUnattendedAfter;
        if (limit == null) {
            return;
        }
        long now = observe();
        for (String taskId : taskIds) {
            Run run = runs.get(taskId);
            if (run != null) {
                run.attendedAt = now;
            }
        }
        for (Run run : pending) {
            if (now - run.attendedAt >= unattendedNanos && run.work != null && !run.cancelling.get()) {
                logger.info("cancelling task {}, which has had no reader for {}", run.id, limit);
                run.cancel();
            }
        }
    }

    /** Adds the time since the last report of a streaming server to the observed time, and returns that. */
    private long observe() {
        lock.lock();
        try {
            observedNanos = observedTime();
            observedAt = ticker.read();
            return observedNanos;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Returns for how long streaming servers have reported readers. Of a long gap between two reports only a part
     * counts, because the servers were unable to report, and the readers may have been there.
     */
    private long observedTime() {
        lock.lock();
        try {
            return observedNanos + Math.min(ticker.read() - observedAt, longestCountedGap);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes no more tasks, and ends the streams of those that are left with a problem {@code worker_lost}. Their handlers
     * learn of it from {@link TaskOutput#emit} or {@link TaskOutput#onCancel}. The actions of {@code onCancel} run after the
     * streams have ended, in the calling thread. Does not wait for handlers; closing again does nothing.
     */
    @Override
    public void close() {
        closed = true;
        List<Runnable> rest = pending.stream().map(Run::beginAbandon).toList();
        rest.forEach(Runnable::run);
    }

    private void doWhatIsDue() {
        forgetExpired();
        retryEnds();
    }

    /** Forgets the tasks that ended long enough ago, which are the first in the queue. */
    private void forgetExpired() {
        long now = ticker.read();
        Run first = ended.peek();
        if (first == null || !first.isExpired(now)) {
            return;
        }
        lock.lock();
        try {
            for (first = ended.peek(); first != null && first.isExpired(now); first = ended.peek()) {
                forgetFirst();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Forgets the task that ended first. The caller holds the lock. */
    private void forgetFirst() {
        Run first = ended.remove();
        endedBytes -= first.recordBytes();
        runs.remove(first.id, first);
        latest.remove(first.likeness(), first);
    }

    /** Has the executor try again to end the streams whose ends were refused. */
    private void retryEnds() {
        long now = ticker.read();
        long due = nextRetry.get();
        if (now - due >= 0 && nextRetry.compareAndSet(due, now + RETRY_INTERVAL_NANOS)) {
            pending.forEach(Run::retryEnd);
        }
    }

    /** The properties that two tasks share when one is a retry of the other. */
    private record Likeness(@Nullable String subject, String fingerprint) {}

    /** A task and its status. After the end of the task it keeps only the values that the status shows. */
    private final class Run implements Runnable {

        private final String id;
        private final @Nullable String subject;
        private final String format;
        private final String fingerprint;
        private final long bytes;
        private final Instant created = clock.instant();
        private final long acceptedAt = ticker.read();
        private final long number = accepted.incrementAndGet();
        private final CompletableFuture<Void> submission = new CompletableFuture<>();
        /** Whether a thread has begun to cancel the task. */
        private final AtomicBoolean cancelling = new AtomicBoolean();

        private final AtomicBoolean retrying = new AtomicBoolean();
        /** Whether its bytes count as pending. */
        private final AtomicBoolean counted = new AtomicBoolean();

        private volatile boolean executing;
        private volatile long attendedAt;
        private volatile @Nullable Instant started;

        /** Null once it has ended, which the fields below tell then. They are written under the lock. */
        private volatile @Nullable TaskRun work;

        private volatile TaskStatus.State lastState = TaskStatus.State.QUEUED;
        private volatile @Nullable Instant endedAt;
        private volatile long endedAtTick;

        Run(Task task, TaskHandler handler) {
            this.id = task.id();
            this.subject = task.subject();
            this.format = task.format();
            this.fingerprint = task.fingerprint();
            this.bytes = bytesOf(task);
            String streamId = id;
            this.work = new TaskRun(task, handler, () -> store.appender(streamId, FIRST_EPOCH), ticker);
        }

        private static long bytesOf(Task task) {
            long chars = (long) task.payload().length() + lengthOf(task.subject()) + lengthOf(task.idempotencyKey());
            for (Map.Entry<String, String> attribute : task.attributes().entrySet()) {
                // An attribute has two strings, and a place in the map.
                chars += attribute.getKey().length() + attribute.getValue().length() + 64;
            }
            return TASK_BYTES + 2 * chars;
        }

        private static int lengthOf(@Nullable String text) {
            return text == null ? 0 : text.length();
        }

        long recordBytes() {
            return RECORD_BYTES + 2L * lengthOf(subject);
        }

        void submit(@Nullable String idempotencyKey) {
            try {
                attendedAt = observedTime();
                pending.add(this);
                if (closed) {
                    throw new RejectedExecutionException("the dispatcher is closed");
                }
                if (idempotencyKey != null) {
                    requireUnused(idempotencyKey);
                }
                reserve();
                queued.add(number);
                executor.execute(this);
                latest.put(likeness(), this);
                if (runs.get(id) != this) {
                    // It has ended and was forgotten meanwhile.
                    latest.remove(likeness(), this);
                }
                submission.complete(null);
            } catch (ProblemException e) {
                throw refused(e);
            } catch (Throwable e) {
                throw refused(overloaded(e));
            }
        }

        /** Where the store keeps streams longer than tasks are known here, the first request cannot be compared. */
        private void requireUnused(String idempotencyKey) {
            if (store.open(id).last() != EventStream.BEGINNING) {
                throw new ProblemException(
                        422,
                        "idempotency_key_reused",
                        "The idempotency key \"" + idempotencyKey + "\" was used before, too long ago to be repeated.");
            }
        }

        private void reserve() {
            long before;
            do {
                before = pendingBytes.get();
                if (before + bytes > maxPendingBytes) {
                    throw overloaded(null);
                }
            } while (!pendingBytes.compareAndSet(before, before + bytes));
            counted.set(true);
        }

        private static ProblemException overloaded(@Nullable Throwable cause) {
            return new ProblemException(
                    new Problem(503, "overloaded", "No more tasks can be taken at the moment."), cause);
        }

        Likeness likeness() {
            return new Likeness(subject, fingerprint);
        }

        /** Removes the task, and refuses the retries that wait for its submission. */
        private ProblemException refused(ProblemException refusal) {
            queued.remove(number);
            runs.remove(id, this);
            leavePending();
            submission.completeExceptionally(refusal);
            return refusal;
        }

        private void leavePending() {
            pending.remove(this);
            if (counted.compareAndSet(true, false)) {
                pendingBytes.addAndGet(-bytes);
            }
        }

        /** Waits until the task is accepted or refused: a concurrent retry gets the answer of the first request. */
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
            TaskRun todo = work;
            try {
                if (todo != null) {
                    executing = true;
                    if (!todo.state().isFinal() && !todo.isEndPending()) {
                        started = clock.instant();
                    }
                    todo.run();
                }
            } finally {
                executing = false;
                noteEnd();
                leavePending();
            }
        }

        boolean cancel() {
            TaskRun todo = work;
            if (todo == null) {
                return lastState == TaskStatus.State.CANCELLED;
            }
            if (!cancelling.compareAndSet(false, true) && !todo.isEndPending()) {
                // Another thread runs the actions of the task, which may block, and ends the stream after them.
                return true;
            }
            boolean cancelled = todo.cancel();
            noteEnd();
            return cancelled;
        }

        Runnable beginAbandon() {
            TaskRun todo = work;
            if (todo == null) {
                return () -> {};
            }
            Runnable rest = todo.beginAbandon(WORKER_LOST);
            noteEnd();
            return () -> {
                rest.run();
                noteEnd();
            };
        }

        void retryEnd() {
            TaskRun todo = work;
            if (todo == null || !todo.isEndPending() || !retrying.compareAndSet(false, true)) {
                return;
            }
            try {
                executor.execute(() -> {
                    retrying.set(false);
                    todo.retryEnd();
                    noteEnd();
                });
            } catch (Throwable e) {
                retrying.set(false);
                logger.debug("the executor does not take the end of task {}, trying again later", id, e);
            }
        }

        /** If the run is over, records its end, and forgets older records if there are too many. */
        private void noteEnd() {
            TaskRun todo = work;
            if (todo == null || !todo.state().isFinal()) {
                return;
            }
            lock.lock();
            try {
                if (work == null) {
                    return;
                }
                lastState = todo.state();
                endedAt = clock.instant();
                endedAtTick = ticker.read();
                work = null;
                endedBytes += recordBytes();
                ended.add(this);
                while (endedBytes > maxEndedBytes && ended.peek() != this) {
                    forgetFirst();
                }
            } finally {
                lock.unlock();
            }
            queued.remove(number);
            if (!executing) {
                leavePending();
            }
        }

        boolean isExpired(long now) {
            return now - endedAtTick >= retentionNanos;
        }

        TaskStatus status() {
            noteEnd();
            TaskRun todo = work;
            TaskStatus.State now = todo == null ? lastState : todo.state();
            if (now.isFinal()) {
                noteEnd();
            }
            long before = now == TaskStatus.State.QUEUED
                    ? queued.headSet(number).stream()
                            .limit(TaskStatus.MAX_QUEUE_POSITION)
                            .count()
                    : 0;
            return new TaskStatus(
                    id, subject, format, now, (int) before, created, started, now.isFinal() ? endedAt : null);
        }
    }

    /** The settings of a dispatcher. */
    public static final class Builder {

        private final EventStore store;
        private final Executor executor;
        private final Map<String, TaskHandler> handlers = new HashMap<>();
        private Clock clock = Clock.systemUTC();
        private Ticker ticker = Ticker.system();
        private Duration retention = Duration.ofHours(1);
        private long maxPendingBytes = Runtime.getRuntime().maxMemory() / 8;
        private long maxEndedBytes = Runtime.getRuntime().maxMemory() / 16;
        private @Nullable Duration cancelUnattendedAfter;

        private Builder(EventStore store, Executor executor) {
            this.store = store;
            this.executor = executor;
        }

        /**
         * Sets the handler for the tasks of a type.
         *
         * @throws IllegalArgumentException if the type has a handler already
         */
        public Builder handler(String type, TaskHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("tasks of type " + type + " have a handler already");
            }
            return this;
        }

        /** Sets the clock for the times in a status; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** Sets the ticker that measures retention and absence of readers; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** Sets how long the status of a task is kept after its end; one hour by default, as with the store. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /**
         * Sets the most bytes of all tasks that are queued or running, with their payloads and attributes; an eighth of the
         * largest heap by default. Beyond it a task is refused with 503. A task that is larger by itself is refused with 413.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxPendingBytes(long maxPendingBytes) {
            this.maxPendingBytes = Counts.requirePositive("maxPendingBytes", maxPendingBytes);
            return this;
        }

        /**
         * Sets the most bytes of the records of tasks that have ended; a sixteenth of the largest heap by default, which
         * is room for about 80 tasks for each MiB of heap. When it is reached, the task that ended first is forgotten before its
         * time. The record of the last task is kept in any case.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxEndedBytes(long maxEndedBytes) {
            this.maxEndedBytes = Counts.requirePositive("maxEndedBytes", maxEndedBytes);
            return this;
        }

        /**
         * Cancels a task whose stream has had no reader for this long. By default a task goes on without readers. A
         * client that waits for a document counts as a reader until the document is sent, even if it has left, because
         * the server notices that only when it writes.
         *
         * <p>Only the time counts in which streaming servers call {@link #reportReaders}. Of a longer gap between two calls two
         * seconds count, or half of the limit if that is less: a process that was suspended cancels nothing for that reason.
         */
        public Builder cancelUnattendedAfter(Duration limit) {
            this.cancelUnattendedAfter = Durations.requirePositive("cancelUnattendedAfter", limit);
            return this;
        }

        /** Returns the dispatcher. */
        public InProcessTaskDispatcher build() {
            return new InProcessTaskDispatcher(this);
        }
    }
}
