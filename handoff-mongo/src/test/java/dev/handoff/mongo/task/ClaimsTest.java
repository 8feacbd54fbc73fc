// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.TcpProxy;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ClaimsTest extends WorkerFixture {

    @Test
    @DisplayName("at most maxRunning tasks run at the same time")
    void maxRunning() {
        Node node = new Node(mongo.database, threads(), UnaryOperator.identity(), w -> w.maxRunning(2));
        List<Task> tasks = List.of(dispatched(node), dispatched(node), dispatched(node), dispatched(node));
        node.running(tasks.get(0));
        node.running(tasks.get(1));
        clock.tick(Duration.ofSeconds(1));
        node.tick();
        assertThat(node.worker.running()).isEqualTo(2);
        assertThat(node.puppet.runs())
                .containsExactlyInAnyOrder(tasks.get(0).id(), tasks.get(1).id());
        assertThat(node.queue.status(tasks.get(3).id()).orElseThrow().queuePosition())
                .isEqualTo(1);
        node.puppet.complete();
        node.running(tasks.get(2));
        assertThat(node.puppet.runs()).hasSize(3);
        assertThat(node.worker.running()).isEqualTo(2);
    }

    @Test
    @DisplayName("a task whose run the executor rejects returns to the queue, and the worker continues later")
    void executorRefuses() {
        AtomicBoolean full = new AtomicBoolean(true);
        ExecutorService threads = threads();
        Executor picky = action -> {
            if (full.get()) {
                throw new RejectedExecutionException("full");
            }
            threads.execute(action);
        };
        Node node = new Node(mongo.database, picky, UnaryOperator.identity(), UnaryOperator.identity());
        Task task = dispatched(node);
        node.tick();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(node.worker.running()).isZero();
        full.set(false);
        clock.tick(Duration.ofSeconds(1));
        node.running(task);
        node.puppet.emit("one").complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.events(task)).extracting(Event::data).containsExactly("one");
    }

    @Test
    @DisplayName("a worker leaves tasks of types that it has no handler for")
    void otherTypes() {
        Node node = new Node();
        Task task = Task.of("other", "");
        node.queue.dispatch(task);
        node.tick();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("an Error does not stop the worker's timer, and the worker does not keep the claimed task")
    void errorInTick() {
        AtomicBoolean broken = new AtomicBoolean(true);
        ExecutorService threads = threads();
        Node node = new Node(
                mongo.database,
                job -> {
                    if (broken.get()) {
                        throw new OutOfMemoryError("no thread");
                    }
                    threads.execute(job);
                },
                UnaryOperator.identity(),
                UnaryOperator.identity());
        Task task = dispatched(node);
        node.tick();
        assertThat(node.worker.running()).isZero();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        broken.set(false);
        clock.tick(Duration.ofSeconds(1));
        node.running(task);
    }

    @Test
    @DisplayName("a tick throws nothing during an outage of the store, and the worker continues after it")
    void tickThrowsNothing() throws Exception {
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            Node node = new Node(mongo.connect(proxy), threads(), UnaryOperator.identity(), UnaryOperator.identity());
            proxy.goAway();
            node.tick();
            Task task = Task.of("puppet", "");
            new Node().queue.dispatch(task);
            proxy.comeBack();
            await().until(() -> {
                clock.tick(Duration.ofMillis(500));
                node.tick();
                return node.puppet.runs().contains(task.id());
            });
        }
    }

    @Test
    @DisplayName("R2 a result that is too large for a document fails the task at once")
    void resultTooLarge() {
        Node node = new Node(
                mongo.database,
                threads(),
                UnaryOperator.identity(),
                w -> w.handler("other", (task, output) -> output.complete("x".repeat(5 << 20))));
        Task task = Task.of("other", "work");
        node.queue.dispatch(task);
        node.tick();
        await().until(() -> node.state(task).isFinal());
        assertThat(node.end(task))
                .isInstanceOfSatisfying(
                        End.Failed.class,
                        failed -> assertThat(failed.problem().code()).isEqualTo("result_refused"));
    }

    @Test
    @DisplayName("the executor of the store is refused for jobs that wait for the store")
    void oneExecutorForAll() {
        ScheduledExecutorService one = owned(Executors.newSingleThreadScheduledExecutor());

        MongoEventStore store = MongoEventStore.builder(mongo.database, one).build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MongoTaskQueue.builder(mongo.database, store, one, List.of("puppet"))
                        .build())
                .withMessageContaining("executor");
    }
}
