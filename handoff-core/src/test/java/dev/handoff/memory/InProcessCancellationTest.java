// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Tasks that are cancelled by a call, or because their streams have no readers. */
class InProcessCancellationTest extends InProcessFixture {

    @Test
    @DisplayName("R9 a task that is cancelled in the queue never runs, and its stream ends at once")
    void cancelledInQueue() {
        Task task = dispatched("a");
        assertThat(dispatcher.cancel(task.id())).isTrue();
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(status(task).started()).isNull();
        assertThat(status(task).ended()).isEqualTo(start);
        executor.runAll();
        assertThat(handled).isEmpty();
        assertThat(status(task).started()).isNull();
        assertThat(store.open(task.id()).last()).isZero();
    }

    @Test
    @DisplayName("R9 an action that throws an Error does not keep the stream from its end")
    void cancelActionThrowsError() {
        Task task = dispatched("a");
        List<Boolean> others = new ArrayList<>();
        work = (t, output) -> {
            output.onCancel(() -> {
                throw new NoClassDefFoundError("a test of an action that throws an Error");
            });
            output.onCancel(() -> others.add(true));
            catchThrowable(() -> dispatcher.cancel(t.id()));
            others.add(store.open(t.id()).end().isPresent());
        };
        executor.runAll();
        assertThat(others).containsExactly(true, true);
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R16 a second request to cancel a task does not wait for its actions")
    void cancelsWhileActionBlocks() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        work = (task, output) -> {
            output.onCancel(() -> {
                blocked.countDown();
                awaitLatch(goOn);
            });
            dispatcher.cancel(task.id());
        };
        Task task = dispatched("a");
        FutureTask<Void> running = inThread(() -> {
            executor.runNext();
            return null;
        });
        awaitLatch(blocked);
        FutureTask<Boolean> second = inThread(() -> dispatcher.cancel(task.id()));
        try {
            assertThat(second.get(5, TimeUnit.SECONDS)).isTrue();
            assertThat(store.open(task.id()).end()).isEmpty();
        } finally {
            goOn.countDown();
        }
        running.get(5, TimeUnit.SECONDS);
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(dispatcher.cancel(task.id())).isTrue();
    }

    @Test
    @DisplayName("R9 a task is cancelled when nobody has read it for the time that the application chose")
    void unattended() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task read = Task.of("work", "read");
        Task left = Task.of("work", "left");
        own.dispatch(read);
        own.dispatch(left);

        pass(LIMIT.minusSeconds(1), own, read.id());
        assertThat(store.open(left.id()).end()).isEmpty();
        pass(Duration.ofSeconds(1), own);
        assertThat(end(left)).isEqualTo(End.cancelled());
        assertThat(own.status(left.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(store.open(read.id()).end()).isEmpty();

        pass(LIMIT.minusSeconds(2), own);
        assertThat(store.open(read.id()).end()).isEmpty();
        pass(Duration.ofSeconds(1), own);
        assertThat(end(read)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R9 a task in the background is not cancelled, even after a reader has come and gone")
    void background() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a").inBackground();
        own.dispatch(task);
        pass(LIMIT, own, task.id());
        pass(LIMIT.multipliedBy(3), own);
        assertThat(store.open(task.id()).end()).isEmpty();
        executor.runAll();
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R9 who is being read while the time is up is not cancelled, however long it takes")
    void reportsReaders() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        for (int i = 0; i < 100; i++) {
            clock.tick(LIMIT);
            own.reportReaders(List.of(task.id(), Task.of("work", "unknown").id()));
        }
        executor.runAll();
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R9 the handler of a running task learns that nobody reads it")
    void unattendedWhileRunning() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        AtomicBoolean told = new AtomicBoolean();
        work = (task, output) -> {
            output.onCancel(() -> told.set(true));
            pass(LIMIT, own);
        };
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        assertThat(told).isTrue();
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("what has ended is not touched when nobody reads it")
    void unattendedAfterTheEnd() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        TaskStatus ended = own.status(task.id()).orElseThrow();
        pass(LIMIT.plusSeconds(1), own);
        assertThat(own.status(task.id())).contains(ended);
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R9 by default leaving is not cancelling")
    void leavingIsNotCancelling() {
        Task task = dispatched("a");
        clock.tick(Duration.ofDays(1));
        dispatcher.reportReaders(List.of());
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("R9 a pause without reports of readers cancels nothing")
    void pauseIsNotAbsence() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        clock.tick(Duration.ofHours(1));
        own.reportReaders(List.of());
        assertThat(store.open(task.id()).end()).isEmpty();
        own.reportReaders(List.of(task.id()));
        clock.tick(Duration.ofDays(1));
        pass(LIMIT.minusSeconds(3), own);
        assertThat(store.open(task.id()).end()).isEmpty();
        pass(Duration.ofSeconds(2), own);
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R9 a pause cancels nothing, however short the limit is")
    void pauseWithShortLimit() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(Duration.ofSeconds(1)).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        clock.tick(Duration.ofHours(1));
        own.reportReaders(List.of());
        assertThat(store.open(task.id()).end()).isEmpty();
        clock.tick(Duration.ofSeconds(1));
        own.reportReaders(List.of());
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R16 an action that blocks keeps no other stream from being recorded or cancelled")
    void blockingCancelAction() throws Exception {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        work = (task, output) -> {
            output.onCancel(() -> {
                blocked.countDown();
                awaitLatch(goOn);
            });
            awaitLatch(done);
        };
        Task blocking = Task.of("work", "blocking");
        Task read = Task.of("work", "read");
        Task left = Task.of("work", "left");
        own.dispatch(blocking);
        FutureTask<Void> running = inThread(() -> {
            executor.runNext();
            return null;
        });
        await().until(() -> own.status(blocking.id()).orElseThrow().state() == TaskStatus.State.RUNNING);
        own.dispatch(read);
        pass(Duration.ofSeconds(2), own, read.id());
        own.dispatch(left);
        pass(LIMIT.minusSeconds(3), own, read.id());
        clock.tick(Duration.ofSeconds(1));
        FutureTask<Void> first = inThread(() -> {
            own.reportReaders(List.of(read.id()));
            return null;
        });
        awaitLatch(blocked);
        pass(LIMIT, own, read.id());
        assertThat(end(left)).isEqualTo(End.cancelled());
        assertThat(store.open(read.id()).end()).isEmpty();
        assertThat(store.open(blocking.id()).end()).isEmpty();
        assertThat(first).isNotDone();
        goOn.countDown();
        first.get(5, TimeUnit.SECONDS);
        assertThat(end(blocking)).isEqualTo(End.cancelled());
        done.countDown();
        running.get(5, TimeUnit.SECONDS);
    }
}
