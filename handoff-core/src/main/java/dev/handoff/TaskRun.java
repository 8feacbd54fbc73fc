package dev.handoff;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One run of a handler, for those who write a {@link TaskDispatcher}: what the handler emits goes to an appender, and how it
 * ends, or is made to end, becomes the end of the stream, once.
 *
 * <p>Thread-safe. {@link #run} blocks as long as the handler does; the others block while the appender does.
 */
public final class TaskRun implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(TaskRun.class);
    private static final Set<String> RESERVED_TYPES =
            Set.of("completed", "cancelled", "failed", "interrupted", "error", "open");

    private final TaskHandler handler;
    private final Supplier<EventAppender> appenders;
    private final Output output = new Output();

    // Written under the lock, read by anyone.
    private final ReentrantLock lock = new ReentrantLock();
    private volatile Task task;
    private volatile TaskStatus.State state = TaskStatus.State.QUEUED;
    private volatile boolean stopped;

    // Only under the lock.
    private final List<Runnable> onCancel = new ArrayList<>();
    private @Nullable EventAppender appender;
    private @Nullable String result;

    /**
     * A run that has not begun.
     *
     * @param appenders is asked once, for the writer of the stream, when something is to be written for the first time
     */
    public TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders) {
        this.task = task;
        this.handler = handler;
        this.appenders = appenders;
    }

    /** Where the run is in its life. It is final only after the stream has been ended, or could not be. */
    public TaskStatus.State state() {
        return state;
    }

    /**
     * Has the handler do the task, and ends the stream. Does nothing if it has been ended before.
     *
     * @throws Error what the handler threw, if it was one; the stream has been ended then
     */
    @Override
    public void run() {
        if (!begin()) {
            return;
        }
        try {
            handler.handle(task, output);
            finish(null);
        } catch (ProblemException e) {
            logger.debug("task {} failed", task.id(), e);
            finish(End.failed(e.problem()));
        } catch (Throwable e) {
            if (stopped) {
                logger.debug("the handler of task {}, which was stopped, threw", task.id(), e);
            } else {
                logger.error("the handler of task {} threw", task.id(), e);
            }
            finish(End.failed(new Problem(500, "handler_failed", "The task failed.")));
            if (e instanceof Error error) {
                throw error;
            }
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean begin() {
        lock.lock();
        try {
            if (state.isFinal()) {
                return false;
            }
            state = TaskStatus.State.RUNNING;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Cancels it: runs the actions of {@link TaskOutput#onCancel}, and ends the stream.
     *
     * @return false if it has completed or failed before
     */
    public boolean cancel() {
        lock.lock();
        try {
            if (!state.isFinal()) {
                stopped = true;
                runCancelActions();
                finish(End.cancelled());
            }
            return state == TaskStatus.State.CANCELLED;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Ends the stream with a problem, because the worker stops. The actions of {@link TaskOutput#onCancel} come after the end
     * here: a last word of theirs would make the answer look whole. Does nothing if it has ended.
     */
    public void abandon(Problem problem) {
        lock.lock();
        try {
            if (!state.isFinal()) {
                stopped = true;
                finish(End.failed(problem));
                runCancelActions();
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Makes the handler stop and leaves the stream as it is, because it belongs to another run now, or because another is to
     * begin anew. Does nothing if the stream has ended.
     */
    public void release() {
        lock.lock();
        try {
            if (!state.isFinal()) {
                stopped = true;
                state = TaskStatus.State.FAILED;
                runCancelActions();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Releases the run if it has not written anything yet, so that it can be done again; else returns false. */
    public boolean releaseIfUntouched() {
        lock.lock();
        try {
            if (state.isFinal() || appender != null) {
                return false;
            }
            release();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the stream, unless it has ended already; with what the handler completed, if no other end is given. */
    private void finish(@Nullable End given) {
        lock.lock();
        try {
            if (!state.isFinal()) {
                state = write(given == null ? End.completed(result) : given);
                task = task.withoutPayload();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns the state that this leads to. */
    private TaskStatus.State write(End end) {
        try {
            appender().end(end);
            return stateAfter(end);
        } catch (StaleWriterException e) {
            logger.info("the end of task {} came too late: {}", task.id(), e.getMessage());
        } catch (RuntimeException e) {
            // Not thrown on: the handler is done, and there is nobody left to tell.
            logger.error("the stream of task {} could not be ended with {}", task.id(), stateAfter(end), e);
            if (e instanceof IllegalArgumentException && end instanceof End.Completed) {
                // It is the result that was refused, and readers need an end more than that.
                return write(End.failed(new Problem(500, "result_refused", "The result could not be stored.")));
            }
        }
        return TaskStatus.State.FAILED;
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
            open = appenders.get();
            appender = open;
        }
        return open;
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

    /** What the handler is given. */
    private final class Output implements TaskOutput {

        @Override
        public void emit(@Nullable String type, String data) {
            if (type != null && RESERVED_TYPES.contains(type)) {
                throw new IllegalArgumentException("event type \"" + type
                        + "\" is reserved: it shows the end of a stream, or is an event of EventSource itself");
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
                TaskRun.this.result = Objects.requireNonNull(result, "result");
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
    }
}
