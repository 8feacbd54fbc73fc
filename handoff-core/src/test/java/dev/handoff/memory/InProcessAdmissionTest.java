// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import dev.handoff.http.Problem;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.Refusal;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Which tasks the dispatcher takes, and which it refuses. */
class InProcessAdmissionTest extends InProcessFixture {

    @Test
    @DisplayName("when the executor rejects a task, it is refused and nothing is left of it")
    void rejected() {
        executor.capacity(0);
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);

        assertThat(Refusal.of(() -> dispatcher.dispatch(task)))
                .isEqualTo(new Problem(503, "overloaded", "No more tasks can be taken at the moment."));
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.cancel(task.id())).isFalse();
        assertThat(store.open(task.id()).last()).isEqualTo(EventStream.BEGINNING);
        assertThat(store.open(task.id()).end()).isEmpty();
    }

    @Test
    @DisplayName("R10 a retry of what was rejected is taken, and runs once")
    void retryAfterRejection() {
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        executor.capacity(0);
        Refusal.of(() -> dispatcher.dispatch(task));
        executor.capacity(1);
        assertThat(dispatcher.dispatch(task).state()).isEqualTo(TaskStatus.State.QUEUED);
        executor.runAll();
        assertThat(handled).containsExactly(task);
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("an executor that fails otherwise leaves nothing behind either")
    void brokenExecutor() {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        InProcessTaskDispatcher own = builder(command -> {
                    Throwable e = failure.get();
                    if (e != null) {
                        raise(e);
                    }
                    executor.execute(command);
                })
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        for (Throwable e : List.of(
                new OutOfMemoryError("a test of: unable to create native thread"),
                new IOException("a test of an executor in another language"))) {
            failure.set(e);
            FutureTask<Problem> refused = inThread(() -> Refusal.of(() -> own.dispatch(task)));
            await().atMost(Duration.ofSeconds(5)).until(refused::isDone);
            assertThat(refused).succeedsWithin(Duration.ZERO).returns(503, Problem::status);
            assertThat(own.status(task.id())).isEmpty();
        }
        failure.set(null);
        FutureTask<TaskStatus> retry = inThread(() -> own.dispatch(task));
        await().atMost(Duration.ofSeconds(5)).until(retry::isDone);
        executor.runAll();
        assertThat(handled).containsExactly(task);
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void raise(Throwable e) throws E {
        throw (E) e;
    }

    @Test
    @DisplayName("R10 a retry that comes while the first request is being rejected is refused, too")
    void duplicateOfRejected() throws Exception {
        CountDownLatch submitting = new CountDownLatch(1);
        CountDownLatch reject = new CountDownLatch(1);
        InProcessTaskDispatcher own = builder(command -> {
                    submitting.countDown();
                    awaitLatch(reject);
                    throw new RejectedExecutionException("full");
                })
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        FutureTask<Problem> first = new FutureTask<>(() -> Refusal.of(() -> own.dispatch(task)));
        FutureTask<Problem> second = new FutureTask<>(() -> Refusal.of(() -> own.dispatch(task)));
        new Thread(first).start();
        awaitLatch(submitting);
        Thread duplicate = new Thread(second);
        duplicate.start();
        await().until(() -> duplicate.getState() == Thread.State.WAITING);
        reject.countDown();

        assertThat(first.get(5, TimeUnit.SECONDS).status()).isEqualTo(503);
        assertThat(second.get(5, TimeUnit.SECONDS).status()).isEqualTo(503);
        assertThat(own.status(task.id())).isEmpty();
    }

    @Test
    @DisplayName("R10 a retry that comes while the first request is being taken is answered when that is settled")
    void duplicateOfAccepted() throws Exception {
        CountDownLatch submitting = new CountDownLatch(1);
        CountDownLatch accept = new CountDownLatch(1);
        InProcessTaskDispatcher own = builder(command -> {
                    submitting.countDown();
                    awaitLatch(accept);
                    executor.execute(command);
                })
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        FutureTask<TaskStatus> first = inThread(() -> own.dispatch(task));
        awaitLatch(submitting);
        FutureTask<TaskStatus> second = new FutureTask<>(() -> own.dispatch(task));
        Thread duplicate = new Thread(second);
        duplicate.start();
        await().until(() -> duplicate.getState() == Thread.State.WAITING);
        accept.countDown();

        assertThat(first.get(5, TimeUnit.SECONDS)).isEqualTo(second.get(5, TimeUnit.SECONDS));
        assertThat(executor.waiting()).isEqualTo(1);
    }

    @Test
    @DisplayName("R10 a key is compared with its first request also when the task has ended and its payload is gone")
    void keyReusedAfterTheEnd() {
        Task task = Task.of("work", "a").requestedBy("alice", "k1").withId(ID_OF_K1);
        dispatcher.dispatch(task);
        executor.runAll();
        assertThat(dispatcher.dispatch(task).state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(Refusal.of(() -> dispatcher.dispatch(
                                Task.of("work", "b").requestedBy("alice", "k1").withId(ID_OF_K1)))
                        .status())
                .isEqualTo(422);
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName("once its task and stream are forgotten, a key begins anew and well")
    void keyBeginsAnew() {
        // Store and dispatcher keep things equally long, as they do by default, and were swept at different moments.
        EventStore ownStore =
                InMemoryEventStore.builder().ticker(clock).retention(RETENTION).build();
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(ownStore, executor)
                .clock(clock)
                .ticker(clock)
                .retention(RETENTION)
                .handler("work", (task, output) -> output.emit("event"))
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        own.dispatch(task);
        executor.runAll();
        clock.tick(RETENTION.minusMillis(500));
        ownStore.open(Task.of("work", "").id());
        clock.tick(Duration.ofMillis(500));

        own.dispatch(task);
        executor.runAll();
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(ownStore.open(task.id()).end()).contains(End.completed(null));
    }

    @Test
    @DisplayName("R10 a store that cannot be asked refuses a key, leaves nothing of it, and nobody waits for ever")
    void keyWithoutStore() {
        EventStore away = new EventStore() {
            @Override
            public EventStream open(String streamId) {
                throw new IllegalStateException("a test of a store that is away");
            }

            @Override
            public EventAppender appender(String streamId, int epoch) {
                throw new IllegalStateException("a test of a store that is away");
            }
        };
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(away, executor)
                .clock(clock)
                .ticker(clock)
                .handler("work", (task, output) -> output.emit("event"))
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        for (int i = 0; i < 2; i++) {
            assertThat(Refusal.of(() -> own.dispatch(task)).status()).isEqualTo(503);
            assertThat(own.status(task.id())).isEmpty();
        }
    }

    @Test
    @DisplayName("R10 a key whose task is forgotten, but not its stream, is refused: what was asked cannot be compared")
    void keyOutlivedByItsStream() {
        EventStore ownStore = InMemoryEventStore.builder()
                .ticker(clock)
                .retention(RETENTION.multipliedBy(10))
                .build();
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(ownStore, executor)
                .clock(clock)
                .ticker(clock)
                .retention(RETENTION)
                .handler("work", (task, output) -> output.emit("event"))
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        own.dispatch(task);
        executor.runAll();
        clock.tick(RETENTION.plusSeconds(2));

        Task other = Task.of("work", "other").requestedBy("alice", "k1").withId(ID_OF_K1);
        Problem refusal = Refusal.of(() -> own.dispatch(other));
        assertThat(refusal.status()).isEqualTo(409);
        assertThat(refusal.code()).isEqualTo("idempotency_key_expired");
        assertThat(own.status(task.id())).isEmpty();
        assertThat(ownStore.open(task.id()).end()).contains(End.completed(null));
    }

    @Test
    @DisplayName("settings that make no sense are refused by name")
    void builderRefusals() {
        InProcessTaskDispatcher.Builder builder =
                InProcessTaskDispatcher.builder(store, executor).handler("work", (task, output) -> {});
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.handler("work", (task, output) -> {}))
                .withMessageContaining("work");
        for (Duration bad : List.of(Duration.ZERO, Duration.ofNanos(-1))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.retention(bad))
                    .withMessage("retention is not positive: " + bad);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.cancelUnattendedAfter(bad))
                    .withMessage("cancelUnattendedAfter is not positive: " + bad);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxPendingBytes(0))
                .withMessage("maxPendingBytes is not positive: 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxEndedBytes(-1))
                .withMessage("maxEndedBytes is not positive: -1");
    }
}
