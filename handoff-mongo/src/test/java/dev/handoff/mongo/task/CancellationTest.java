// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CancellationTest extends WorkerFixture {

    @Test
    @DisplayName(
            "R9 the cancellation of a running task reaches its handler a quarter of a second later, with the next comparison")
    void cancelsRunning() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        assertThat(other.queue.cancel(task.id())).isTrue();
        clock.tick(Duration.ofMillis(250));
        node.tick();
        await().until(() -> node.puppet.stopped().contains(task.id()));
        await().until(() -> node.end(task) != null);
        assertThat(node.end(task)).isEqualTo(End.cancelled());
        assertThat(other.queue.cancel(task.id())).isTrue();
        node.puppet.complete();
        await().until(() -> node.state(task) == TaskStatus.State.CANCELLED);
        assertThat(node.stream(task).last()).isZero();
    }

    @Test
    @DisplayName("R9 a cancellation reaches the handler even if all threads run tasks")
    void cancelsOnBusyThreads() {
        ExecutorService one = owned(Executors.newFixedThreadPool(1));

        Node node = new Node(mongo.database, one, UnaryOperator.identity(), w -> w.maxRunning(1));
        Task task = dispatched(node);
        node.running(task);
        node.queue.cancel(task.id());
        clock.tick(Duration.ofMillis(250));
        node.tick();
        await().atMost(Duration.ofSeconds(2)).until(() -> node.puppet.stopped().contains(task.id()));
    }

    @Test
    @DisplayName("R9 cancelling a queued task ends its stream at once, and the task never runs")
    void cancelsQueued() {
        Node node = new Node();
        Task task = dispatched(node);
        assertThat(node.queue.cancel(task.id())).isTrue();
        assertThat(node.end(task)).isEqualTo(End.cancelled());
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.CANCELLED);
        node.tick();
        assertThat(node.worker.running()).isZero();
        assertThat(node.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R9 a task that is marked for cancellation and loses its worker ends as cancelled")
    void cancelsLost() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        assertThat(other.queue.cancel(task.id())).isTrue();
        leaseOver(other);
        assertThat(other.end(task)).isEqualTo(End.cancelled());
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.CANCELLED);
    }

    @Test
    @DisplayName("R9 a task that was marked for cancellation before it was requeued does not run again")
    void cancelledAndHandedBack() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        other.queue.cancel(task.id());
        assertThat(node.worker.stop(Duration.ZERO)).isFalse();
        leaseOver(other);
        await().until(() -> other.end(task) != null);
        assertThat(other.end(task)).isEqualTo(End.cancelled());
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R16 a cancellation for which no thread could be started is submitted again")
    void cancellationIsRepeated() {
        AtomicBoolean full = new AtomicBoolean();
        Executor picky = action -> {
            if (full.get()) {
                throw new OutOfMemoryError("a test of: unable to create native thread");
            }
            action.run();
        };
        Predicate<Runnable> stops = action -> {
            if (!full.get()) {
                action.run();
            }
            return !full.get();
        };
        Node node = new Node(mongo.database, threads(), picky, UnaryOperator.identity(), w -> w.stops(stops));
        Task task = dispatched(node);
        node.running(task);
        node.queue.cancel(task.id());
        full.set(true);
        clock.tick(Duration.ofMillis(250));
        node.tick();
        node.queue.reportReaders(List.of());
        assertThat(node.end(task)).isNull();
        full.set(false);
        clock.tick(Duration.ofMillis(250));
        node.tick();
        assertThat(node.end(task)).isEqualTo(End.cancelled());
    }
}
