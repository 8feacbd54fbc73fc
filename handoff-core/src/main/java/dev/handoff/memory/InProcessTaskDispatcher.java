// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs tasks in this process, on the executor of the application. The executor decides how many tasks run at a time and how many wait. If
 * the executor rejects a task, the dispatcher refuses it with 503. A task of {@link TaskHandler#async} occupies a thread only while it
 * starts and while its end is written. {@link Builder#maxPendingBytes} limits how many of these run at a time, not the executor.
 *
 * <pre>{@code
 * ExecutorService executor = Executors.newFixedThreadPool(16);
 * InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
 *         .handler("report", (task, output) -> output.emit("page", "a page about " + task.payload()))
 *         .cancelUnattendedAfter(Duration.ofMinutes(2))
 *         .build();
 * }</pre>
 *
 * <p>A task does not outlive the process. {@link #close} ends the streams of the remaining tasks, so that no reader waits for them.
 *
 * <p>The dispatcher has two limits of bytes: {@link Builder#maxPendingBytes} limits the tasks that are queued or running, and
 * {@link Builder#maxEndedBytes} limits the records of tasks that have ended. A task counts 1,408 bytes and a record 768 bytes, as heap
 * histograms of 64-bit JVMs show them. Both count two more bytes for each character of their texts. A record keeps the status of a task and
 * a hash of its payload, but neither payload nor attributes.
 *
 * <p>The dispatcher has no thread of its own. {@link #dispatch}, {@link #status} and {@link #reportReaders} therefore also do periodic
 * work: they remove expired records, and have the executor store the ends that the store has refused before.
 */
public final class InProcessTaskDispatcher implements TaskDispatcher, AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(InProcessTaskDispatcher.class);
    private static final long DRAIN_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final Problem WORKER_LOST =
            ProblemCode.WORKER_LOST.problem("The worker was stopped before the task was done.");

    private final Executor executor;
    private final Clock clock;
    private final Ticker ticker;
    private final @Nullable Duration cancelUnattendedAfter;
    private final long unattendedNanos;
    private final KnownTasks known;
    private final PendingTasks pending;
    private final ReportedTime reportedTime;
    private final Admission admission;
    private final EndRetries endRetries;

    private InProcessTaskDispatcher(Builder builder) {
        this.executor = builder.executor;
        this.clock = builder.clock;
        this.ticker = builder.ticker;
        this.cancelUnattendedAfter = builder.cancelUnattendedAfter;
        this.unattendedNanos = cancelUnattendedAfter == null ? 0 : Durations.saturatedNanos(cancelUnattendedAfter);
        this.known = new KnownTasks(clock, ticker, Durations.saturatedNanos(builder.retention), builder.maxEndedBytes);
        this.pending = new PendingTasks(builder.maxPendingBytes);
        this.reportedTime = new ReportedTime(ticker, unattendedNanos);
        this.admission = new Admission(builder, known, pending, reportedTime, this::run);
        this.endRetries = new EndRetries(pending, builder.executor, ticker, this::recordEnd);
    }

    /**
     * Returns a builder of a dispatcher that runs handlers on the executor and appends what they emit to the store.
     *
     * @param executor should reject a task that it cannot run soon, and must not run a task in the thread that submits it
     */
    public static Builder builder(EventStore store, Executor executor) {
        return new Builder(store, executor);
    }

    @Override
    public TaskStatus dispatch(Task task) {
        doWhatIsDue();
        return statusOf(admission.admit(task));
    }

    /** Runs a task in a thread of the executor. */
    private void run(LocalTask task) {
        pending.dequeue(task);
        task.execute(clock.instant(), executor, () -> {
            recordEnd(task);
            pending.remove(task);
        });
    }

    /** Makes the record of a task whose run is over, unless it has one. */
    private void recordEnd(LocalTask task) {
        if (task.isRecordDue() && known.recordEnd(task)) {
            pending.dequeue(task);
            if (!task.isExecuting()) {
                pending.remove(task);
            }
        }
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        doWhatIsDue();
        return Optional.ofNullable(known.find(taskId)).map(this::statusOf);
    }

    private TaskStatus statusOf(LocalTask task) {
        recordEnd(task);
        TaskStatus.State state = task.state();
        if (state.isFinal()) {
            // The run may have ended since, and a final status has the time of the end.
            recordEnd(task);
        }
        return task.status(state, state == TaskStatus.State.QUEUED ? pending.queuePosition(task) : 0);
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        LocalTask latest = known.latestLike(new LocalTask.Likeness(task.subject(), task.fingerprint()));
        if (latest == null || ticker.read() - latest.acceptedAt > Durations.saturatedNanos(within)) {
            return Optional.empty();
        }
        return Optional.of(statusOf(latest));
    }

    @Override
    public boolean cancel(String taskId) {
        LocalTask task = known.find(taskId);
        return task != null && cancel(task);
    }

    private boolean cancel(LocalTask task) {
        boolean cancelled = task.cancel();
        recordEnd(task);
        return cancelled;
    }

    /**
     * Records which streams are being read, and cancels the tasks whose streams have had no reader for the time that
     * {@link Builder#cancelUnattendedAfter} sets.
     *
     * <p>The calling thread first records all streams and then cancels one task after the other. It blocks while the
     * {@link TaskOutput#onCancel} actions of these tasks run. If another thread calls this meanwhile, that thread also records its streams,
     * and cancels the tasks that the first thread has not reached.
     */
    @Override
    public void reportReaders(Collection<String> taskIds) {
        doWhatIsDue();
        Duration limit = cancelUnattendedAfter;
        if (limit == null) {
            return;
        }
        long now = reportedTime.report();
        for (String taskId : taskIds) {
            LocalTask task = known.find(taskId);
            if (task != null) {
                task.attendedAt = now;
            }
        }
        for (LocalTask task : pending) {
            if (!task.background && now - task.attendedAt >= unattendedNanos && task.canBeCancelled()) {
                logger.info("cancelling task {}, whose stream has had no reader for {}", task.id, limit);
                cancel(task);
            }
        }
    }

    /**
     * Refuses new tasks, and ends the streams of the remaining tasks with the problem {@code worker_lost}. Their handlers notice this by
     * {@link TaskOutput#emit} or {@link TaskOutput#onCancel}. The calling thread runs the actions of {@code onCancel} after the streams
     * have ended. Does not wait for handlers. Does nothing if the dispatcher is closed.
     */
    @Override
    public void close() {
        admission.close();
        List<Runnable> rest = new ArrayList<>();
        for (LocalTask task : pending) {
            Runnable actions = task.beginAbandon(WORKER_LOST);
            recordEnd(task);
            rest.add(() -> {
                actions.run();
                recordEnd(task);
            });
        }
        rest.forEach(Runnable::run);
    }

    /**
     * Refuses new tasks, waits until the queued and running tasks are done, and then closes the dispatcher. When the time is over or the
     * thread is interrupted, this ends the streams of the remaining tasks as {@link #close} does. The thread stays interrupted.
     * {@link Builder#ticker} measures the time. A handler must not call this, because it would wait for itself.
     *
     * <p>If the store refuses the end of a task, the task is done only when the end is stored or given up. A cancelled task is done only
     * when its handler has returned.
     *
     * @return whether all tasks were done in time
     * @throws IllegalArgumentException if the time is negative or more than a hundred years
     */
    public boolean drain(Duration time) {
        long nanos = Durations.saturatedNanos(Durations.requireNotNegative("time", time));
        admission.close();
        boolean done = false;
        boolean interrupted = false;
        try {
            done = awaitTasks(nanos);
        } catch (InterruptedException e) {
            interrupted = true;
        }
        // A store may refuse to work in a thread that is interrupted.
        close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        return done;
    }

    /** Accepts tasks again after {@link #drain} or {@link #close}, for an application that starts again and has kept its executor. */
    public void reopen() {
        admission.open();
    }

    /** Waits for the tasks, and does what is due meanwhile, because perhaps no call of the application does it. */
    private boolean awaitTasks(long nanos) throws InterruptedException {
        long start = ticker.read();
        long left = nanos;
        do {
            if (pending.awaitNone(Math.min(left, DRAIN_CHECK_NANOS))) {
                return true;
            }
            doWhatIsDue();
            left = nanos - (ticker.read() - start);
        } while (left > 0);
        return false;
    }

    private void doWhatIsDue() {
        known.forgetExpired();
        endRetries.submitIfDue();
    }

    /** Sets the options of a dispatcher. Not thread-safe. */
    public static final class Builder {

        final EventStore store;
        final Executor executor;
        final Map<String, TaskHandler> handlers = new HashMap<>();
        Clock clock = Clock.systemUTC();
        Ticker ticker = Ticker.system();
        HandoffObserver observer = HandoffObserver.NONE;
        private Duration retention = Duration.ofHours(1);
        long maxPendingBytes = Runtime.getRuntime().maxMemory() / 8;
        private long maxEndedBytes = Runtime.getRuntime().maxMemory() / 16;
        private @Nullable Duration cancelUnattendedAfter;

        private Builder(EventStore store, Executor executor) {
            this.store = store;
            this.executor = executor;
        }

        /** Sets the handler for the tasks of a type. Throws {@link IllegalArgumentException} if the type has a handler already. */
        public Builder handler(String type, TaskHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("tasks of type " + type + " have a handler already");
            }
            return this;
        }

        /** Sets the clock for the times in a {@link TaskStatus}; {@link Clock#systemUTC} by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** Sets the ticker for the retention time, the time without readers and {@link #drain}; {@link Ticker#system} by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** Sets the observer of the tasks that this dispatcher accepts and of their runs; none by default. */
        public Builder observer(HandoffObserver observer) {
            this.observer = observer;
            return this;
        }

        /** Sets the positive time for which the status of a task is kept after its end; one hour by default, as in the store. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /**
         * Sets how many bytes all queued and running tasks may take together, with their payloads and attributes; an eighth of the maximum
         * heap by default. A task for which there is no room is refused with 503. A task that is larger than the limit is refused with 413.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxPendingBytes(long maxPendingBytes) {
            this.maxPendingBytes = Counts.requirePositive("maxPendingBytes", maxPendingBytes);
            return this;
        }

        /**
         * Sets how many bytes the records of ended tasks may take together; a sixteenth of the maximum heap by default, which is room for
         * about 80 records for each MiB of heap. When there is no room, the dispatcher removes the record of the task that ended first,
         * even if its retention time is not over. It always keeps the record of the task that ended last.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxEndedBytes(long maxEndedBytes) {
            this.maxEndedBytes = Counts.requirePositive("maxEndedBytes", maxEndedBytes);
            return this;
        }

        /**
         * Cancels a task whose stream has had no reader for this positive time. By default a task continues without readers. A client that
         * waits for a document counts as a reader until the document is sent, because the server notices only when it writes that the
         * client has left.
         *
         * <p>Only time in which streaming servers call {@link #reportReaders} counts. Of a gap between two calls, at most two seconds
         * count, or half of the limit if that is less. So a process that was suspended does not cancel tasks for that reason.
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
