// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.mongodb.client.model.Filters;
import dev.handoff.http.Problem;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import org.bson.Document;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class SweeperTest extends WorkerFixture {

    @Test
    @DisplayName(
            "R2 after a crash between the end of the stream and the state of the task, the state is set from the stream")
    void crashAfterEnd() {
        Node dead = new Node();
        Node other = new Node();
        List<End> ends = List.of(
                End.completed("{}"), End.failed(new Problem(500, "handler_failed", "It failed.")), End.cancelled());
        List<TaskStatus.State> states =
                List.of(TaskStatus.State.COMPLETED, TaskStatus.State.FAILED, TaskStatus.State.CANCELLED);
        for (int i = 0; i < ends.size(); i++) {
            Task task = dispatched(dead);
            int epoch = dead.queue
                    .database()
                    .claim(List.of("puppet"), "dead")
                    .orElseThrow()
                    .epoch();
            EventAppender appender = dead.store.appender(task.id(), epoch);
            appender.append(null, "all");
            appender.end(ends.get(i));
            assertThat(other.state(task)).isEqualTo(TaskStatus.State.RUNNING);
            leaseOver(other);
            assertThat(other.end(task)).isEqualTo(ends.get(i));
            assertThat(other.state(task)).isEqualTo(states.get(i));
            assertThat(other.stream(task).last()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("R11 the next sweeper takes a task over from a sweeper that died in the middle of it")
    void sweeperDies() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        // As the sweep does it: takes the task, writes a fence, and is gone.
        mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .updateOne(Filters.eq(task.id()), Document.parse("{$inc: {epoch: 1}, $set: {worker: 'sweeper'}}"));
        dead.store.appender(task.id(), 2);
        leaseOver(other);
        isWorkerLost(other.end(task));
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("four sweeps at the same time end a lost task once")
    void sweepsRace() throws Exception {
        Node dead = new Node();
        dead.queue.database().beat(dead.name);
        List<Node> others = List.of(new Node(), new Node(), new Node(), new Node());
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Task task = dispatched(dead);
            int epoch = dead.queue
                    .database()
                    .claim(List.of("puppet"), dead.name)
                    .orElseThrow()
                    .epoch();
            EventAppender appender = dead.store.appender(task.id(), epoch);
            appender.append(null, "one");
            appender.flush();
            tasks.add(task);
        }
        for (int i = 0; i < LEASE.toSeconds() - 1; i++) {
            others.forEach(node -> node.queue.sweep());
            clock.tick(Duration.ofSeconds(1));
        }
        assertThat(tasks).allSatisfy(t -> assertThat(dead.end(t)).isNull());
        clock.tick(Duration.ofSeconds(3));
        ExecutorService threads = threads();
        List<Future<?>> sweeps = new ArrayList<>();
        others.forEach(node -> sweeps.add(threads.submit(node.queue::sweep)));
        for (Future<?> sweep : sweeps) {
            sweep.get();
        }
        for (Task task : tasks) {
            isWorkerLost(dead.end(task));
            assertThat(dead.state(task)).isEqualTo(TaskStatus.State.FAILED);
            assertThat(mongo.database
                            .getCollection(MongoEventStore.COLLECTION)
                            .countDocuments(Filters.and(Filters.eq("stream", task.id()), Filters.exists("end"))))
                    .isEqualTo(1);
        }
    }

    @Test
    @DisplayName("R11 a sweep ends a task whose stream has lost its beginning, and continues")
    void lostBeginning() {
        Node dead = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        // Before the other begins, which has the same puppet.
        dead.emitted(task, "one");
        Task next = dispatched(dead);
        clock.tick(Duration.ofMillis(100));
        dead.running(next);
        mongo.database.getCollection(MongoEventStore.COLLECTION).deleteMany(Filters.eq("stream", task.id()));
        new Node().store.appender(task.id(), 7);
        mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .updateOne(Filters.eq("stream", task.id()), Document.parse("{$set: {seq: NumberLong(1)}}"));
        mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .updateOne(Filters.eq(task.id()), Document.parse("{$set: {epoch: 7}}"));
        Node other = new Node();
        sweepFor(LEASE.plusSeconds(3), other);
        isWorkerLost(other.end(task));
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
        assertThat(other.state(next)).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("R11 a streaming server sweeps when it reports which streams have readers")
    void streamingServerSweeps() {
        Node dead = new Node();
        Node streaming = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        for (int i = 0; i < LEASE.toSeconds() + 3; i++) {
            clock.tick(Duration.ofSeconds(1));
            streaming.queue.reportReaders(List.of());
        }
        await().until(() -> streaming.end(task) != null);
        isWorkerLost(streaming.end(task));
    }

    @Test
    @DisplayName(
            "R11 a streaming server with one call per second finds a dead worker within a lease and a sweep interval")
    void sweepsInTime() {
        Node dead = new Node();
        Node streaming = new Node(q -> q.sweepInterval(Duration.ofSeconds(2)));
        Task task = dispatched(dead);
        streaming.queue.reportReaders(List.of());
        dead.running(task);
        dead.emitted(task, "one");
        int seconds = 0;
        while (streaming.end(task) == null) {
            clock.tick(Duration.ofMillis(990));
            streaming.queue.reportReaders(List.of());
            seconds++;
            assertThat(seconds).isLessThanOrEqualTo(11);
        }
        assertThat(seconds).as("not before the lease is over").isGreaterThan(8);
        isWorkerLost(streaming.end(task));
    }

    @Test
    @DisplayName("the sweep deletes expired documents and keeps the others")
    void expires() {
        Node node = new Node();
        Task done = dispatched(node);
        node.running(done);
        node.puppet.emit("one").complete();
        await().until(() -> node.state(done) == TaskStatus.State.COMPLETED);
        clock.tick(Duration.ofMinutes(59));
        Task young = dispatched(node);
        node.queue.cancel(young.id());
        node.queue.sweep();
        assertThat(node.document(done)).isNotNull();
        assertThat(node.events(done)).hasSize(1);

        // Where there are TTL indexes, the sweep leaves them ten minutes.
        clock.tick(Duration.ofMinutes(72));
        node.queue.sweep();
        assertThat(node.document(done)).isNull();
        assertThat(mongo.database
                        .getCollection(MongoEventStore.COLLECTION)
                        .countDocuments(Filters.eq("stream", done.id())))
                .isZero();
        assertThat(node.document(young)).isNotNull();
    }

    @Test
    @DisplayName("R10 a queue that keeps tasks for a shorter time than their events is refused")
    void shortMemory() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Node(q -> q.retention(Duration.ofMinutes(59))))
                .withMessageContaining("PT59M");
        new Node(q -> q.retention(Duration.ofHours(2)));
    }

    @Test
    @DisplayName("R11 clocks of machines that are an hour ahead, an hour behind or set back and forth change nothing")
    void clocksDoNotMatter() {
        Node node = new Node();
        Node other = new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)));
        Task task = dispatched(node);
        node.running(task);
        node.emitted(task, "one");
        // The clock of the server, which is the only one: nothing in a process asks for the time of day.
        for (Duration step : List.of(Duration.ofHours(1), Duration.ofHours(-2), Duration.ofMinutes(30))) {
            clock.setClock(step);
            for (int i = 0; i < 2 * LEASE.toSeconds(); i++) {
                clock.tick(Duration.ofSeconds(1));
                node.tick();
                other.queue.reportReaders(List.of(task.id()));
            }
        }
        assertThat(other.end(task)).isNull();
        node.puppet.emit("two").complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.events(task)).extracting(Event::data).containsExactly("one", "two");
    }
}
