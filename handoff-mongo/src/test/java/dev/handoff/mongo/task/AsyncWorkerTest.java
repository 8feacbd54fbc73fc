// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Workers whose handlers return stages. */
@Timeout(60)
class AsyncWorkerTest extends WorkerFixture {

    private final Map<String, TaskOutput> outputs = new ConcurrentHashMap<>();
    private final Map<String, CompletableFuture<Void>> stages = new ConcurrentHashMap<>();
    private final List<String> stopped = new CopyOnWriteArrayList<>();

    /** Returns a node that runs up to two tasks of the type {@code other} at a time. */
    private Node node(Executor handlers) {
        TaskHandler handler = TaskHandler.async((task, output) -> {
            output.onCancel(() -> stopped.add(task.id()));
            CompletableFuture<Void> stage = new CompletableFuture<>();
            stages.put(task.id(), stage);
            outputs.put(task.id(), output);
            return stage;
        });
        return new Node(
                mongo.database,
                handlers,
                UnaryOperator.identity(),
                w -> w.maxRunning(2).handler("other", handler));
    }

    private Node node() {
        return node(threads());
    }

    private static Task dispatchedTo(Node node) {
        await().until(() -> !node.worker.isClaiming());
        Task task = Task.of("other", "work");
        node.queue.dispatch(task);
        clock.tick(Duration.ofMillis(1));
        return task;
    }

    private void awaitStarted(Node node, Task task) {
        await().until(() -> {
            node.tick();
            clock.tick(Duration.ofMillis(5));
            return outputs.containsKey(task.id());
        });
        await().until(() -> !node.worker.isClaiming());
    }

    private void complete(Task task) {
        stages.get(task.id()).complete(null);
    }

    @Test
    @DisplayName("pending tasks hold no thread of the executor but count for maxRunning")
    void maxRunning() {
        Node node = node(owned(Executors.newSingleThreadExecutor()));
        List<Task> tasks = List.of(dispatchedTo(node), dispatchedTo(node), dispatchedTo(node));
        awaitStarted(node, tasks.get(0));
        awaitStarted(node, tasks.get(1));
        pass(Duration.ofSeconds(2), node);
        assertThat(node.worker.running()).isEqualTo(2);
        assertThat(node.state(tasks.get(2))).isEqualTo(TaskStatus.State.QUEUED);
        outputs.get(tasks.get(0).id()).emit("one");
        complete(tasks.get(0));
        awaitStarted(node, tasks.get(2));
        await().until(() -> node.state(tasks.get(0)) == TaskStatus.State.COMPLETED);
        assertThat(node.events(tasks.get(0))).extracting(Event::data).containsExactly("one");
        assertThat(node.worker.running()).isEqualTo(2);
    }

    @Test
    @DisplayName("R9 cancellation frees the place of a task whose stage never completes")
    void cancelled() {
        Node node = node();
        List<Task> tasks = List.of(dispatchedTo(node), dispatchedTo(node), dispatchedTo(node));
        awaitStarted(node, tasks.get(0));
        awaitStarted(node, tasks.get(1));
        node.queue.cancel(tasks.get(0).id());
        await().until(() -> {
            clock.tick(Duration.ofMillis(100));
            node.tick();
            return node.state(tasks.get(0)) == TaskStatus.State.CANCELLED;
        });
        assertThat(node.end(tasks.get(0))).isEqualTo(End.cancelled());
        assertThat(stopped).containsExactly(tasks.get(0).id());
        awaitStarted(node, tasks.get(2));
        complete(tasks.get(0));
        assertThat(node.worker.running()).isEqualTo(2);
    }

    @Test
    @DisplayName("a worker that stops waits for pending tasks")
    void stopWaits() throws Exception {
        Node node = node();
        Task task = dispatchedTo(node);
        awaitStarted(node, task);
        Future<Boolean> stop = threads().submit(() -> node.worker.stop(Duration.ofSeconds(30)));
        outputs.get(task.id()).emit("one");
        complete(task);
        assertThat(stop.get(20, TimeUnit.SECONDS)).isTrue();
        assertThat(node.end(task)).isEqualTo(End.completed(null));
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.COMPLETED);
    }

    @Test
    @DisplayName(
            "R11 a worker whose time is over requeues a pending task that has emitted nothing, and ends one that has")
    void stopTimeIsOver() {
        Node node = node();
        Task untouched = dispatchedTo(node);
        Task touched = dispatchedTo(node);
        awaitStarted(node, untouched);
        awaitStarted(node, touched);
        outputs.get(touched.id()).emit("one");
        assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
        isWorkerLost(node.end(touched));
        assertThat(node.state(touched)).isEqualTo(TaskStatus.State.FAILED);
        assertThat(node.state(untouched)).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(stopped).containsExactlyInAnyOrder(untouched.id(), touched.id());
        await().until(() -> node.worker.running() == 0);
        complete(untouched);
        assertThat(node.end(untouched)).isNull();
    }

    @Test
    @DisplayName("R11 a worker whose pending tasks were taken over stops them, and their stages change nothing")
    void lost() {
        Node lost = node();
        Node other = new Node();
        Task task = dispatchedTo(lost);
        awaitStarted(lost, task);
        TaskOutput output = outputs.get(task.id());
        output.emit("one");
        leaseOver(other);
        isWorkerLost(other.end(task));
        await().until(() -> {
            clock.tick(Duration.ofMillis(100));
            lost.tick();
            return lost.worker.running() == 0;
        });
        assertThat(stopped).containsExactly(task.id());
        assertThatThrownBy(() -> output.emit("late")).isInstanceOf(CancellationException.class);
        complete(task);
        isWorkerLost(other.end(task));
        assertThat(other.events(task)).extracting(Event::data).containsExactly("one");
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("R2 a live worker later records the end of a pending task that it could not record at first")
    void lostFinish() {
        Node node = node();
        Task task = dispatchedTo(node);
        awaitStarted(node, task);
        node.fault = TaskFaults.once("finish");
        complete(task);
        await().until(() -> node.worker.running() == 0);
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.RUNNING);
        await().until(() -> {
            clock.tick(Duration.ofMillis(100));
            node.tick();
            return node.state(task) == TaskStatus.State.COMPLETED;
        });
        assertThat(node.end(task)).isEqualTo(End.completed(null));
    }
}
