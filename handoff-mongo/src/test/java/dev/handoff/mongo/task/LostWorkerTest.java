// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LostWorkerTest extends WorkerFixture {

    @Test
    @DisplayName(
            "R11 a worker that dies after it has emitted gives the stream one end, worker_lost, which every reader sees")
    void deadWorker() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        List<EventStream.Batch> seen = new ArrayList<>();
        EventStream watched = other.stream(task);
        try (EventStream.Watch ignored = watched.watch(() -> {})) {
            assertThat(watched.read(EventStream.BEGINNING, 10).events()).hasSize(1);

            pass(LEASE.minusSeconds(1), other);
            assertThat(other.end(task)).as("before the lease is over").isNull();
            pass(Duration.ofSeconds(4), other);
            isWorkerLost(other.end(task));
            await().until(() -> {
                EventStream.Batch batch = watched.read(0, 10);
                seen.add(batch);
                return batch.end() != null;
            });
        }
        isWorkerLost(seen.get(seen.size() - 1).end());
        isWorkerLost(dead.stream(task).read(EventStream.BEGINNING, 10).end());
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
        assertThat(other.document(task))
                .doesNotContainKeys("leaseUntil", "payload")
                .containsKeys("ended", "expireAt");
        long last = other.stream(task).last();

        leaseOver(other, dead);
        assertThat(other.stream(task).last()).as("there is one end").isEqualTo(last);
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("a sweeper deletes the beat of a lost worker when the worker has no more tasks")
    void forgetsTheLost() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        leaseOver(other);
        leaseOver(other);
        assertThat(beats()).containsExactly(other.name);
    }

    @Test
    @DisplayName("a worker that was suspended for longer than a lease claims nothing before its beat is known")
    void claimsAfterTheBeat() {
        Node node = new Node();
        node.tick();
        clock.tick(OVER);
        AtomicBoolean down = new AtomicBoolean(true);
        node.fault = method -> {
            if (down.get() && method.equals("beat")) {
                throw DatabaseException.unknown("a test of a beat that fails", null);
            }
        };
        Task task = dispatched(node);
        for (int i = 0; i < 10; i++) {
            clock.tick(Duration.ofMillis(200));
            node.tick();
        }
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        down.set(false);
        node.running(task);
    }

    @Test
    @DisplayName(
            "R3 R11 a suspended worker that wakes up after its task was ended changes nothing and gets an exception")
    void zombie() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        leaseOver(other);
        isWorkerLost(other.end(task));
        long last = other.stream(task).last();
        List<Event> events = other.events(task);

        dead.puppet.emitUntilTold();
        await().until(() -> dead.puppet.told() != null);
        assertThat(dead.puppet.told()).isInstanceOf(StaleWriterException.class);
        await().until(() -> dead.worker.running() == 0);
        assertThat(other.stream(task).last()).isEqualTo(last);
        assertThat(other.events(task)).isEqualTo(events);
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("R11 a worker whose task was taken stops the handler and appends nothing")
    void takenTask() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        leaseOver(other);
        long last = other.stream(task).last();

        dead.tick();
        await().until(() -> dead.puppet.stopped().contains(task.id()));
        dead.puppet.emitUntilTold();
        await().until(() -> dead.puppet.told() != null);
        assertThat(dead.puppet.told()).isInstanceOf(CancellationException.class);
        await().until(() -> dead.worker.running() == 0);
        assertThat(other.stream(task).last()).isEqualTo(last);
    }

    @Test
    @DisplayName("R11 another worker runs a task without events again, and the lost worker is fenced")
    void runsAgain() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        leaseOver(other);
        other.running(task);
        other.tick();
        assertThat(other.end(task)).isNull();
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.RUNNING);

        dead.puppet.emitUntilTold();
        await().until(() -> dead.puppet.told() != null);
        assertThat(dead.puppet.told()).isInstanceOf(StaleWriterException.class);
        await().until(() -> dead.worker.running() == 0);
        other.puppet.emit("mine").complete();
        await().until(() -> other.end(task) != null);
        assertThat(other.end(task)).isEqualTo(End.completed(null));
        assertThat(other.events(task)).extracting(Event::data).containsExactly("mine");
        await().until(() -> other.state(task) == TaskStatus.State.COMPLETED);
        leaseOver(other);
        dead.tick();
        assertThat(other.puppet.runs()).containsExactly(task.id());
        assertThat(dead.puppet.runs()).containsExactly(task.id());
    }

    @Test
    @DisplayName(
            "R3 a suspended worker whose handler returns without an event does not end the task that another worker runs")
    void zombieReturns() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        leaseOver(other);
        other.running(task);
        dead.puppet.complete();
        await().until(() -> dead.worker.running() == 0);
        assertThat(other.end(task)).isNull();
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.RUNNING);
        other.puppet.emit("mine").complete();
        await().until(() -> other.end(task) != null);
        assertThat(other.end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R11 a task that loses its worker in every attempt ends with worker_lost after the last")
    void attempts() {
        UnaryOperator<MongoTaskQueue.Builder> twice = q -> q.maxAttempts(2);
        Node first = new Node(twice);
        Node second = new Node(twice);
        Node third = new Node(twice);
        Task task = dispatched(first);
        first.running(task);
        leaseOver(second);
        second.running(task);
        leaseOver(third);
        isWorkerLost(third.end(task));
        assertThat(third.state(task)).isEqualTo(TaskStatus.State.FAILED);
        third.tick();
        assertThat(third.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R11 a worker that ticks keeps a long task over many leases")
    void renews() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        for (int i = 0; i < 40; i++) {
            clock.tick(LEASE.dividedBy(4));
            node.tick();
            other.tick();
        }
        assertThat(other.end(task)).isNull();
        assertThat(other.puppet.runs()).isEmpty();
        node.puppet.emit("late").complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.end(task)).isEqualTo(End.completed(null));
        assertThat(node.puppet.runs()).hasSize(1);
    }

    @Test
    @DisplayName("R11 a worker repeats a failed beat within a tenth of a second after the store is back")
    void renewalIsRepeated() {
        Node node = new Node();
        node.tick();
        AtomicBoolean down = new AtomicBoolean(true);
        node.fault = method -> {
            if (down.get()) {
                throw DatabaseException.unknown("a test of a store that is away", null);
            }
        };
        clock.tick(LEASE.dividedBy(3));
        node.tick();
        down.set(false);
        long before = node.beat();
        clock.tick(Duration.ofMillis(100));
        node.tick();
        assertThat(node.beat()).isGreaterThan(before);
    }
}
