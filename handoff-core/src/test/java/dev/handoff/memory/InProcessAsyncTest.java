// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.Refusal;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Tasks whose work goes on without a thread. */
class InProcessAsyncTest extends InProcessFixture {

    private final CompletableFuture<Void> stage = new CompletableFuture<>();

    private void pendingWork() {
        work = TaskHandler.async((task, output) -> stage);
    }

    @Test
    @DisplayName("a pending task is running, its time of the end is that of its stage, and its thread is free")
    void pendingIsRunning() {
        pendingWork();
        Task task = dispatched("a");
        executor.runNext();
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.RUNNING);
        assertThat(status(task).started()).isEqualTo(start);
        stage.complete(null);
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.RUNNING);
        executor.runNext();
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(status(task).ended()).isEqualTo(start);
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName("R15 a pending task counts for the bound in bytes until it ends")
    void countsWhilePending() {
        pendingWork();
        InProcessTaskDispatcher own = builder(executor).maxPendingBytes(30_000).build();
        String payload = "x".repeat(10_000);
        own.dispatch(Task.of("work", payload));
        executor.runAll();
        assertThat(Refusal.of(() -> own.dispatch(Task.of("work", payload))).status())
                .isEqualTo(503);
        stage.complete(null);
        executor.runAll();
        own.dispatch(Task.of("work", payload));
    }

    @Test
    @DisplayName("R15 cancellation frees the bytes of a task whose stage never completes")
    void freedByCancellation() {
        pendingWork();
        InProcessTaskDispatcher own = builder(executor).maxPendingBytes(30_000).build();
        String payload = "x".repeat(10_000);
        for (int i = 0; i < 5; i++) {
            Task task = Task.of("work", payload);
            own.dispatch(task);
            executor.runAll();
            assertThat(own.cancel(task.id())).isTrue();
            assertThat(end(task)).isEqualTo(End.cancelled());
        }
    }

    @Test
    @DisplayName("R9 a pending task without readers is cancelled")
    void unattended() {
        pendingWork();
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        pass(LIMIT, own);
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.CANCELLED);
    }

    @Test
    @DisplayName("R8 close ends pending tasks with worker_lost and then runs their actions")
    void closed() {
        List<End> seen = new ArrayList<>();
        work = TaskHandler.async((task, output) -> {
            output.onCancel(() -> seen.add(end(task)));
            output.onCancel(() -> stage.complete(null));
            return stage;
        });
        Task task = dispatched("a");
        executor.runAll();
        dispatcher.close();
        assertThat(end(task)).isEqualTo(WORKER_LOST);
        assertThat(seen).containsExactly(WORKER_LOST);
        executor.runAll();
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.FAILED);
    }
}
