// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import org.jspecify.annotations.Nullable;

/**
 * The state of one run: whether it has begun, what its stream may still take, and its end. The first call that ends the run
 * decides its end.
 *
 * <p>Thread-safe. All but {@link #state}, {@link #isStopped} and {@link #isEndPending} block while another thread writes.
 */
final class RunState {

    /** The work of a run that has not begun. */
    record Work(Task task, TaskHandler handler) {}

    private static final int ATTEMPTS_AT_ONCE = 3;
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final String taskId;
    private final Lock lock;
    private final Condition settled;

    // Written under the lock, read by any thread.
    private volatile TaskStatus.State state = TaskStatus.State.QUEUED;
    private volatile boolean stopped;

    // Guarded by the lock.
    private final StreamWriter writer;
    private final CancelActions cancelActions;
    private @Nullable Work work;
    private @Nullable String result;

    RunState(Work work, StreamWriter writer, Lock lock) {
        this.taskId = work.task.id();
        this.work = work;
        this.writer = writer;
        this.cancelActions = new CancelActions(taskId);
        this.lock = lock;
        this.settled = lock.newCondition();
    }

    TaskStatus.State state() {
        return state;
    }

    /** Returns whether the handler is to stop. */
    boolean isStopped() {
        return stopped;
    }

    boolean isEndPending() {
        return writer.decided() != null;
    }

    /** Returns whether the end of the run is decided, even if it is not stored yet. */
    private boolean isDecided() {
        return state.isFinal() || isEndPending();
    }

    /** Returns the work that the caller is to do, or null if the run has begun or ended before. */
    @Nullable
    Work begin() {
        lock.lock();
        try {
            Work begun = isEndPending() ? null : work;
            if (begun != null) {
                work = null;
                state = TaskStatus.State.RUNNING;
                writer.observed.began();
            }
            return begun;
        } finally {
            lock.unlock();
        }
    }

    void append(@Nullable String type, String data) {
        lock.lock();
        try {
            if (isDecided()) {
                if (stopped) {
                    throw new CancellationException("task " + taskId + " was cancelled");
                }
                throw new IllegalStateException("task " + taskId + " has ended");
            }
            writer.append(type, data);
        } finally {
            lock.unlock();
        }
    }

    /** Sets the result with which {@link #complete} ends the stream. */
    void setResult(String result) {
        lock.lock();
        try {
            if (!isDecided()) {
                this.result = result;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Registers an action for the cancellation, or runs it if the run was stopped. */
    void onCancel(Runnable action) {
        lock.lock();
        try {
            if (!stopped) {
                if (!isDecided()) {
                    cancelActions.register(action);
                }
                return;
            }
        } finally {
            lock.unlock();
        }
        cancelActions.run(action);
    }

    /** Ends the stream with the result, unless another end is decided or the run is being cancelled. */
    void complete() {
        lock.lock();
        try {
            if (!isBeingCancelled()) {
                finish(End.completed(result));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends the stream with a problem, unless another end is decided or the run is being cancelled. */
    void fail(Problem problem) {
        lock.lock();
        try {
            if (!isBeingCancelled()) {
                finish(End.failed(problem));
            }
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether this thread is in {@link #cancel}: an action that it runs may complete the stage of an asynchronous handler. */
    private boolean isBeingCancelled() {
        return stopped && !isDecided();
    }

    /** Ends the stream, unless another end is decided. In both cases this tries to store the end that is decided. */
    private void finish(End end) {
        lock.lock();
        try {
            if (isDecided()) {
                storeEnd();
                return;
            }
            writer.decide(end);
            for (int i = 0; i < ATTEMPTS_AT_ONCE; i++) {
                storeEnd();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Runs the actions for the cancellation and ends the stream. Returns false if the run has completed or failed before. */
    boolean cancel() {
        lock.lock();
        try {
            if (!isDecided()) {
                stopped = true;
                runAll(cancelActions.take());
            }
            finish(End.cancelled());
            return state == TaskStatus.State.CANCELLED || writer.decided() instanceof End.Cancelled;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the stream with a problem, and then runs the actions for the cancellation. */
    void abandon(Problem problem) {
        lock.lock();
        try {
            runAll(stop(problem));
        } finally {
            lock.unlock();
        }
    }

    /** Does the part of {@link #abandon} that runs no actions, unless another thread holds the lock. Returns the rest of the work. */
    Runnable beginAbandon(Problem problem) {
        if (!lock.tryLock()) {
            return () -> abandon(problem);
        }
        try {
            List<Runnable> actions = stop(problem);
            return () -> runAll(actions);
        } finally {
            lock.unlock();
        }
    }

    private List<Runnable> stop(Problem problem) {
        List<Runnable> actions = List.of();
        if (!isDecided()) {
            stopped = true;
            actions = cancelActions.take();
        }
        finish(End.failed(problem));
        return actions;
    }

    /** Stops the handler and leaves the stream as it is. Does nothing if the run has ended. */
    void release() {
        lock.lock();
        try {
            if (!state.isFinal()) {
                stopped = true;
                List<Runnable> actions = cancelActions.take();
                writer.observed.released();
                become(TaskStatus.State.FAILED);
                runAll(actions);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Releases the run if it has not written anything yet; else returns false. */
    boolean releaseIfUntouched() {
        lock.lock();
        try {
            if (isDecided() || writer.isOpened()) {
                return false;
            }
            release();
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Tries once to store an end that was refused. Does nothing if there is none, or if another thread holds the lock. */
    void retryEnd() {
        if (lock.tryLock()) {
            try {
                storeEnd();
            } finally {
                lock.unlock();
            }
        }
    }

    /** Waits until the end is stored or given up. Returns whether the thread was interrupted meanwhile. */
    boolean awaitEnd() {
        lock.lock();
        try {
            for (long pause = FIRST_PAUSE_NANOS; isEndPending(); pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS)) {
                settled.awaitNanos(pause);
                storeEnd();
            }
            return false;
        } catch (InterruptedException e) {
            // The executor is being shut down.
            storeEnd();
            End refused = writer.decided();
            if (refused != null) {
                become(writer.giveUp(refused, e));
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Tries once to store the end that is decided, if there is one. */
    private void storeEnd() {
        TaskStatus.State last = writer.tryEnd();
        if (last != null) {
            become(last);
        }
    }

    /** Makes the state final, and drops the references that are no longer needed. */
    private void become(TaskStatus.State last) {
        state = last;
        writer.close();
        work = null;
        result = null;
        cancelActions.take();
        settled.signalAll();
        writer.observed.ended(last);
    }

    private void runAll(List<Runnable> actions) {
        actions.forEach(cancelActions::run);
    }
}
