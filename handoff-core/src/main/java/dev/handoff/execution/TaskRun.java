// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import dev.handoff.check.Durations;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the handler of one task once, for implementations of {@link TaskDispatcher}. A run appends what the handler emits, and writes one
 * end of the stream.
 *
 * <p>A dispatcher calls {@link #start}. It may call {@link #run} instead, if it can give each task a thread until the work is done.
 *
 * <p>The first call that ends the run decides its end. The run tries to store this end up to three times at once. If the store refuses it
 * each time, a thread that waits for the end tries again, with pauses of up to one second, until the time for retries is over. The run
 * appends nothing meanwhile. The state becomes final when the end is stored or given up. From then on the run keeps no reference to the
 * task, the handler, the result or the appender.
 *
 * <p>Thread-safe. {@link #run} and {@link #start} block until the handler returns. If its work is then done, they also block until the
 * state is final. {@link #state} and {@link #isEndPending} never block. The other methods may block while the appender does.
 */
public final class TaskRun implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(TaskRun.class);
    private static final Duration RETRY_END_FOR = Duration.ofSeconds(30);

    private final String id;
    private final RunState run;
    /** The action that the executor runs when the run is over. Null unless the work continues after {@link #start} has returned. */
    private final AtomicReference<@Nullable Remainder> remainder = new AtomicReference<>();

    /** An action, and the executor that runs it. */
    private record Remainder(Executor executor, Runnable action) {}

    /** The outcome of the handler's work: the reason why it failed, or null. */
    private record Outcome(@Nullable Throwable failure) {

        /** Returns the outcome of a stage. A stage that depends on another one wraps the failure of that stage. */
        static Outcome ofStage(@Nullable Throwable failure) {
            Throwable cause = failure instanceof CompletionException ? failure.getCause() : null;
            return new Outcome(cause == null ? failure : cause);
        }
    }

    /**
     * Creates a run that has not begun. It tries for 30 seconds to store an end that was refused.
     *
     * @param appenders returns the writer of the stream. The run calls this when it first writes, and again only if the call threw
     */
    public TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders) {
        this(task, handler, appenders, RETRY_END_FOR);
    }

    /**
     * Creates a run that has not begun.
     *
     * @param appenders returns the writer of the stream. The run calls this when it first writes, and again only if the call threw
     * @param retryEndFor how long the run tries to store an end that was refused; zero if the appender retries by itself
     * @throws IllegalArgumentException if the time is negative
     */
    public TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders, Duration retryEndFor) {
        this(task, handler, appenders, retryEndFor, Ticker.system());
    }

    /**
     * Creates a run that has not begun. It tries for 30 seconds to store an end that was refused.
     *
     * @param ticker measures these 30 seconds
     * @param observer receives the start, the first event and the end of the run
     */
    public TaskRun(
            Task task,
            TaskHandler handler,
            Supplier<EventAppender> appenders,
            Ticker ticker,
            HandoffObserver observer) {
        this(task, handler, appenders, RETRY_END_FOR, ticker, new ReentrantLock(), observer);
    }

    TaskRun(Task task, TaskHandler handler, Supplier<EventAppender> appenders, Duration retryEndFor, Ticker ticker) {
        this(task, handler, appenders, retryEndFor, ticker, new ReentrantLock(), HandoffObserver.NONE);
    }

    /**
     * Creates a run that has not begun, for dispatchers that use another ticker and another lock than those of the JVM.
     *
     * @param appenders returns the writer of the stream. The run calls this when it first writes, and again only if the call threw
     * @param retryEndFor how long the run tries to store an end that was refused; zero if the appender retries by itself
     * @param lock a reentrant lock for this run alone
     * @param observer receives the start, the first event and the end of the run
     * @throws IllegalArgumentException if the time is negative
     */
    public TaskRun(
            Task task,
            TaskHandler handler,
            Supplier<EventAppender> appenders,
            Duration retryEndFor,
            Ticker ticker,
            Lock lock,
            HandoffObserver observer) {
        if (retryEndFor.isNegative()) {
            throw new IllegalArgumentException("retryEndFor is negative: " + retryEndFor);
        }
        this.id = task.id();
        this.run = new RunState(
                new RunState.Work(task, handler),
                new StreamWriter(
                        id,
                        appenders,
                        Durations.saturatedNanos(retryEndFor),
                        ticker,
                        new ObservedRun(GuardedObserver.of(observer), task.type(), ticker)),
                lock);
    }

    /**
     * Returns the state of the run. The state is final only after the end was stored or given up, or the run was
     * {@linkplain #release released}.
     */
    public TaskStatus.State state() {
        return run.state();
    }

    /** Returns whether the end of the run is decided and not yet stored or given up. */
    public boolean isEndPending() {
        return run.isEndPending();
    }

    /**
     * Calls the handler, waits until its work is done, and ends the stream. Does not call the handler if the run has begun or ended before.
     * If the handler leaves the thread interrupted, this first stores the end and then interrupts the thread again.
     *
     * @throws Error if the handler threw it; the stream has been ended then
     */
    @Override
    public void run() {
        RunState.Work begun = run.begin();
        Throwable thrown = null;
        if (begun != null) {
            try {
                begun.handler().handle(begun.task(), new RunOutput(run));
            } catch (Throwable e) {
                thrown = e;
            }
        }
        end(begun == null ? null : new Outcome(thrown), thrown instanceof InterruptedException, () -> {});
        if (thrown instanceof Error error) {
            throw error;
        }
    }

    /**
     * Does what {@link #run} does, but does not wait for an asynchronous handler. If the stage of the handler is pending, this returns at
     * once, and the executor ends the stream when the stage completes. If the stream ends before that, the completion of the stage changes
     * nothing.
     *
     * @param executor ends the stream and runs the action, if the stage is pending when this returns. If the executor rejects this job, the
     *     thread that completes the stage or ends the run does it
     * @param whenOver the action that runs once, when the handler has returned and the state is final. If the stage is not pending, it runs
     *     before this returns. It may block. The thread that runs it is not interrupted
     * @throws Error if the handler threw it; the stream has been ended then
     */
    public void start(Executor executor, Runnable whenOver) {
        RunState.Work begun = run.begin();
        CompletableFuture<Outcome> outcome = new CompletableFuture<>();
        Throwable thrown = null;
        if (begun != null) {
            try {
                CompletionStage<Void> stage = begun.handler().start(begun.task(), new RunOutput(run));
                Objects.requireNonNull(stage, "the handler returned no stage");
                stage.whenComplete((nothing, failure) -> outcome.complete(Outcome.ofStage(failure)));
            } catch (Throwable e) {
                thrown = e;
                outcome.complete(new Outcome(e));
            }
        }
        if (begun == null || outcome.isDone()) {
            end(begun == null ? null : outcome.join(), thrown instanceof InterruptedException, whenOver);
            if (thrown instanceof Error error) {
                throw error;
            }
            return;
        }
        remainder.set(new Remainder(executor, whenOver));
        outcome.thenAccept(late -> endOn(executor, late));
        finishIfOver();
    }

    /** Ends the stream on the executor, and then runs the action for a run that is over. */
    private void endOn(Executor executor, Outcome outcome) {
        if (state().isFinal()) {
            return;
        }
        try {
            executor.execute(() -> end(
                    outcome,
                    false,
                    () -> takeRemainderIfOver().ifPresent(rest -> rest.action().run())));
        } catch (Throwable e) {
            logger.debug("the executor rejected the end of task {}, ending the task in this thread", id, e);
            endAfter(outcome.failure);
            finishIfOver();
        }
    }

    /** Runs the action for a run that is over on the executor, if the state is final. */
    private void finishIfOver() {
        takeRemainderIfOver().ifPresent(rest -> {
            try {
                rest.executor().execute(rest.action());
            } catch (Throwable e) {
                logger.debug("the executor rejected the last action of task {}, running it in this thread", id, e);
                rest.action().run();
            }
        });
    }

    private Optional<Remainder> takeRemainderIfOver() {
        return state().isFinal() ? Optional.ofNullable(remainder.getAndSet(null)) : Optional.empty();
    }

    /**
     * Ends the stream after the work, waits until the end is stored or given up, and runs an action.
     *
     * @param outcome null if the run has ended before it began
     * @param interrupt whether to interrupt the thread afterwards in any case
     */
    private void end(@Nullable Outcome outcome, boolean interrupt, Runnable whenOver) {
        // The store may refuse to work in a thread that is interrupted.
        boolean interrupted = Thread.interrupted() || interrupt;
        try {
            if (outcome != null) {
                endAfter(outcome.failure);
            }
            interrupted |= run.awaitEnd();
        } finally {
            try {
                whenOver.run();
            } finally {
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    /** Ends the stream after the handler has done its work, or has failed. */
    private void endAfter(@Nullable Throwable thrown) {
        if (thrown == null) {
            run.complete();
            return;
        }
        if (thrown instanceof ProblemException e) {
            logger.debug("task {} failed", id, e);
            run.fail(e.problem());
            return;
        }
        if (run.isStopped()) {
            logger.debug("the handler of task {} threw an exception after it was stopped", id, thrown);
        } else {
            logger.error("the handler of task {} threw an exception", id, thrown);
        }
        run.fail(ProblemCode.HANDLER_FAILED.problem("The task failed."));
    }

    /**
     * Cancels the run: runs the actions of {@link TaskOutput#onCancel} and then ends the stream.
     *
     * @return true if the run was cancelled, by this call or before; false if it has completed or failed
     */
    public boolean cancel() {
        boolean cancelled = run.cancel();
        finishIfOver();
        return cancelled;
    }

    /**
     * Ends the stream with a problem, because the worker stops. The actions of {@link TaskOutput#onCancel} run after the end, because a
     * last event that they emit could make the stream look complete. Does nothing if the run has ended.
     */
    public void abandon(Problem problem) {
        run.abandon(problem);
        finishIfOver();
    }

    /**
     * Does the part of {@link #abandon} that runs no actions, and returns the rest for the caller to run. If another thread holds the lock
     * of the run, this does nothing, and the rest is the whole of {@link #abandon}. The rest may block as long as the actions of the
     * application do.
     */
    public Runnable beginAbandon(Problem problem) {
        Runnable rest = run.beginAbandon(problem);
        finishIfOver();
        return () -> {
            rest.run();
            finishIfOver();
        };
    }

    /**
     * Stops the handler and leaves the stream as it is, because another run now owns the stream or the task is to run again. The actions of
     * {@link TaskOutput#onCancel} run, but cannot emit. Does nothing if the state is final.
     */
    public void release() {
        run.release();
        finishIfOver();
    }

    /**
     * Releases the run if it has not opened the writer of the stream, so that the task can run again. Returns whether the run was released.
     */
    public boolean releaseIfUntouched() {
        boolean released = run.releaseIfUntouched();
        finishIfOver();
        return released;
    }

    /**
     * Tries once to store an end that was refused. Does nothing if there is no such end, or if another thread holds the lock of the run. A
     * dispatcher calls this for a run in which no thread waits for the end: the handler has not begun, or its work is not done.
     */
    public void retryEnd() {
        run.retryEnd();
        finishIfOver();
    }
}
