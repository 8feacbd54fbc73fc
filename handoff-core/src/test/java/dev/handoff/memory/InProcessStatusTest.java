// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The status of a task, from the queue until it is forgotten. */
class InProcessStatusTest extends InProcessFixture {

    @Test
    @DisplayName("R15 the queue position is counted up to a thousand")
    void longQueue() {
        for (int i = 0; i < 1005; i++) {
            dispatched("a");
        }
        assertThat(status(dispatched("last")).queuePosition()).isEqualTo(1000).isEqualTo(TaskStatus.MAX_QUEUE_POSITION);
        executor.runNext();
        for (int i = 0; i < 6; i++) {
            executor.runNext();
        }
        assertThat(status(dispatched("later")).queuePosition()).isEqualTo(999);
    }

    @Test
    @DisplayName("the queue position counts the tasks that are to be started before")
    void queuePosition() {
        List<Task> tasks = List.of(dispatched("a"), dispatched("b"), dispatched("c"), dispatched("d"));
        assertThat(positions(tasks)).containsExactly(0, 1, 2, 3);
        executor.runNext();
        assertThat(positions(tasks)).containsExactly(0, 0, 1, 2);
        dispatcher.cancel(tasks.get(2).id());
        assertThat(positions(tasks)).containsExactly(0, 0, 0, 1);
        executor.runAll();
        assertThat(positions(tasks)).containsExactly(0, 0, 0, 0);
    }

    @Test
    @DisplayName("a retry does not change the queue, and says where the task stands")
    void queuePositionOfRetry() {
        dispatched("a");
        Task task = Task.of("work", "b").requestedBy("alice", "k1").withId(ID_OF_K1);
        assertThat(dispatcher.dispatch(task).queuePosition()).isEqualTo(1);
        assertThat(dispatcher.dispatch(task).queuePosition()).isEqualTo(1);
        assertThat(dispatcher.dispatch(Task.of("work", "c")).queuePosition()).isEqualTo(2);
        assertThat(executor.waiting()).isEqualTo(3);
    }

    @Test
    @DisplayName("the status has the times of the clock")
    void times() {
        work = (task, output) -> clock.tick(Duration.ofSeconds(7));
        Task task = dispatched("a");
        clock.tick(Duration.ofSeconds(5));
        assertThat(status(task))
                .isEqualTo(new TaskStatus(task.id(), null, "standard", TaskStatus.State.QUEUED, 0, start, null, null));
        executor.runAll();
        assertThat(status(task))
                .isEqualTo(new TaskStatus(
                        task.id(),
                        null,
                        "standard",
                        TaskStatus.State.COMPLETED,
                        0,
                        start,
                        start.plusSeconds(5),
                        start.plusSeconds(12)));
    }

    @Test
    @DisplayName("the status is kept for the retention time after the end, and then forgotten")
    void retention() {
        Task task = dispatched("a");
        executor.runAll();
        clock.tick(RETENTION.minusSeconds(1));
        assertThat(dispatcher.status(task.id())).isPresent();
        clock.tick(Duration.ofSeconds(1));
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.cancel(task.id())).isFalse();
    }

    @Test
    @DisplayName("a task that has not ended is never forgotten")
    void unendedIsKept() {
        Task task = dispatched("a");
        clock.tick(Duration.ofDays(10_000));
        assertThat(dispatcher.status(task.id())).isPresent();
        executor.runAll();
        assertThat(handled).containsExactly(task);
    }

    @Test
    @DisplayName("R15 a clock that is set changes neither retention nor which tasks are recent")
    void clockIsSet() {
        Task task = dispatched("a");
        clock.setClock(Duration.ofDays(-1));
        executor.runAll();
        clock.tickTicker(Duration.ofMinutes(1));
        clock.setClock(Duration.ofDays(3));
        assertThat(dispatcher.status(task.id())).isPresent();
        assertThat(dispatcher.latestLike(Task.of("work", "a"), Duration.ofMinutes(1)))
                .map(TaskStatus::taskId)
                .contains(task.id());
        clock.setClock(Duration.ofDays(-3));
        clock.tickTicker(RETENTION.minusMinutes(1));
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.latestLike(Task.of("work", "a"), RETENTION.multipliedBy(2)))
                .isEmpty();
    }
}
