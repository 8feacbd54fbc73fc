// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tests the rules of {@link TaskDispatcher}. A dispatcher under test has a handler for tasks of the type {@code script} and can run at
 * least four tasks at a time.
 */
@Timeout(60)
public abstract class TaskDispatcherContract extends AsyncHandlerRules {

    @Test
    @DisplayName("the handler receives the task, and the events that it emits form the stream")
    void runsTasks() {
        Task task = Task.of("script", "a")
                .withAttributes(Map.of("trace", "7"))
                .withFormat("result")
                .requestedBy("alice", null);
        dispatcher.dispatch(task);
        script("a").emit(null, "one").emit("two", "2").complete("{\"sum\":3}");

        assertThat(endOf(task)).isEqualTo(End.completed("{\"sum\":3}"));
        assertThat(events(task)).containsExactly(new Event(0, null, "one"), new Event(1, "two", "2"));
        Task given = handled.get(0);
        assertThat(given.id()).isEqualTo(task.id());
        assertThat(given.type()).isEqualTo("script");
        assertThat(given.payload()).isEqualTo("a");
        assertThat(given.attributes()).isEqualTo(Map.of("trace", "7"));
        assertThat(given.subject()).isEqualTo("alice");
        assertThat(given.format()).isEqualTo("result");
    }

    @Test
    @DisplayName("the status follows the task from the queue to its end")
    void tellsStatus() {
        Task task = Task.of("script", "a").requestedBy("alice", null);
        assertThat(dispatcher.status(task.id())).isEmpty();
        TaskStatus accepted = dispatcher.dispatch(task);
        assertThat(accepted.taskId()).isEqualTo(task.id());
        assertThat(accepted.subject()).isEqualTo("alice");
        assertThat(accepted.format()).isEqualTo("standard");
        assertThat(accepted.ended()).isNull();
        await().until(() -> state(task) == TaskStatus.State.RUNNING);
        assertThat(dispatcher.status(task.id()).orElseThrow().started()).isNotNull();

        script("a").complete(null);
        await().until(() -> state(task) == TaskStatus.State.COMPLETED);
        TaskStatus ended = dispatcher.status(task.id()).orElseThrow();
        assertThat(ended.created()).isEqualTo(accepted.created());
        assertThat(ended.ended()).isNotNull();
        assertThat(ended.state().isFinal()).isTrue();
    }

    @Test
    @DisplayName("the end of a stream soon appears in the status, and the status never precedes the stream")
    void statusFollowsStream() {
        Task task = dispatched("a");
        script("a").complete(null);
        await().until(() -> state(task).isFinal());
        assertThat(store().open(task.id()).end()).isPresent();
    }

    @Test
    @DisplayName("a handler that throws ends its stream with an error that hides the exception")
    void handlerThrows() {
        Task task = dispatched("a");
        script("a").emit(null, "one").crash("a secret of the house");
        End.Failed end = (End.Failed) endOf(task);
        assertThat(end.problem().status()).isEqualTo(500);
        assertThat(end.problem().code()).isEqualTo("handler_failed");
        assertThat(end.problem().detail()).doesNotContain("secret");
        assertThat(events(task)).hasSize(1);
        await().until(() -> state(task) == TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("a handler that throws a problem ends its stream with that problem")
    void handlerThrowsProblem() {
        Task task = dispatched("a");
        Problem problem = new Problem(429, "slow_down", "Too many at a time.");
        script("a").fail(problem);
        assertThat(endOf(task)).isEqualTo(End.failed(problem));
    }

    @Test
    @DisplayName("a handler that throws an Error also ends its stream")
    void handlerThrowsError() {
        Task task = dispatched("a");
        script("a").then(output -> {
            throw new StackOverflowError("a test of an Error that a handler throws");
        });
        assertThat(endOf(task)).isInstanceOf(End.Failed.class);
    }

    @Test
    @DisplayName("R10 a task that is dispatched again is not run again")
    void dispatchedTwice() {
        Task task = keyed("a", "alice", "k1");
        Task retry = keyed("a", "alice", "k1").withAttributes(Map.of("trace", "other"));
        dispatcher.dispatch(task);
        dispatcher.dispatch(retry);
        script("a").complete(null);
        endOf(task);
        assertThat(dispatcher.dispatch(retry).taskId()).isEqualTo(task.id());
        assertThat(script("a").runs()).isEqualTo(1);
        assertThat(events(task)).isEmpty();
    }

    @Test
    @DisplayName("R10 accept follows the rules of dispatch: the task runs once, and a wrong key or type is refused")
    void accepts() {
        Task task = keyed("a", "alice", "k3");
        dispatcher.accept(task);
        dispatcher.accept(task);
        assertThat(dispatcher.status(task.id())).isPresent();
        script("a").complete(null);
        endOf(task);
        dispatcher.accept(task);
        assertThat(script("a").runs()).isEqualTo(1);
        assertThatThrownBy(() -> dispatcher.accept(keyed("b", "alice", "k3")))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().status()).isEqualTo(422));
        assertThatThrownBy(() -> dispatcher.accept(Task.of("nobody's", "a")))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().status()).isEqualTo(400));
    }

    @Test
    @DisplayName("R10 a key used for another task is refused and changes nothing")
    void keyReused() {
        dispatcher.dispatch(keyed("a", "alice", "k2"));
        assertThatThrownBy(() -> dispatcher.dispatch(keyed("b", "alice", "k2")))
                .isInstanceOfSatisfying(ProblemException.class, e -> {
                    assertThat(e.problem().status()).isEqualTo(422);
                    assertThat(e.problem().detail()).contains("k2");
                });
        Task bobs = keyed("b", "bob", "k2");
        dispatcher.dispatch(bobs);
        script("b").complete(null);
        endOf(bobs);
        assertThat(script("b").runs()).isEqualTo(1);
        script("a").complete(null);
    }

    @Test
    @DisplayName("R10 many concurrent dispatches of the same task run it once")
    void dispatchRace() throws Exception {
        for (int round = 0; round < 20; round++) {
            String name = "race " + round;
            int racers = 8;
            CyclicBarrier start = new CyclicBarrier(racers);
            List<Future<TaskStatus>> all = new ArrayList<>();
            for (int i = 0; i < racers; i++) {
                all.add(threads.submit(() -> {
                    start.await();
                    return dispatcher.dispatch(keyed(name, "alice", name));
                }));
            }
            for (Future<TaskStatus> one : all) {
                assertThat(one.get().taskId()).isEqualTo(all.get(0).get().taskId());
            }
            script(name).emit(null, "once").complete(null);
            Task task = keyed(name, "alice", name);
            endOf(task);
            assertThat(script(name).runs()).isEqualTo(1);
            assertThat(events(task)).hasSize(1);
        }
    }

    @Test
    @DisplayName("R9 a cancellation ends the stream and notifies the handler")
    void cancels() {
        Task task = dispatched("a");
        AtomicReference<Throwable> told = new AtomicReference<>();
        AtomicReference<Boolean> asked = new AtomicReference<>();
        CompletableFuture<Void> goOn = new CompletableFuture<>();
        script("a").emit(null, "one").then(output -> {
            goOn.join();
            asked.set(output.cancelled());
            try {
                output.emit(null, "late");
            } catch (CancellationException e) {
                told.set(e);
            }
        });
        await().until(() -> events(task).size() == 1);

        assertThat(dispatcher.cancel(task.id())).isTrue();
        assertThat(endOf(task)).isEqualTo(End.cancelled());
        goOn.complete(null);
        await().until(() -> told.get() != null);
        assertThat(asked).hasValue(true);
        assertThat(dispatcher.cancel(task.id())).isTrue();
        assertThat(events(task)).containsExactly(new Event(0, null, "one"));
        await().until(() -> state(task) == TaskStatus.State.CANCELLED);
    }

    @Test
    @DisplayName("R9 cancel actions run in order before the end, and may emit")
    void cancelActions() {
        Task task = dispatched("a");
        script("a").then(output -> {
            output.onCancel(() -> output.emit(null, "first of the last words"));
            output.onCancel(() -> {
                throw new IllegalStateException("a test of an action that throws");
            });
            output.onCancel(() -> output.emit(null, "last word " + output.cancelled()));
            output.emit(null, "ready");
        });
        await().until(() -> events(task).size() == 1);
        dispatcher.cancel(task.id());
        assertThat(endOf(task)).isEqualTo(End.cancelled());
        assertThat(events(task))
                .extracting(Event::data)
                .containsExactly("ready", "first of the last words", "last word true");
    }

    @Test
    @DisplayName("R9 a cancel action that is registered after the cancellation runs at once")
    void lateCancelAction() {
        Task task = dispatched("a");
        CompletableFuture<Void> goOn = new CompletableFuture<>();
        CompletableFuture<Boolean> ran = new CompletableFuture<>();
        script("a").emit(null, "ready").then(output -> {
            goOn.join();
            output.onCancel(() -> ran.complete(true));
        });
        await().until(() -> events(task).size() == 1);
        dispatcher.cancel(task.id());
        endOf(task);
        goOn.complete(null);
        assertThat(ran.join()).isTrue();
    }

    @Test
    @DisplayName("R9 a task that has ended or is unknown is not cancelled")
    void nothingToCancel() {
        Task task = dispatched("a");
        script("a").complete(null);
        await().until(() -> state(task).isFinal());
        assertThat(dispatcher.cancel(task.id())).isFalse();
        assertThat(endOf(task)).isEqualTo(End.completed(null));
        assertThat(dispatcher.cancel(Task.of("script", "").id())).isFalse();
    }

    @Test
    @DisplayName("R16 a blocked cancel action delays only its own stream")
    void blockingCancelAction() throws Exception {
        Task blocking = dispatched("blocking");
        Task other = dispatched("other");
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        script("blocking")
                .then(output -> output.onCancel(() -> {
                    blocked.countDown();
                    awaitLatch(goOn);
                }))
                .emit(null, "ready");
        script("other").emit(null, "ready");
        await().until(() -> events(blocking).size() == 1 && events(other).size() == 1);
        Future<Boolean> cancelled = threads.submit(() -> dispatcher.cancel(blocking.id()));
        awaitLatch(blocked);

        Task done = dispatched("done");
        script("done").emit(null, "one").complete(null);
        assertThat(endOf(done)).isEqualTo(End.completed(null));
        dispatcher.cancel(other.id());
        assertThat(endOf(other)).isEqualTo(End.cancelled());
        assertThat(store().open(blocking.id()).end()).isEmpty();
        goOn.countDown();
        assertThat(endOf(blocking)).isEqualTo(End.cancelled());
        assertThat(cancelled.get(20, TimeUnit.SECONDS)).isTrue();
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @EnumSource(ThrowingStore.Fault.class)
    @DisplayName("R16 if a store throws at one task, that task ends and no other task is affected")
    void storeThrows(ThrowingStore.Fault fault) {
        ThrowingStore throwing = new ThrowingStore(store(), fault);
        TaskDispatcher started = start((task, output) -> script(task.payload()).handle(task, output), throwing);
        assumeTrue(started != null);
        TaskDispatcher own = Objects.requireNonNull(started);
        Task other = Task.of("script", "other");
        own.dispatch(other);
        script("other").emit(null, "one");
        await().until(() -> events(other).size() == 1);

        Task affected = Task.of("script", "affected");
        throwing.affect(affected.id());
        own.dispatch(affected);
        script("affected").emit(null, "one").complete(null);
        await().until(() -> own.status(affected.id()).orElseThrow().state().isFinal());
        assertThat(store().open(affected.id()).end()).isPresent();
        Task cancelled = Task.of("script", "cancelled");
        throwing.affect(cancelled.id());
        own.dispatch(cancelled);
        assertThat(own.cancel(cancelled.id())).isTrue();
        script("cancelled").complete(null);
        await().until(() -> own.status(cancelled.id()).orElseThrow().state().isFinal());
        assertThat(store().open(cancelled.id()).end()).contains(End.cancelled());

        script("other").emit(null, "two").complete("2");
        assertThat(endOf(other)).isEqualTo(End.completed("2"));
        assertThat(events(other)).hasSize(2);
        assertThat(throwing.thrown()).isPositive();
    }

    @Test
    @DisplayName("R2 a handler that leaves its thread interrupted ends its stream and affects no later task")
    void interruptedHandler() {
        for (int round = 0; round < 8; round++) {
            Task returning = dispatched("returning " + round);
            script("returning " + round).emit(null, "one").completeInterrupted(null);
            assertThat(endOf(returning)).isEqualTo(End.completed(null));
            Task throwing = dispatched("throwing " + round);
            Problem problem = new Problem(502, "upstream_failed", "The model did not answer.");
            script("throwing " + round).emit(null, "one").failInterrupted(problem);
            assertThat(endOf(throwing)).isEqualTo(End.failed(problem));
            // The limit is shorter than the time after which a sweep detects a lost worker.
            await().atMost(Duration.ofSeconds(5))
                    .until(() -> state(returning).isFinal() && state(throwing).isFinal());
            AtomicReference<Boolean> interrupted = new AtomicReference<>();
            Task next = dispatched("next " + round);
            script("next " + round)
                    .then(output -> interrupted.set(Thread.currentThread().isInterrupted()))
                    .emit(null, "one")
                    .complete(null);
            assertThat(endOf(next)).isEqualTo(End.completed(null));
            assertThat(interrupted).hasValue(false);
        }
    }

    @Test
    @DisplayName("a recent task of the same subject with the same type and payload is found")
    void latestLike() {
        assumeTrue(findsLatestLike());
        Duration hour = Duration.ofHours(1);
        String payload = "payload " + UUID.randomUUID();
        Task asked = Task.of("script", payload).requestedBy("alice", null);
        assertThat(dispatcher.latestLike(asked, hour)).isEmpty();
        Task first = Task.of("script", payload).requestedBy("alice", null);
        dispatcher.dispatch(first);
        assertThat(dispatcher.latestLike(asked, hour)).map(TaskStatus::taskId).contains(first.id());
        assertThat(dispatcher.latestLike(asked, hour)).map(TaskStatus::subject).contains("alice");

        // Waits for the next millisecond, because stored times may be rounded to milliseconds.
        Instant before = Instant.now();
        await().until(() -> Instant.now().isAfter(before.plusMillis(2)));
        Task second = Task.of("script", payload).requestedBy("alice", "key").withAttributes(Map.of("a", "b"));
        dispatcher.dispatch(second);
        assertThat(dispatcher.latestLike(asked, hour)).map(TaskStatus::taskId).contains(second.id());

        for (Task other : List.of(
                Task.of("script", payload).requestedBy("bob", null),
                Task.of("script", payload),
                Task.of("script", payload + ' ').requestedBy("alice", null),
                Task.of("other", payload).requestedBy("alice", null))) {
            assertThat(dispatcher.latestLike(other, hour)).isEmpty();
        }
        Task anonymous = Task.of("script", payload);
        dispatcher.dispatch(anonymous);
        assertThat(dispatcher.latestLike(Task.of("script", payload), hour))
                .map(TaskStatus::taskId)
                .contains(anonymous.id());
        assertThat(dispatcher.latestLike(asked, hour)).map(TaskStatus::taskId).contains(second.id());
        await().until(() -> dispatcher.latestLike(asked, Duration.ofMillis(20)).isEmpty());
        script(payload).complete(null);
        script(payload).complete(null);
        script(payload).complete(null);
        endOf(second);
        assertThat(dispatcher.latestLike(asked, hour)).map(TaskStatus::taskId).contains(second.id());
    }

    @Test
    @DisplayName("R2 a race of completion and cancellation leaves one end, and the status agrees with it")
    void cancelRace() throws Exception {
        for (int round = 0; round < 50; round++) {
            String name = "race " + round;
            Task task = dispatched(name);
            script(name).emit(null, "one");
            await().until(() -> events(task).size() == 1);
            Future<Boolean> cancelled = threads.submit(() -> dispatcher.cancel(task.id()));
            script(name).complete(null);
            End end = endOf(task);
            await().until(() -> state(task).isFinal());
            if (cancelsAtOnce() || end instanceof End.Cancelled) {
                assertThat(cancelled.get()).isEqualTo(end instanceof End.Cancelled);
            }
            assertThat(state(task))
                    .isEqualTo(end instanceof End.Cancelled ? TaskStatus.State.CANCELLED : TaskStatus.State.COMPLETED);
            assertThat(store().open(task.id()).last()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("R2 an emit after the handler has returned is refused")
    void emitAfterReturn() {
        AtomicReference<TaskOutput> kept = new AtomicReference<>();
        Task task = dispatched("a");
        script("a").then(kept::set).complete(null);
        endOf(task);
        await().until(() -> state(task).isFinal());
        assertThatThrownBy(() -> kept.get().emit(null, "late")).isInstanceOf(IllegalStateException.class);
        assertThat(events(task)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"completed", "cancelled", "failed", "interrupted", "error", "open", "a\nb", ""})
    @DisplayName("R14 a type that would forge an end or break a frame is refused and has no effect")
    void badTypes(String type) {
        AtomicReference<Throwable> refused = new AtomicReference<>();
        Task task = dispatched("a");
        script("a")
                .then(output -> {
                    try {
                        output.emit(type, "data");
                    } catch (IllegalArgumentException e) {
                        refused.set(e);
                    }
                })
                .emit("good", "data")
                .complete(null);
        endOf(task);
        assertThat(refused.get()).isNotNull();
        assertThat(events(task)).containsExactly(new Event(0, "good", "data"));
    }

    @Test
    @DisplayName("payload and result may be large and hold any text")
    void largeTexts() {
        String text = "0123456789\r\n\0\uD83D\uDE00ü".repeat(50_000);
        Task task = Task.of("script", text);
        script(text).complete(text);
        dispatcher.dispatch(task);
        assertThat(endOf(task)).isEqualTo(End.completed(text));
    }

    @Test
    @DisplayName("a task of a type without a handler is refused, and the error names the type")
    void unknownType() {
        assertThatThrownBy(() -> dispatcher.dispatch(Task.of("nobody's", "a")))
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("nobody's");
        assertThatIllegalArgumentException().isThrownBy(() -> store().open("nobody's"));
    }

    @Test
    @DisplayName("events emitted by two threads keep the order of each thread")
    void emitsFromThreads() {
        Task task = dispatched("a");
        script("a")
                .then(output -> {
                    CompletableFuture<Void> other =
                            CompletableFuture.runAsync(() -> emitNumbered(output, "x"), threads);
                    emitNumbered(output, "y");
                    other.join();
                })
                .complete(null);
        endOf(task);
        List<String> all = events(task).stream().map(Event::data).toList();
        for (String thread : List.of("x", "y")) {
            List<String> own = all.stream().filter(d -> d.startsWith(thread)).toList();
            assertThat(own).hasSize(200).isSortedAccordingTo((a, b) -> number(a) - number(b));
        }
    }

    private static void emitNumbered(TaskOutput output, String prefix) {
        for (int i = 0; i < 200; i++) {
            output.emit(prefix + i);
        }
    }

    private static int number(String data) {
        return Integer.parseInt(data.substring(1));
    }

    /** Returns a task whose id is derived from the subject and the key, like the id of a request's task. */
    private static Task keyed(String payload, String subject, String key) {
        String id = UUID.nameUUIDFromBytes((subject + '/' + key).getBytes(StandardCharsets.UTF_8))
                .toString()
                .replace("-", "");
        return Task.of("script", payload).requestedBy(subject, key).withId(id);
    }
}
