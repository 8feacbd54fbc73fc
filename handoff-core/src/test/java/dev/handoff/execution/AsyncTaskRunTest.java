// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.StepExecutor;
import dev.handoff.testing.TickingClock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs of handlers whose work goes on without a thread. */
@Timeout(30)
class AsyncTaskRunTest {

    private static final Problem STOPPED = new Problem(503, "worker_lost", "The worker was stopped.");
    private static final End HANDLER_FAILED = End.failed(new Problem(500, "handler_failed", "The task failed."));

    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final StepExecutor executor = new StepExecutor();
    private final Task task = Task.of("work", "payload");
    private final CompletableFuture<Void> stage = new CompletableFuture<>();
    private final List<String> done = new ArrayList<>();

    private TaskOutput output;

    private TaskRun run(TaskHandler handler) {
        return new TaskRun(task, handler, () -> store.appender(task.id(), 1));
    }

    private void start(TaskRun run) {
        run.start(executor, () -> done.add("over"));
    }

    /** Starts a run whose stage is pending, after an action on its output. */
    private TaskRun started(Consumer<TaskOutput> action) {
        TaskRun run = run(TaskHandler.async((given, output) -> {
            this.output = output;
            action.accept(output);
            return stage;
        }));
        start(run);
        return run;
    }

    private @Nullable End end() {
        return store.open(task.id()).end().orElse(null);
    }

    private List<String> events() {
        return store.open(task.id()).read(EventStream.BEGINNING, 100).events().stream()
                .map(Event::data)
                .toList();
    }

    @Test
    @DisplayName(
            "a run whose stage is pending is running without a thread, and the executor ends it when the stage completes")
    void pending() {
        TaskRun run = started(output -> output.emit("one"));
        assertThat(run.state()).isEqualTo(TaskStatus.State.RUNNING);
        output.emit("two");
        output.complete("7");
        assertThat(end()).isNull();
        stage.complete(null);
        assertThat(executor.waiting()).isEqualTo(1);
        assertThat(end())
                .as("the thread that completes the stage does not write")
                .isNull();
        assertThat(done).isEmpty();
        executor.runAll();
        assertThat(run.state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(end()).isEqualTo(End.completed("7"));
        assertThat(events()).containsExactly("one", "two");
        assertThat(done).containsExactly("over");
        assertThatThrownBy(() -> output.emit("late")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @DisplayName("a stage that is complete when the handler returns it ends the run in the same thread")
    void completeInsideTheCall() {
        TaskRun run = run(TaskHandler.async((given, output) -> {
            output.emit("one");
            return CompletableFuture.completedFuture(null);
        }));
        start(run);
        assertThat(end()).isEqualTo(End.completed(null));
        assertThat(done).containsExactly("over");
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName("a handler that blocks ends its run in the thread that starts it")
    void blockingHandler() {
        TaskRun run = run((given, output) -> output.emit("one"));
        start(run);
        assertThat(end()).isEqualTo(End.completed(null));
        assertThat(done).containsExactly("over");
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName(
            "a stage that fails with a problem ends the stream with it, also if it depends on the stage that failed")
    void failsWithProblem() {
        Problem problem = new Problem(429, "slow_down", "Too many at a time.");
        CompletableFuture<String> source = new CompletableFuture<>();
        start(run(TaskHandler.async((given, output) -> source.thenAccept(output::complete))));
        source.completeExceptionally(new ProblemException(problem));
        executor.runAll();
        assertThat(end()).isEqualTo(End.failed(problem));
        assertThat(done).containsExactly("over");
    }

    @Test
    @DisplayName("R16 a stage that fails with an exception or an Error ends the stream with handler_failed")
    void fails() {
        for (Throwable failure :
                List.of(new IllegalStateException("a secret"), new StackOverflowError("a test of an Error"))) {
            Task own = Task.of("work", "payload");
            CompletableFuture<Void> failing = new CompletableFuture<>();
            TaskRun run =
                    new TaskRun(own, TaskHandler.async((given, output) -> failing), () -> store.appender(own.id(), 1));
            start(run);
            failing.completeExceptionally(failure);
            executor.runAll();
            assertThat(store.open(own.id()).end()).contains(HANDLER_FAILED);
            assertThat(run.state()).isEqualTo(TaskStatus.State.FAILED);
        }
        assertThat(done).containsExactly("over", "over");
    }

    @Test
    @DisplayName("R16 a function that throws or returns null ends the stream, and an Error is thrown on")
    void functionFails() {
        start(run(TaskHandler.async((given, output) -> {
            throw new IllegalStateException("a test of a function that throws");
        })));
        assertThat(end()).isEqualTo(HANDLER_FAILED);

        Task second = Task.of("work", "payload");
        start(new TaskRun(
                second, TaskHandler.async((given, output) -> nothing()), () -> store.appender(second.id(), 1)));
        assertThat(store.open(second.id()).end()).contains(HANDLER_FAILED);

        Task third = Task.of("work", "payload");
        TaskRun fatal = new TaskRun(
                third,
                TaskHandler.async((given, output) -> {
                    throw new StackOverflowError("a test of an Error that a function throws");
                }),
                () -> store.appender(third.id(), 1));
        assertThatExceptionOfType(StackOverflowError.class).isThrownBy(() -> start(fatal));
        assertThat(store.open(third.id()).end()).contains(HANDLER_FAILED);
        assertThat(done).containsExactly("over", "over", "over");
    }

    @SuppressWarnings("NullAway")
    private static CompletionStage<Void> nothing() {
        return null;
    }

    @Test
    @DisplayName("R9 cancellation ends a run whose stage never completes, and runs its actions first")
    void cancelled() {
        TaskRun run = started(output -> output.onCancel(() -> output.emit("last word")));
        assertThat(run.cancel()).isTrue();
        assertThat(end()).isEqualTo(End.cancelled());
        assertThat(events()).containsExactly("last word");
        executor.runAll();
        assertThat(done).containsExactly("over");
        assertThat(output.cancelled()).isTrue();
        assertThatThrownBy(() -> output.emit("late")).isInstanceOf(CancellationException.class);

        stage.complete(null);
        executor.runAll();
        assertThat(end()).isEqualTo(End.cancelled());
        assertThat(run.state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(done).containsExactly("over");
    }

    @Test
    @DisplayName("R2 an action that completes the stage does not turn the cancellation into a completion")
    void actionCompletesStage() {
        TaskRun run = run(TaskHandler.async((given, output) -> {
            output.onCancel(() -> stage.complete(null));
            output.onCancel(() -> output.emit("last word"));
            return stage;
        }));
        run.start(Runnable::run, () -> done.add("over"));
        assertThat(run.cancel()).isTrue();
        assertThat(end()).isEqualTo(End.cancelled());
        assertThat(events()).containsExactly("last word");
        assertThat(run.state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(done).containsExactly("over");
    }

    @Test
    @DisplayName("R2 an action that fails the stage does not turn the cancellation into a failure")
    void actionFailsStage() {
        TaskRun run = run(TaskHandler.async((given, output) -> {
            output.onCancel(() -> stage.cancel(true));
            return stage;
        }));
        run.start(Runnable::run, () -> done.add("over"));
        assertThat(run.cancel()).isTrue();
        assertThat(end()).isEqualTo(End.cancelled());
        assertThat(done).containsExactly("over");
    }

    @Test
    @DisplayName("R11 a run that is abandoned or released is over, although its stage never completes")
    void abandonedAndReleased() {
        started(output -> {}).abandon(STOPPED);
        assertThat(end()).isEqualTo(End.failed(STOPPED));
        executor.runAll();
        assertThat(done).containsExactly("over");

        Task second = Task.of("work", "payload");
        TaskRun begun = new TaskRun(
                second,
                TaskHandler.async((given, output) -> new CompletableFuture<>()),
                () -> store.appender(second.id(), 1));
        start(begun);
        begun.beginAbandon(STOPPED).run();
        executor.runAll();
        assertThat(done).containsExactly("over", "over");

        for (Consumer<TaskRun> release : List.<Consumer<TaskRun>>of(TaskRun::release, TaskRun::releaseIfUntouched)) {
            Task own = Task.of("work", "payload");
            CompletableFuture<Void> late = new CompletableFuture<>();
            TaskRun run =
                    new TaskRun(own, TaskHandler.async((given, output) -> late), () -> store.appender(own.id(), 1));
            start(run);
            done.clear();
            release.accept(run);
            late.complete(null);
            executor.runAll();
            assertThat(done).containsExactly("over");
            assertThat(store.open(own.id()).end()).isEmpty();
        }
    }

    @Test
    @DisplayName("a run that ends while its handler starts is over when the handler has returned")
    void endsWhileStarting() {
        TaskRun[] self = new TaskRun[1];
        self[0] = run(TaskHandler.async((given, output) -> {
            self[0].cancel();
            assertThat(done).isEmpty();
            return stage;
        }));
        start(self[0]);
        executor.runAll();
        assertThat(done).containsExactly("over");
        assertThat(end()).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("a run that was cancelled before it began is over at once and does not call the handler")
    void cancelledBefore() {
        TaskRun run = run(TaskHandler.async((given, output) -> {
            done.add("begun");
            return stage;
        }));
        run.cancel();
        start(run);
        assertThat(done).containsExactly("over");
    }

    @Test
    @DisplayName("R16 if the executor refuses, the thread that completes the stage or cancels the run ends it")
    void executorRefuses() {
        TaskRun run = started(output -> {});
        executor.capacity(0);
        stage.complete(null);
        assertThat(end()).isEqualTo(End.completed(null));
        assertThat(run.state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(done).containsExactly("over");

        Task second = Task.of("work", "payload");
        TaskRun cancelled = new TaskRun(
                second,
                TaskHandler.async((given, output) -> new CompletableFuture<>()),
                () -> store.appender(second.id(), 1));
        start(cancelled);
        cancelled.cancel();
        assertThat(done).containsExactly("over", "over");
    }

    @Test
    @DisplayName("R2 a run is over only when the store has taken its end, which a retry brings about")
    void refusedEnd() {
        boolean[] refusing = {true};
        EventAppender appender = store.appender(task.id(), 1);
        EventAppender refused = new EventAppender() {
            @Override
            public long append(@Nullable String type, String data) {
                return appender.append(type, data);
            }

            @Override
            public void flush() {}

            @Override
            public void end(End end) {
                if (refusing[0]) {
                    throw new IllegalStateException("a test of a store that refuses an end");
                }
                appender.end(end);
            }
        };
        TaskRun run = new TaskRun(
                task,
                TaskHandler.async((given, output) -> stage),
                () -> refused,
                new TickingClock(),
                HandoffObserver.NONE);
        start(run);
        run.cancel();
        run.retryEnd();
        executor.runAll();
        assertThat(done).isEmpty();
        assertThat(run.isEndPending()).isTrue();
        refusing[0] = false;
        run.retryEnd();
        executor.runAll();
        assertThat(done).containsExactly("over");
        assertThat(end()).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R2 a thread that is interrupted writes the end and does what remains, and stays interrupted")
    void interrupted() {
        TaskRun run = run((given, output) -> Thread.currentThread().interrupt());
        run.start(
                executor,
                () -> done.add("interrupted: " + Thread.currentThread().isInterrupted()));
        assertThat(Thread.interrupted()).isTrue();
        assertThat(done).containsExactly("interrupted: false");
        assertThat(end()).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("run waits for the stage, and a cancellation ends the wait")
    void runWaits() throws Exception {
        TaskRun completing = run(TaskHandler.async((given, output) -> stage));
        Thread first = inThread(completing);
        await().until(() -> first.getState() == Thread.State.WAITING);
        assertThat(end()).isNull();
        stage.complete(null);
        first.join(20_000);
        assertThat(end()).isEqualTo(End.completed(null));

        Task endless = Task.of("work", "payload");
        TaskRun cancelled = new TaskRun(
                endless,
                TaskHandler.async((given, output) -> new CompletableFuture<>()),
                () -> store.appender(endless.id(), 1));
        Thread second = inThread(cancelled);
        await().until(() -> second.getState() == Thread.State.WAITING);
        assertThat(cancelled.cancel()).isTrue();
        second.join(20_000);
        assertThat(second.isAlive()).isFalse();
        assertThat(store.open(endless.id()).end()).contains(End.cancelled());

        Task third = Task.of("work", "payload");
        Problem problem = new Problem(429, "slow_down", "Too many at a time.");
        TaskRun failing = new TaskRun(
                third,
                TaskHandler.async((given, output) -> CompletableFuture.failedFuture(new ProblemException(problem))
                        .thenRun(() -> {})),
                () -> store.appender(third.id(), 1));
        failing.run();
        assertThat(store.open(third.id()).end()).contains(End.failed(problem));
    }

    private static Thread inThread(Runnable action) {
        Thread thread = new Thread(action);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }
}
