// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class AttendanceTest extends WorkerFixture {

    @Test
    @DisplayName("R9 a task without a reader is cancelled if that is configured, and a task with a reader is not")
    void unattended() {
        UnaryOperator<MongoTaskQueue.Builder> limited = q -> q.cancelUnattendedAfter(Duration.ofSeconds(30));
        Node worker = new Node(limited);
        Node streaming = new Node(limited);
        Task read = dispatched(worker);
        Task left = dispatched(worker);
        worker.running(read);
        worker.running(left);
        for (int i = 0; i < 20; i++) {
            clock.tick(Duration.ofSeconds(2));
            streaming.queue.reportReaders(List.of(read.id()));
            worker.tick();
            if (i < 14) {
                assertThat(worker.puppet.stopped()).isEmpty();
            }
        }
        await().until(() -> worker.puppet.stopped().contains(left.id()));
        await().until(() -> worker.end(left) != null);
        assertThat(worker.end(left)).isEqualTo(End.cancelled());
        assertThat(worker.end(read)).isNull();
        assertThat(worker.puppet.stopped()).containsExactly(left.id());
    }

    @Test
    @DisplayName("R9 a task in the background is not cancelled, even after a reader has come and gone")
    void background() {
        Node node = new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)));
        Task background = dispatched(node, Task.of("puppet", "work").inBackground());
        Task left = dispatched(node);
        node.running(background);
        node.running(left);
        for (int i = 0; i < 60; i++) {
            clock.tick(Duration.ofSeconds(2));
            node.queue.reportReaders(i < 3 ? List.of(background.id(), left.id()) : List.of());
            node.tick();
        }
        await().until(() -> node.puppet.stopped().contains(left.id()));
        assertThat(node.puppet.stopped()).containsExactly(left.id());
        assertThat(mongoTask(background)).doesNotContainKey("attended");
    }

    @Test
    @DisplayName("R9 a worker and a streaming server that share one queue cancel no task that is read")
    void attendedOnSharedQueue() {
        Node node = new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)));
        Task read = dispatched(node);
        Task alsoRead = dispatched(node);
        Task left = dispatched(node);
        for (Task task : List.of(read, alsoRead, left)) {
            node.running(task);
        }
        for (int i = 0; i < 120; i++) {
            clock.tick(Duration.ofSeconds(1));
            // The worker always comes first, and so takes every sweep.
            node.tick();
            // Two servers, of which the first comes first.
            node.queue.reportReaders(List.of(read.id()));
            node.queue.reportReaders(List.of(alsoRead.id()));
        }
        await().until(() -> node.puppet.stopped().contains(left.id()));
        assertThat(node.puppet.stopped()).containsExactly(left.id());
    }

    @Test
    @DisplayName("R9 tasks with readers are recorded every quarter of the limit, and never without a limit")
    void attendanceIsThrottled() {
        Commands commands = new Commands();
        Node node = new Node(
                mongo.connect(commands),
                threads(),
                q -> q.cancelUnattendedAfter(Duration.ofSeconds(40)),
                UnaryOperator.identity());
        Node unlimited =
                new Node(mongo.connect(commands), threads(), UnaryOperator.identity(), UnaryOperator.identity());
        Task task = dispatched(node);
        commands.clear();
        for (int i = 0; i < 100; i++) {
            node.queue.reportReaders(List.of(task.id()));
            unlimited.queue.reportReaders(List.of(task.id()));
            clock.tick(Duration.ofSeconds(1));
        }
        assertThat(commands.started("update")).hasSize(10);
    }

    @Test
    @DisplayName("R9 readers that could not be recorded are recorded by the next call")
    void attendanceIsRepeated() {
        Node node = new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(40)));
        Task task = dispatched(node);
        clock.tick(Duration.ofSeconds(5));
        node.fault = method -> {
            throw DatabaseException.unknown("a test of a store that is away", null);
        };
        node.queue.reportReaders(List.of(task.id()));
        node.fault = method -> {};
        assertThat(mongoTask(task).getDate("attended")).isBefore(Date.from(clock.instant()));
        node.queue.reportReaders(List.of(task.id()));
        assertThat(mongoTask(task).getDate("attended")).isEqualTo(Date.from(clock.instant()));
    }

    @Test
    @DisplayName("R9 if the executor rejects a record of readers, the next call records its own readers")
    void attendanceAfterRefusal() {
        AtomicBoolean full = new AtomicBoolean();
        Executor picky = action -> {
            if (full.get()) {
                throw new RejectedExecutionException("full");
            }
            action.run();
        };
        Node node = new Node(
                mongo.database,
                threads(),
                picky,
                q -> q.cancelUnattendedAfter(Duration.ofSeconds(40)),
                UnaryOperator.identity());
        Task left = dispatched(node);
        Task read = dispatched(node);
        clock.tick(Duration.ofSeconds(5));
        full.set(true);
        node.queue.reportReaders(List.of(left.id(), read.id()));
        full.set(false);
        node.queue.reportReaders(List.of(read.id()));
        Date now = Date.from(clock.instant());
        assertThat(mongoTask(read).getDate("attended")).isEqualTo(now);
        assertThat(mongoTask(left).getDate("attended")).isBefore(now);
    }

    @Test
    @DisplayName("R9 a task without a reader is not cancelled by default")
    void leavingIsNotCancelling() {
        Node worker = new Node();
        Task task = dispatched(worker);
        worker.running(task);
        for (int i = 0; i < 100; i++) {
            clock.tick(Duration.ofSeconds(3));
            worker.tick();
            worker.queue.reportReaders(List.of());
        }
        assertThat(worker.end(task)).isNull();
        assertThat(worker.puppet.stopped()).isEmpty();
    }

    @Test
    @DisplayName("R9 an outage of the store does not count as absence of readers")
    void unattendedAfterOutage() {
        Node node =
                new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)).sweepInterval(Duration.ofSeconds(2)));
        Task task = dispatched(node);
        node.queue.reportReaders(List.of(task.id()));
        clock.tick(Duration.ofSeconds(40));
        node.queue.sweep();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        for (int i = 0; i < 14; i++) {
            clock.tick(Duration.ofSeconds(2));
            node.queue.sweep();
            assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        }
        clock.tick(Duration.ofSeconds(2));
        node.queue.sweep();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.CANCELLED);
    }
}
