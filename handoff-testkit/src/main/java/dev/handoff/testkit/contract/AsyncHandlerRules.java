// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the rules of {@link TaskHandler#async} for every dispatcher. */
abstract class AsyncHandlerRules extends TaskDispatcherFixture {

    private static final int MORE_THAN_THREADS = 32;

    /** A task whose stage the test completes. */
    private final class Pending {

        final CompletableFuture<Void> stage = new CompletableFuture<>();
        final Task task;
        private final CompletableFuture<TaskOutput> output = new CompletableFuture<>();

        /**
         * Dispatches the task.
         *
         * @param onStart runs in the call that returns the stage
         */
        Pending(String name, Consumer<TaskOutput> onStart) {
            functions.put(name, (given, out) -> {
                onStart.accept(out);
                output.complete(out);
                return stage;
            });
            task = dispatched(name);
        }

        Pending(String name) {
            this(name, out -> {});
        }

        /** Waits until the task has been started, and returns its output. */
        TaskOutput output() {
            // This does not use orTimeout, because orTimeout starts a thread that stays.
            await().until(output::isDone);
            return output.join();
        }

        End end() {
            return endOf(task);
        }

        void awaitState(TaskStatus.State state) {
            await().until(() -> state(task) == state);
        }
    }

    @Test
    @DisplayName("tasks whose stages are pending are running and hold no threads")
    void asyncHoldsNoThread() {
        List<Pending> all = IntStream.range(0, MORE_THAN_THREADS)
                .mapToObj(i -> new Pending("pending " + i))
                .toList();
        all.forEach(one -> one.output().emit("from outside"));
        all.forEach(one -> assertThat(state(one.task)).isEqualTo(TaskStatus.State.RUNNING));
        Task blocking = dispatched("blocking");
        script("blocking").emit(null, "one").complete(null);
        assertThat(endOf(blocking)).isEqualTo(End.completed(null));
        for (Pending one : all) {
            one.stage.complete(null);
            assertThat(one.end()).isEqualTo(End.completed(null));
            assertThat(events(one.task)).containsExactly(new Event(0, null, "from outside"));
        }
        all.forEach(one -> one.awaitState(TaskStatus.State.COMPLETED));
    }

    @Test
    @DisplayName("events that several threads emit one after the other keep that order, and the last result counts")
    void asyncKeepsOrder() throws Exception {
        Pending work = new Pending("a", output -> output.emit("0"));
        for (int i = 1; i < 100; i++) {
            String data = String.valueOf(i);
            threads.submit(() -> work.output().emit(data)).get(20, TimeUnit.SECONDS);
        }
        work.output().complete("first");
        work.output().complete("last");
        work.stage.complete(null);
        assertThat(work.end()).isEqualTo(End.completed("last"));
        assertThat(events(work.task))
                .extracting(Event::data)
                .isEqualTo(IntStream.range(0, 100).mapToObj(String::valueOf).toList());
    }

    @Test
    @DisplayName("a stage that is complete when the handler returns it ends the stream")
    void asyncCompleteInsideTheCall() {
        Task task = dispatched("a", (given, output) -> {
            output.emit("one");
            output.complete("1");
            return CompletableFuture.completedFuture(null);
        });
        assertThat(endOf(task)).isEqualTo(End.completed("1"));
        await().until(() -> state(task) == TaskStatus.State.COMPLETED);
    }

    @Test
    @DisplayName("a stage that fails with a problem ends the stream with it")
    void asyncFailsWithProblem() {
        Problem problem = new Problem(429, "slow_down", "Too many at a time.");
        Pending work = new Pending("a");
        work.output().emit("one");
        work.stage.completeExceptionally(new ProblemException(problem));
        assertThat(work.end()).isEqualTo(End.failed(problem));
        work.awaitState(TaskStatus.State.FAILED);

        Task dependent = dispatched(
                "dependent",
                (given, output) -> CompletableFuture.failedFuture(new ProblemException(problem))
                        .thenRun(() -> {}));
        assertThat(endOf(dependent)).isEqualTo(End.failed(problem));
    }

    @ParameterizedTest
    @ValueSource(classes = {IllegalStateException.class, StackOverflowError.class})
    @DisplayName("R16 a stage that fails with another exception ends the stream with an error that hides the reason")
    void asyncFails(Class<? extends Throwable> type) throws Exception {
        Pending work = new Pending("a");
        work.output();
        work.stage.completeExceptionally(type.getConstructor(String.class).newInstance("a secret of the house"));
        isHandlerFailed(work.end());
        work.awaitState(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("R16 a function that throws, or returns null instead of a stage, ends the stream with an error")
    void asyncFunctionFails() {
        isHandlerFailed(endOf(dispatched("exception", (given, output) -> {
            throw new IllegalStateException("a test of a function that throws");
        })));
        isHandlerFailed(endOf(dispatched("error", (given, output) -> {
            throw new StackOverflowError("a test of a function that throws an Error");
        })));
        isHandlerFailed(endOf(dispatched("null", (given, output) -> noStage())));
    }

    @SuppressWarnings("NullAway")
    private static CompletionStage<Void> noStage() {
        return null;
    }

    private static void isHandlerFailed(End end) {
        assertThat(end).isInstanceOfSatisfying(End.Failed.class, failed -> {
            assertThat(failed.problem().code()).isEqualTo("handler_failed");
            assertThat(failed.problem().detail()).doesNotContain("secret");
        });
    }

    @Test
    @DisplayName("R9 cancellation runs the actions and ends a task whose stage never completes")
    void asyncCancelled() {
        Pending work = new Pending("a", output -> output.onCancel(() -> output.emit("last word")));
        work.output().emit("one");
        assertThat(dispatcher.cancel(work.task.id())).isTrue();
        assertThat(work.end()).isEqualTo(End.cancelled());
        work.awaitState(TaskStatus.State.CANCELLED);
        assertThat(events(work.task)).extracting(Event::data).containsExactly("one", "last word");
        assertThat(work.output().cancelled()).isTrue();
        assertThatThrownBy(() -> work.output().emit("late")).isInstanceOf(CancellationException.class);
    }

    @Test
    @DisplayName("R2 a stage that completes after the end changes nothing")
    void asyncCompletesLate() {
        Pending completed = new Pending("completed");
        completed.output();
        dispatcher.cancel(completed.task.id());
        Pending failed = new Pending("failed");
        failed.output();
        dispatcher.cancel(failed.task.id());
        for (Pending work : List.of(completed, failed)) {
            assertThat(work.end()).isEqualTo(End.cancelled());
            work.awaitState(TaskStatus.State.CANCELLED);
        }
        completed.output().complete("late");
        completed.stage.complete(null);
        failed.stage.completeExceptionally(new IllegalStateException("a test of a stage that fails late"));
        // A later task that has ended shows that the dispatcher has seen both stages.
        assertThat(endOf(dispatched("next", (given, output) -> CompletableFuture.completedFuture(null))))
                .isEqualTo(End.completed(null));
        for (Pending work : List.of(completed, failed)) {
            assertThat(work.end()).isEqualTo(End.cancelled());
            assertThat(state(work.task)).isEqualTo(TaskStatus.State.CANCELLED);
            assertThat(store().open(work.task.id()).last()).isZero();
        }
    }

    @Test
    @DisplayName("R2 an action that completes or fails the stage does not change the cancellation")
    void asyncActionSettlesStage() {
        Pending completing = new Pending("completing");
        completing.output().onCancel(() -> completing.stage.complete(null));
        completing.output().onCancel(() -> completing.output().emit("last word"));
        Pending failing = new Pending("failing");
        failing.output().onCancel(() -> failing.stage.cancel(true));
        for (Pending work : List.of(completing, failing)) {
            dispatcher.cancel(work.task.id());
            assertThat(work.end()).isEqualTo(End.cancelled());
            work.awaitState(TaskStatus.State.CANCELLED);
        }
        assertThat(events(completing.task)).extracting(Event::data).containsExactly("last word");
    }

    @Test
    @DisplayName("R2 a race of the stage's completion and a cancellation leaves one end, and the status agrees with it")
    void asyncCancelRace() throws Exception {
        for (int round = 0; round < 50; round++) {
            Pending work = new Pending("race " + round);
            work.output().emit("one");
            Future<Boolean> cancelled = threads.submit(() -> dispatcher.cancel(work.task.id()));
            work.stage.complete(null);
            End end = work.end();
            await().until(() -> state(work.task).isFinal());
            if (cancelsAtOnce() || end instanceof End.Cancelled) {
                assertThat(cancelled.get(20, TimeUnit.SECONDS)).isEqualTo(end instanceof End.Cancelled);
            }
            assertThat(state(work.task))
                    .isEqualTo(end instanceof End.Cancelled ? TaskStatus.State.CANCELLED : TaskStatus.State.COMPLETED);
            assertThat(store().open(work.task.id()).last()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("R2 an emit after the end is refused")
    void asyncEmitAfterEnd() {
        Pending work = new Pending("a");
        work.output();
        work.stage.complete(null);
        work.end();
        work.awaitState(TaskStatus.State.COMPLETED);
        assertThatThrownBy(() -> work.output().emit("late")).isInstanceOf(IllegalStateException.class);
        assertThat(events(work.task)).isEmpty();
    }

    private Task dispatched(String name, BiFunction<Task, TaskOutput, CompletionStage<Void>> function) {
        functions.put(name, function);
        return dispatched(name);
    }
}
