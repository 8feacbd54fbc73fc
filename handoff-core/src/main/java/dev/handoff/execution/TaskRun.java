package dev.handoff.execution;

import dev.handoff.check.Durations;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of a handler, for implementations of {@link TaskDispatcher}. It appends what the handler emits, and writes the end
 * of the stream once.
 *
 * <p>The first cause that ends the run decides its end. If the store refuses this end, the run tries again: three times at
 * once, then in the thread of {@link #run} with pauses of up to a second, until the time that it was given is over. Nothing is
 * appended meanwhile. The state becomes final when the end is stored or given up. From then on the run refers neither to the
 * task, the handler and the result nor to the appender.
 *
 * <p>Thread-safe. {@link #run} blocks as long as the handler does and then until the state is final; the other methods block
 * while the appender does.
 */
public final class TaskRun implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(TaskRun.class);
    private static final Set<String> RESERVED_TYPES =
            Set.of("completed", "cancelled", "failed", "interrupted", "error", "open");

    private static final Duration RETRY_END_FOR = Duration.ofSeconds(30);
    private static final int ATTEMPTS_AT_ONCE = 3;
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String id;
    private final long retryEndNanos;
    private final Ticker ticker;
    private final Output output = new Output();

    // Written under the lock, read by any thread.
    private final Lock lock;
    private final Condition settled;
    private volatile TaskStatus.State state = TaskStatus.State.QUEUED;
    private volatile boolean stopped;
    /** The end that the store has not taken yet; null before there is one, and when the state is final. */
    private volatile @Nullable End wanted;

    // Only under the lock. Null when they are no longer needed.
    private @Nullable Work work;
    private @Nullable Supplier<EventAppender> appenders;
    private @Nullable EventAppender appender;
    private @Nullable String result;
    private List<Runnable> onCancel = new ArrayList<>();
    private long wantedSince;
    /** Whether an attempt to store the end failed in a way that leaves open whether it is stored. */
    private boolean endInDoubt;

    /**
     * Creates a run that has not begun and tries for 30 seconds to store an end that was refused.
     *
     * @param appenders returns the writer of the stream; asked when the run writes for the first time, and again only if it
     *     threw
     */
    public TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders) {
        this(task, handler, appenders, RETRY_END_FOR);
    }

    /**
     * Creates a run that has not begun.
     *
     * @param appenders returns the writer of the stream; asked when the run writes for the first time, and again only if it
     *     threw
     * @param retryEndFor how long the run tries to store an end that was refused; zero if the appender retries by itself
     * @throws IllegalArgumentException if the time is negative
     */
    public TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders, Duration retryEndFor) {
        this(task, handler, appenders, retryEndFor, Ticker.system());
    }

    /** Creates a run that has not begun, tries for 30 seconds to store an end that was refused, and measures time with a ticker. */
    public TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders, Ticker ticker) {
        this(task, handler, appenders, RETRY_END_FOR, ticker);
    }

    TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders, Duration retryEndFor, Ticker ticker) {
        this(task, handler, appenders, retryEndFor, ticker, new ReentrantLock());
    }

    /**
     * Creates a run that has not begun, for dispatchers that measure time and lock by other means than those of the JVM.
     *
     * @param appenders returns the writer of the stream; asked when the run writes for the first time, and again only if it
     *     threw
     * @param retryEndFor how long the run tries to store an end that was refused; zero if the appender retries by itself
     * @param lock a reentrant lock for this run alone
     * @throws IllegalArgumentException if the time is negative
     */
    public TaskRun(
            Task task,
            TaskHandler handler,
            Supplier<EventAppender> appenders,
            Duration retryEndFor,
            Ticker ticker,
            Lock lock) {
        if (retryEndFor.isNegative()) {
            throw new IllegalArgumentException("retryEndFor is negative: " + retryEndFor);
        }
        this.id = task.id();
        this.work = new Work(task, handler);
        this.appenders = appenders;
        this.retryEndNanos = Durations.saturatedNanos(retryEndFor);
        this.ticker = ticker;
        this.lock = lock;
        this.settled = lock.newCondition();
    }

    private record Work(Task task, TaskHandler handler) {}

    /** Returns the state of the run. It is final only after the stream has been ended, or the end was given up. */
    public TaskStatus.State state() {
        return state;
    }

    /** Returns whether the run has an end that the store has refused so far. */
    public boolean isEndPending() {
        return wanted != null;
    }

    /**
     * Calls the handler and ends the stream. If the run has been ended before, this does not call the handler. If the
     * handler leaves its thread interrupted, this stores the end first, and interrupts the thread again.
     *
     * @throws Error what the handler threw, if it was one; the stream has been ended then
     */
    @Override
    public void run() {
        Work begun = begin();
        Throwable thrown = null;
        if (begun != null) {
            try {
                begun.handler.handle(begun.task, output);
            } catch (Throwable e) {
                thrown = e;
            }
        }
        // The store may refuse to work in a thread that is interrupted.
        boolean interrupted = Thread.interrupted() || thrown instanceof InterruptedException;
        try {
            if (begun != null) {
                finish(thrown == null ? null : endAfter(thrown));
            }
            interrupted |= awaitEnd();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
        if (thrown instanceof Error error) {
            throw error;
        }
    }

    private @Nullable Work begin() {
        lock.lock();
        try {
            Work begun = wanted == null ? work : null;
            if (begun != null) {
                work = null;
                state = TaskStatus.State.RUNNING;
            }
            return begun;
        } finally {
            lock.unlock();
        }
    }

    private End endAfter(Throwable thrown) {
        if (thrown instanceof ProblemException e) {
            logger.debug("task {} failed", id, e);
            return End.failed(e.problem());
        }
        if (stopped) {
            logger.debug("the handler of task {} threw after it was stopped", id, thrown);
        } else {
            logger.error("the handler of task {} threw", id, thrown);
        }
        return End.failed(new Problem(500, "handler_failed", "The task failed."));
    }

    /**
     * Cancels the run: runs the actions of {@link TaskOutput#onCancel} and ends the stream.
     *
     * @return false if it has completed or failed before
     */
    public boolean cancel() {
        lock.lock();
        try {
            if (!isDecided()) {
                stopped = true;
                runCancelActions(takeCancelActions());
            }
            finish(End.cancelled());
            return state == TaskStatus.State.CANCELLED || wanted instanceof End.Cancelled;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the stream with a problem, because the worker stops. The actions of {@link TaskOutput#onCancel} run after the end,
     * since an event that they emit would make the answer look whole. Does nothing if the run has ended.
     */
    public void abandon(Problem problem) {
        lock.lock();
        try {
            runCancelActions(stop(problem));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Stops the run as {@link #abandon} does, unless another thread holds its lock, but runs no actions. Returns the
     * rest of the work, which may block as long as the actions of the application do.
     */
    public Runnable beginAbandon(Problem problem) {
        if (!lock.tryLock()) {
            return () -> abandon(problem);
        }
        try {
            List<Runnable> actions = stop(problem);
            return () -> runCancelActions(actions);
        } finally {
            lock.unlock();
        }
    }

    private List<Runnable> stop(Problem problem) {
        List<Runnable> actions = List.of();
        if (!isDecided()) {
            stopped = true;
            actions = takeCancelActions();
        }
        finish(End.failed(problem));
        return actions;
    }

    /**
     * Makes the handler stop and leaves the stream as it is, because it belongs to another run now, or because another run is
     * to begin anew. Does nothing if the stream has ended.
     */
    public void release() {
        lock.lock();
        try {
            if (!state.isFinal()) {
                stopped = true;
                List<Runnable> actions = takeCancelActions();
                become(TaskStatus.State.FAILED);
                runCancelActions(actions);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Releases the run if it has not written anything yet, so that it can be done again; else returns false. */
    public boolean releaseIfUntouched() {
        lock.lock();
        try {
            if (isDecided() || appender != null) {
                return false;
            }
            release();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Tries once to store an end that was refused. Does nothing if there is none, or if another thread holds the run. A
     * dispatcher calls this for a run whose handler has not begun or does not return.
     */
    public void retryEnd() {
        if (lock.tryLock()) {
            try {
                storeEnd();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Returns whether the end of the run is decided, be it stored or not. */
    private boolean isDecided() {
        return state.isFinal() || wanted != null;
    }

    /** Ends the stream, unless another end is decided: with the given end, or with what the handler completed. */
    private void finish(@Nullable End given) {
        lock.lock();
        try {
            if (isDecided()) {
                storeEnd();
                return;
            }
            wanted = given == null ? End.completed(result) : given;
            wantedSince = ticker.read();
            for (int i = 0; i < ATTEMPTS_AT_ONCE; i++) {
                storeEnd();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Waits until the end is stored or given up. Returns whether the thread was interrupted meanwhile. */
    private boolean awaitEnd() {
        lock.lock();
        try {
            for (long pause = FIRST_PAUSE_NANOS; wanted != null; pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS)) {
                settled.awaitNanos(pause);
                storeEnd();
            }
            return false;
        } catch (InterruptedException e) {
            // The executor is being shut down.
            storeEnd();
            if (wanted != null) {
                giveUp(wanted, e);
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Tries once to store the end that is wanted, if there is one. */
    private void storeEnd() {
        End end = wanted;
        if (end == null) {
            return;
        }
        try {
            appender().end(end);
            become(stateAfter(end));
        } catch (StaleWriterException e) {
            logger.info("the end of task {} came too late: {}", id, e.getMessage());
            // If an earlier attempt was in doubt, it is the one that has ended the stream.
            become(endInDoubt ? stateAfter(end) : TaskStatus.State.FAILED);
        } catch (Throwable e) {
            // Code in other languages of the JVM also throws checked exceptions.
            if (e instanceof IllegalArgumentException
                    && end instanceof End.Completed completed
                    && completed.result() != null) {
                logger.error("the store refused the result of task {}", id, e);
                wanted = End.failed(new Problem(500, "result_refused", "The result could not be stored."));
                storeEnd();
            } else if (ticker.read() - wantedSince >= retryEndNanos) {
                giveUp(end, e);
            } else {
                logger.debug("the store refused the end of task {}, trying again", id, e);
                endInDoubt = true;
            }
        }
    }

    private void giveUp(End end, Throwable cause) {
        // Not thrown: the handler is done, and the caller cannot do anything about it.
        logger.error("the stream of task {} could not be ended as {}", id, stateAfter(end), cause);
        become(TaskStatus.State.FAILED);
    }

    /** Makes the state final, and drops the references that are no longer needed. */
    private void become(TaskStatus.State last) {
        state = last;
        wanted = null;
        work = null;
        appenders = null;
        appender = null;
        result = null;
        onCancel = List.of();
        settled.signalAll();
    }

    private static TaskStatus.State stateAfter(End end) {
        if (end instanceof End.Completed) {
            return TaskStatus.State.COMPLETED;
        }
        return end instanceof End.Failed ? TaskStatus.State.FAILED : TaskStatus.State.CANCELLED;
    }

    private EventAppender appender() {
        EventAppender open = appender;
        if (open == null) {
            open = Objects.requireNonNull(
                    Objects.requireNonNull(appenders, "the run is over").get(), "the store has no appender");
            appender = open;
        }
        return open;
    }

    private List<Runnable> takeCancelActions() {
        List<Runnable> actions = onCancel;
        onCancel = List.of();
        return actions;
    }

    private void runCancelActions(List<Runnable> actions) {
        actions.forEach(this::runCancelAction);
    }

    private void runCancelAction(Runnable action) {
        try {
            action.run();
        } catch (CancellationException e) {
            logger.debug("an action on the cancellation of task {} came too late to emit", id, e);
        } catch (Throwable e) {
            logger.warn("an action on the cancellation of task {} threw", id, e);
        }
    }

    /** The output that the handler is given. */
    private final class Output implements TaskOutput {

        @Override
        public void emit(@Nullable String type, String data) {
            if (type != null && RESERVED_TYPES.contains(type)) {
                throw new IllegalArgumentException("event type \"" + type
                        + "\" is reserved: it shows the end of a stream, or is an event of EventSource itself");
            }
            lock.lock();
            try {
                if (isDecided()) {
                    if (stopped) {
                        throw new CancellationException("task " + id + " was cancelled");
                    }
                    throw new IllegalStateException("task " + id + " has ended");
                }
                appender().append(type, data);
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void complete(String result) {
            Objects.requireNonNull(result, "result");
            lock.lock();
            try {
                if (!isDecided()) {
                    TaskRun.this.result = result;
                }
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
                    if (!isDecided()) {
                        onCancel.add(action);
                    }
                    return;
                }
            } finally {
                lock.unlock();
            }
            runCancelAction(action);
        }
    }
}
