// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.http.ProblemException;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class HandlersTest {

    private static final Task RAIN = Task.of("report", "rain");

    /** Emits pages until it is cancelled. */
    private static final TaskHandler ENDLESS = (task, output) -> {
        for (int page = 1; ; page++) {
            output.emit("page", "page " + page);
        }
    };

    @Test
    @DisplayName("a handler that returns has its events, its result and a completed end")
    void completed() {
        Thread test = Thread.currentThread();
        AtomicBoolean inTest = new AtomicBoolean();
        TaskOutcome outcome = Handlers.run(
                (task, output) -> {
                    inTest.set(Thread.currentThread() == test);
                    output.emit("page", "about " + task.payload());
                    output.emit("");
                    output.complete("{\"pages\":1}");
                },
                RAIN);

        assertThat(outcome.events()).containsExactly(new Event(0, "page", "about rain"), new Event(1, null, ""));
        assertThat(outcome.result()).contains("{\"pages\":1}");
        assertThat(outcome.problem()).isEmpty();
        assertThat(outcome.thrown()).isNull();
        assertThat(inTest).isTrue();
    }

    @Test
    @DisplayName("a handler that throws fails, and the test sees the exception")
    void failed() {
        IOException thrown = new IOException("no paper");
        TaskOutcome outcome = Handlers.run(
                (task, output) -> {
                    output.emit("page", "1");
                    throw thrown;
                },
                RAIN);

        assertThat(outcome).hasData("1").failedWith("handler_failed").threw(IOException.class);
        assertThat(outcome.thrown()).isSameAs(thrown);
        assertThat(outcome.result()).isEmpty();
    }

    @Test
    @DisplayName("a problem that the handler throws is the end of the stream")
    void problem() {
        TaskOutcome outcome = Handlers.run(
                (task, output) -> {
                    throw new ProblemException(404, "no_such_city", "The city is not known.");
                },
                RAIN);

        assertThat(outcome).failedWith("no_such_city").threw(ProblemException.class);
        assertThat(outcome.problem().orElseThrow().detail()).isEqualTo("The city is not known.");
    }

    @Test
    @DisplayName("an assertion that fails in the handler fails the test")
    void error() {
        AssertionError failed = new AssertionError("expected rain");
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> Handlers.run(
                        (task, output) -> {
                            throw failed;
                        },
                        RAIN))
                .isSameAs(failed);
    }

    @Test
    @DisplayName("a handler that leaves its thread interrupted does not interrupt the test")
    void interrupted() {
        TaskOutcome outcome = Handlers.run(
                (task, output) -> {
                    Thread.currentThread().interrupt();
                    throw new InterruptedException();
                },
                RAIN);

        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(outcome).failedWith("handler_failed").threw(InterruptedException.class);
    }

    @Test
    @DisplayName("the outcome of an asynchronous handler is that of its stage")
    void async() {
        TaskHandler handler = TaskHandler.async((task, output) -> CompletableFuture.runAsync(() -> {
            output.emit("late");
            output.complete("done");
        }));
        assertThat(Handlers.run(handler, RAIN)).hasData("late").completedWith("done");
    }

    @Test
    @DisplayName("a stage that fails shows its cause, also if it depends on another stage")
    void asyncFailed() {
        TaskHandler handler = TaskHandler.async(
                (task, output) -> CompletableFuture.supplyAsync(() -> "page").thenAccept(page -> {
                    throw new IllegalStateException("no paper");
                }));
        TaskOutcome outcome = Handlers.run(handler, RAIN);

        assertThat(outcome).failedWith("handler_failed").threw(IllegalStateException.class);
    }

    @Test
    @DisplayName("a stage that stays pending fails the test, and its cancel actions run")
    void asyncPending() {
        CompletableFuture<Void> pending = new CompletableFuture<>();
        TaskHandler handler = TaskHandler.async((task, output) -> {
            output.onCancel(() -> pending.cancel(false));
            return pending;
        });
        HandlerRun run = new HandlerRun(handler, RAIN, Integer.MAX_VALUE);

        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> run.outcome(Duration.ofMillis(20)))
                .withMessageContaining("still pending");
        assertThat(pending).isCancelled();
    }

    @Test
    @DisplayName("a task that is cancelled after two events has exactly these and ends as cancelled")
    void cancelled() {
        TaskOutcome outcome = Handlers.runAndCancelAfter(2, ENDLESS, RAIN);

        assertThat(outcome).hasData("page 1", "page 2").wasCancelled().threw(CancellationException.class);
    }

    @Test
    @DisplayName("a cancelled handler sees it, its actions run in order, and they can emit a last event")
    void cancelActions() {
        List<String> calls = new ArrayList<>();
        TaskOutcome outcome = Handlers.runAndCancelAfter(
                1,
                (task, output) -> {
                    output.onCancel(() -> calls.add("first"));
                    output.onCancel(() -> output.emit("last", "stopped by the client"));
                    output.emit("page", "1");
                    calls.add("cancelled: " + output.cancelled());
                    output.onCancel(() -> calls.add("late"));
                    output.complete("too late");
                },
                RAIN);

        assertThat(outcome).hasData("1", "stopped by the client").wasCancelled();
        assertThat(outcome.thrown()).isNull();
        assertThat(calls).containsExactly("first", "cancelled: true", "late");
    }

    @Test
    @DisplayName("an asynchronous handler that is cancelled ends without its stage")
    void asyncCancelled() {
        CompletableFuture<Void> never = new CompletableFuture<>();
        TaskHandler handler = TaskHandler.async((task, output) -> {
            output.emit("started");
            return never;
        });

        assertThat(Handlers.runAndCancelAfter(1, handler, RAIN))
                .hasData("started")
                .wasCancelled();
        assertThat(never).isNotDone();
    }

    @Test
    @DisplayName("a handler that emits too few events is not cancelled")
    void tooFewEvents() {
        assertThat(Handlers.runAndCancelAfter(2, (task, output) -> output.emit("one"), RAIN))
                .completed();
        assertThatIllegalArgumentException().isThrownBy(() -> Handlers.runAndCancelAfter(0, ENDLESS, RAIN));
    }
}
