// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.execution.TaskRun;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Instant;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * A task of this process with its run. After its end it is a record: it keeps only the values that the status shows, and a hash
 * of the payload.
 */
final class LocalTask {

    /** The properties that two tasks share when one is a retry of the other. */
    record Likeness(@Nullable String subject, String fingerprint) {}

    final String id;
    final long bytes;
    /** When the task was accepted, by the ticker of the dispatcher. */
    final long acceptedAt;
    /** The number of tasks that the dispatcher had accepted with this one. */
    final long number;
    /** The reported time at which the stream last had a reader. */
    volatile long attendedAt;

    /** Whether the task goes on without a reader. */
    final boolean background;

    private final @Nullable String subject;
    private final String format;
    private final String fingerprint;
    private final Instant created;
    private final CompletableFuture<Void> submission = new CompletableFuture<>();
    /** Whether a thread has begun to cancel the task. */
    private final AtomicBoolean cancelling = new AtomicBoolean();
    /** Whether the executor has been given a retry of the end. */
    private final AtomicBoolean retrying = new AtomicBoolean();

    private volatile boolean executing;
    private volatile @Nullable Instant started;

    /** Null once the task has ended. The fields below have their values then. */
    private volatile @Nullable TaskRun run;

    private volatile TaskStatus.State lastState = TaskStatus.State.QUEUED;
    private volatile @Nullable Instant endedAt;
    private volatile long endedAtTick;

    LocalTask(Task task, TaskRun run, Instant created, long acceptedAt, long number) {
        this.id = task.id();
        this.background = task.background();
        this.subject = task.subject();
        this.format = task.format();
        this.fingerprint = task.fingerprint();
        this.bytes = TaskBytes.ofTask(task);
        this.run = run;
        this.created = created;
        this.acceptedAt = acceptedAt;
        this.number = number;
    }

    long recordBytes() {
        return TaskBytes.ofRecord(subject);
    }

    Likeness likeness() {
        return new Likeness(subject, fingerprint);
    }

    boolean hasSameContent(LocalTask other) {
        return fingerprint.equals(other.fingerprint);
    }

    void accepted() {
        submission.complete(null);
    }

    void refused(ProblemException refusal) {
        submission.completeExceptionally(refusal);
    }

    /** Waits until the task is accepted or refused, so that a concurrent retry gets the same answer as the first request. */
    void awaitSubmission() {
        try {
            submission.join();
        } catch (CompletionException e) {
            throw (ProblemException) Objects.requireNonNull(e.getCause());
        }
    }

    /**
     * Calls the handler and ends the stream, unless the task has ended before. Blocks as long as the handler does. Returns at once if the
     * work of the handler goes on without a thread, which the executor ends then.
     *
     * @param whenOver runs once when the work is done or the stream has ended without it
     */
    void execute(Instant now, Executor executor, Runnable whenOver) {
        TaskRun open = run;
        if (open == null) {
            whenOver.run();
            return;
        }
        executing = true;
        try {
            if (!open.state().isFinal() && !open.isEndPending()) {
                started = now;
            }
            open.start(executor, whenOver);
        } finally {
            executing = false;
        }
    }

    /** Returns whether a thread is in {@link #execute}. */
    boolean isExecuting() {
        return executing;
    }

    /**
     * Cancels the task. If another thread is cancelling it, this returns at once: that thread runs the actions of the task,
     * which may block, and ends the stream after them.
     *
     * @return whether the task was cancelled, now or before
     */
    boolean cancel() {
        TaskRun open = run;
        if (open == null) {
            return lastState == TaskStatus.State.CANCELLED;
        }
        if (!cancelling.compareAndSet(false, true) && !open.isEndPending()) {
            return true;
        }
        return open.cancel();
    }

    /** Returns whether the task has neither ended nor begun to be cancelled. */
    boolean canBeCancelled() {
        return run != null && !cancelling.get();
    }

    /** Ends the stream with a problem. Returns the rest of the work, which blocks as long as actions of the application do. */
    Runnable beginAbandon(Problem problem) {
        TaskRun open = run;
        return open == null ? () -> {} : open.beginAbandon(problem);
    }

    /** Returns whether the store has refused the end, and no thread tries again. The caller must then try again. */
    boolean beginRetry() {
        TaskRun open = run;
        return open != null && open.isEndPending() && retrying.compareAndSet(false, true);
    }

    /** Tries again to store the end. */
    void retryEnd() {
        retrying.set(false);
        TaskRun open = run;
        if (open != null) {
            open.retryEnd();
        }
    }

    /** Notes that the retry was not begun, so that another one can be. */
    void retryRejected() {
        retrying.set(false);
    }

    /** Returns whether the run is over, and the task not yet a record. */
    boolean isRecordDue() {
        TaskRun open = run;
        return open != null && open.state().isFinal();
    }

    /** Makes this a record. Called once, by one thread at a time, when the run is over. Returns false if it is one already. */
    boolean becomeRecord(Instant now, long nowTick) {
        TaskRun open = run;
        if (open == null) {
            return false;
        }
        lastState = open.state();
        endedAt = now;
        endedAtTick = nowTick;
        run = null;
        return true;
    }

    /** Returns when the task became a record, by the ticker of the dispatcher. */
    long endedAtTick() {
        return endedAtTick;
    }

    TaskStatus.State state() {
        TaskRun open = run;
        return open == null ? lastState : open.state();
    }

    TaskStatus status(TaskStatus.State state, int queuePosition) {
        return TaskStatus.of(id, format, state, created)
                .withSubject(subject)
                .withQueuePosition(queuePosition)
                .withStarted(started)
                .withEnded(state.isFinal() ? endedAt : null);
    }
}
