// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.Refusal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What closing the dispatcher does to its tasks. */
class InProcessCloseTest extends InProcessFixture {

    @Test
    @DisplayName("close ends what is queued or running with worker_lost, and leaves what has ended as it is")
    void closes() {
        AtomicReference<Throwable> told = new AtomicReference<>();
        AtomicBoolean action = new AtomicBoolean();
        AtomicBoolean cancelled = new AtomicBoolean();
        Task done = dispatched("done");
        executor.runNext();
        Task running = dispatched("running");
        Task queued = dispatched("queued");
        work = (task, output) -> {
            output.onCancel(() -> action.set(true));
            output.emit("before");
            dispatcher.close();
            cancelled.set(output.cancelled());
            told.set(catchThrowable(() -> output.emit("after")));
        };
        executor.runNext();
        assertThat(action).isTrue();
        assertThat(cancelled).isTrue();
        assertThat(told.get()).isInstanceOf(CancellationException.class);
        executor.runAll();

        assertThat(handled).extracting(Task::payload).containsExactly("done", "running");
        assertThat(end(done)).isEqualTo(End.completed(null));
        assertThat(status(done).state()).isEqualTo(TaskStatus.State.COMPLETED);
        for (Task lost : List.of(running, queued)) {
            assertThat(end(lost)).isEqualTo(WORKER_LOST);
            assertThat(status(lost).state()).isEqualTo(TaskStatus.State.FAILED);
            assertThat(dispatcher.cancel(lost.id())).isFalse();
        }
        assertThat(store.open(running.id()).read(EventStream.BEGINNING, 10).events())
                .containsExactly(new Event(0, null, "before"));
    }

    @Test
    @DisplayName("a closed dispatcher takes no task, and closing it again does nothing")
    void closed() {
        Task before = dispatched("before");
        dispatcher.close();
        Task after = Task.of("work", "after");
        assertThat(Refusal.of(() -> dispatcher.dispatch(after)).status()).isEqualTo(503);
        assertThat(dispatcher.status(after.id())).isEmpty();
        assertThat(executor.waiting()).isEqualTo(1);
        dispatcher.close();
        assertThat(end(before)).isEqualTo(WORKER_LOST);
        assertThat(store.open(before.id()).last()).isZero();
    }

    @Test
    @DisplayName(
            "R8 what is done on cancellation when the worker is stopped comes after the end, and can add nothing to it")
    void actionsComeAfterTheEndOnClose() {
        AtomicReference<Throwable> told = new AtomicReference<>();
        AtomicReference<End> seen = new AtomicReference<>();
        Task task = dispatched("a");
        work = (t, output) -> {
            output.onCancel(() -> {
                seen.set(end(t));
                told.set(catchThrowable(() -> output.emit("a last word")));
                output.emit("another");
            });
            output.onCancel(() -> output.onCancel(() -> handled.add(t)));
            dispatcher.close();
        };
        executor.runAll();
        assertThat(seen).hasValue(WORKER_LOST);
        assertThat(told.get()).isInstanceOf(CancellationException.class);
        assertThat(handled).hasSize(2);
        assertThat(store.open(task.id()).last()).isZero();
        assertThat(log.list).noneMatch(e -> e.getLevel().isGreaterOrEqual(Level.WARN));
    }

    @Test
    @DisplayName("close ends every stream, also when the action of a task throws an Error")
    void closesAllThoughOneThrows() {
        List<Task> all = List.of(dispatched("a"), dispatched("b"), dispatched("c"), dispatched("d"));
        List<Boolean> endedByClose = new ArrayList<>();
        work = (task, output) -> {
            output.onCancel(() -> {
                throw new NoClassDefFoundError("a test of an application whose class loader is closed");
            });
            if (executor.waiting() > 0) {
                executor.runNext();
            } else {
                catchThrowable(dispatcher::close);
                all.forEach(t -> endedByClose.add(store.open(t.id()).end().isPresent()));
            }
        };
        executor.runNext();
        assertThat(handled).hasSize(4);
        assertThat(endedByClose).containsExactly(true, true, true, true);
    }

    @Test
    @DisplayName("R16 close ends every stream, also while an action blocks")
    void closesAllThoughOneBlocks() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch registered = new CountDownLatch(1);
        work = (task, output) -> {
            output.onCancel(() -> awaitLatch(goOn));
            registered.countDown();
            awaitLatch(goOn);
        };
        Task blocking = dispatched("blocking");
        List<Task> others = List.of(dispatched("a"), dispatched("b"), dispatched("c"), dispatched("d"));
        FutureTask<Void> running = inThread(() -> {
            executor.runNext();
            return null;
        });
        awaitLatch(registered);
        FutureTask<Void> closing = inThread(() -> {
            dispatcher.close();
            return null;
        });
        await().until(() ->
                others.stream().allMatch(t -> store.open(t.id()).end().isPresent()));
        assertThat(end(blocking)).isEqualTo(WORKER_LOST);
        assertThat(closing).isNotDone();
        goOn.countDown();
        closing.get(5, TimeUnit.SECONDS);
        running.get(5, TimeUnit.SECONDS);
    }
}
