// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Updates;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(60)
class OwnedTasksTest extends WorkerFixture {

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger("dev.handoff.mongo.task");

    @BeforeEach
    void watchLog() {
        log.start();
        logger.setLevel(Level.INFO);
        logger.addAppender(log);
    }

    @AfterEach
    void leaveLog() {
        logger.detachAppender(log);
        logger.setLevel(null);
    }

    @Test
    @DisplayName(
            "R11 a task whose claim was applied but not answered is queued again by its live worker, and then runs")
    void lostClaim() {
        Node node = new Node();
        node.lostAnswer = TaskFaults.once("claim");
        Task task = dispatched(node);
        await().until(() -> {
            clock.tick(Duration.ofMillis(100));
            node.tick();
            return node.puppet.runs().contains(task.id());
        });
        node.puppet.emit("one").complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.events(task)).extracting(Event::data).containsExactly("one");
        assertThat(node.document(task).getInteger("attempts")).isEqualTo(2);
        assertThat(node.puppet.runs()).hasSize(1);
    }

    @Test
    @DisplayName("R2 a live worker later records the end of a task that it could not record at first")
    void lostFinish() {
        Node node = new Node();
        Task task = dispatched(node);
        node.running(task);
        node.fault = TaskFaults.once("finish");
        node.puppet.emit("one").complete();
        await().until(() -> node.worker.running() == 0);
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.RUNNING);
        await().until(() -> {
            clock.tick(Duration.ofMillis(100));
            node.tick();
            return node.state(task) == TaskStatus.State.COMPLETED;
        });
        assertThat(node.end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("a task that completes while its worker compares its tasks does not count as taken by another worker")
    void looksDuringCompletion() {
        Node node = new Node();
        Task task = dispatched(node);
        node.running(task);
        AtomicInteger looks = new AtomicInteger();
        node.lostAnswer = method -> {
            if (method.equals("finish")) {
                // The task is final in the database, and the worker still has it.
                clock.tick(Duration.ofMillis(300));
                node.tick();
            } else if (method.equals("runningOf")) {
                looks.incrementAndGet();
            }
        };
        node.puppet.emit("one").complete();
        await().until(() -> node.worker.running() == 0);
        assertThat(looks.get()).isPositive();
        assertThat(log.list).noneMatch(e -> e.getFormattedMessage().contains("taken"));
    }

    @Test
    @DisplayName("a task that ends while its worker compares its tasks is not taken over")
    void completionsAndLooks() {
        Node node = new Node(
                mongo.database,
                threads(),
                UnaryOperator.identity(),
                w -> w.handler("other", (task, output) -> output.emit("one")));
        for (int i = 0; i < 200; i++) {
            node.queue.dispatch(Task.of("other", "work " + i));
        }
        await().until(() -> {
            clock.tick(Duration.ofMillis(250));
            node.tick();
            return node.worker.running() == 0
                    && node.queue.database().runningOf(node.name, 1).isEmpty()
                    && node.queue.database().queueLengths(List.of("other"), 1).get("other") == 0;
        });
        assertThat(log.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .noneMatch(m -> m.contains("taken from") || m.contains("takes it over"));
    }

    @Test
    @DisplayName(
            "a worker stops its handlers if the database is away for its retry time, and the tasks run again later")
    void storeAway() {
        Node node =
                new Node(mongo.database, threads(), UnaryOperator.identity(), w -> w.retryFor(Duration.ofSeconds(30)));
        Task task = dispatched(node);
        node.running(task);
        node.fault = TaskFaults.always();
        pass(Duration.ofSeconds(29), node);
        assertThat(node.puppet.stopped()).isEmpty();
        pass(Duration.ofSeconds(3), node);
        assertThat(node.puppet.stopped()).containsExactly(task.id());
        assertThat(log.list)
                .filteredOn(e -> e.getFormattedMessage().contains("has not reached the database for PT30S"))
                .hasSize(1);
        node.fault = method -> {};
        await().until(() -> {
            clock.tick(Duration.ofMillis(100));
            node.tick();
            return node.puppet.runs().size() == 2;
        });
        // One for each run. The first one ends nothing.
        node.puppet.complete().complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName(
            "a read that shows an older state of a task, as of a new primary, does not stop its run, and a newer state does")
    void olderState() {
        Node node = new Node();
        Task task = dispatched(node);
        node.running(task);
        show(task, 0);
        for (int i = 0; i < 10; i++) {
            clock.tick(Duration.ofMillis(250));
            node.tick();
        }
        assertThat(node.puppet.stopped()).isEmpty();
        show(task, 2);
        await().until(() -> {
            clock.tick(Duration.ofMillis(250));
            node.tick();
            return node.puppet.stopped().contains(task.id());
        });
    }

    private void show(Task task, int epoch) {
        mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .updateOne(
                        Filters.eq(task.id()),
                        Updates.combine(Updates.set("worker", "another"), Updates.set("epoch", epoch)));
    }
}
