// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.event.CommandListener;
import com.mongodb.event.CommandSucceededEvent;
import dev.handoff.mongo.testing.TcpProxy;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WorkerStopTest extends WorkerFixture {

    @Test
    @DisplayName("a worker that stops waits for its running tasks and claims no more")
    void stops() throws Exception {
        Node node = new Node();
        Task task = dispatched(node);
        node.running(task);
        Future<Boolean> stop = threads().submit(() -> node.worker.stop(Duration.ofSeconds(30)));
        Task later = dispatched(node);
        node.puppet.emit("one").complete();
        assertThat(stop.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(node.end(task)).isEqualTo(End.completed(null));
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.COMPLETED);
        clock.tick(Duration.ofSeconds(1));
        node.tick();
        assertThat(node.state(later)).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(node.worker.running()).isZero();
    }

    @Test
    @DisplayName("a worker with nothing to do stops at once")
    void stopsIdle() {
        Node node = new Node();
        assertThat(node.worker.stop(Duration.ofSeconds(30))).isTrue();
    }

    @Test
    @DisplayName(
            "a worker that stops requeues a task that has emitted nothing when its time is over, and another worker runs it")
    void requeues() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
        assertThat(node.puppet.stopped()).contains(task.id());
        // A claim that was in flight may take the task once more, and the worker requeues it.
        await().until(() -> !node.worker.isClaiming() && other.state(task) == TaskStatus.State.QUEUED);
        other.running(task);
        node.puppet.emitUntilTold();
        await().until(() -> node.puppet.told() != null);
        assertThat(node.puppet.told()).isInstanceOf(CancellationException.class);
        other.puppet.emit("mine").complete();
        await().until(() -> other.state(task) == TaskStatus.State.COMPLETED);
        assertThat(other.events(task)).extracting(Event::data).containsExactly("mine");
    }

    @Test
    @DisplayName("R11 after its deadline a stopping worker ends a task with events with worker_lost")
    void endsTouched() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        node.emitted(task, "one");
        assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
        isWorkerLost(other.end(task));
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
        other.tick();
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName(
            "R11 a task that a stopping worker requeued has no failed attempt: it can still lose a worker as often as before")
    void handingBackIsNoAttempt() {
        UnaryOperator<MongoTaskQueue.Builder> twice = q -> q.maxAttempts(2);
        Node first = new Node(twice);
        Node second = new Node(twice);
        Node third = new Node(twice);
        Node fourth = new Node(twice);
        Task task = dispatched(first);
        first.running(task);
        first.worker.stop(Duration.ZERO);
        second.running(task);
        second.worker.stop(Duration.ZERO);
        third.running(task);
        leaseOver(fourth);
        assertThat(fourth.end(task)).isNull();
        fourth.running(task);
    }

    @Test
    @DisplayName("a worker that has stopped runs no task, even if a claim was in flight")
    void stopsWhileClaiming() {
        AtomicReference<@Nullable Node> stopping = new AtomicReference<>();
        AtomicReference<@Nullable Boolean> stopped = new AtomicReference<>();
        CommandListener listener = new CommandListener() {
            @Override
            public void commandSucceeded(CommandSucceededEvent event) {
                Node node = stopping.get();
                if (node != null && event.getCommandName().equals("findAndModify") && stopped.get() == null) {
                    // As if another thread did it between the claim and its answer.
                    Future<Boolean> stop = threads().submit(() -> node.worker.stop(Duration.ofMillis(200)));
                    try {
                        stopped.set(stop.get(5, TimeUnit.SECONDS));
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                }
            }
        };
        Node node = new Node(mongo.connect(listener), threads(), UnaryOperator.identity(), UnaryOperator.identity());
        Node other = new Node();
        Task task = dispatched(node);
        stopping.set(node);
        node.tick();
        await().until(() -> stopped.get() != null);
        await().until(() -> node.worker.running() == 0);
        assertThat(node.puppet.runs()).isEmpty();
        other.running(task);
    }

    @Test
    @DisplayName("a stop during an outage of the store takes the time of one task, for any number of tasks")
    void stopsWithoutStore() throws Exception {
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            Node node = new Node(
                    mongo.connect(proxy),
                    threads(),
                    threads(),
                    UnaryOperator.identity(),
                    w -> w.handler("other", (task, output) -> {
                        output.emit("one");
                        new CountDownLatch(1).await();
                    }));
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                Task task = Task.of("other", "work");
                node.queue.dispatch(task);
                tasks.add(task);
            }
            node.tick();
            await().until(() -> tasks.stream().allMatch(t -> node.stream(t).last() == 0));
            proxy.goAway();
            long before = System.nanoTime();
            assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
            // Each of them waits for two seconds by itself, one after the other for 24.
            assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(16));
            proxy.comeBack();
        }
    }
}
