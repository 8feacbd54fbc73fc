// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.Handoff;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.testkit.TestRequest;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bson.BsonDocument;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class DispatchTest extends WorkerFixture {

    private static Task keyed(String payload) {
        return Task.of("puppet", payload).requestedBy("alice", "key").withId("0123456789abcdef0123456789abcdef");
    }

    private static void isProblem(ThrowingCallable call, int status, String code) {
        assertThatThrownBy(call).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.problem().status()).isEqualTo(status);
            assertThat(e.problem().code()).isEqualTo(code);
        });
    }

    @Test
    @DisplayName("a dispatch whose insert was applied but not answered succeeds, with one task")
    void lostAnswer() {
        Node node = new Node();
        for (Task task : List.of(keyed("a"), Task.of("puppet", "b"))) {
            node.lostAnswer = TaskFaults.once("insertTask");
            assertThat(node.queue.dispatch(task).taskId()).isEqualTo(task.id());
            assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        }
        assertThat(node.queue.database().queueLengths(List.of("puppet"), 10)).containsEntry("puppet", 2L);
    }

    @Test
    @DisplayName("a hand-off sends one command, two more if the task has a key, and none for the status")
    void commandsOfHandOff() {
        Commands commands = new Commands();
        Node node = new Node(mongo.connect(commands), threads(), UnaryOperator.identity(), UnaryOperator.identity());
        Handoff handoff = Handoff.builder(node.queue, node.store, TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E"))
                .build();
        // Before its first write a node checks the indexes, and asks the server for its time.
        dispatched(node);
        commands.clear();
        handoff.begin(TestRequest.post("/puppets", "a"), Task.of("puppet", "a"));
        assertThat(sent(commands)).containsExactly("insert");

        commands.clear();
        TestRequest keyed = TestRequest.post("/puppets", "b").withHeader("Idempotency-Key", "key");
        handoff.begin(keyed, Task.of("puppet", "b"));
        assertThat(sent(commands)).containsExactly("find", "find", "insert");

        commands.clear();
        node.queue.dispatch(Task.of("puppet", "c"));
        assertThat(sent(commands)).containsExactly("insert", "find", "aggregate");
    }

    private static List<String> sent(Commands commands) {
        return commands.started().stream().map(BsonDocument::getFirstKey).toList();
    }

    @Test
    @DisplayName("a dispatch whose insert did not arrive inserts again")
    void lostInsert() {
        Node node = new Node();
        node.fault = TaskFaults.once("insertTask");
        Task task = dispatched(node);
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("a dispatch waits through an election that takes less than its retry time")
    void election() {
        Node node = new Node(q -> q.retryFor(Duration.ofSeconds(15)));
        AtomicInteger calls = new AtomicInteger();
        node.fault = method -> {
            if (calls.incrementAndGet() < 6) {
                clock.tick(Duration.ofSeconds(2));
                throw DatabaseException.unknown("a test of an election", null);
            }
        };
        assertThat(node.queue.dispatch(keyed("a")).state()).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName(
            "an accepted task whose insert was not answered is queued once, and an accept that never arrives fails with 503")
    void lostAccept() {
        Node node = new Node(q -> q.retryFor(Duration.ZERO));
        node.lostAnswer = TaskFaults.once("insertTask");
        Task task = Task.of("puppet", "a");
        node.queue.accept(task);
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        node.fault = TaskFaults.always("insertTask", "task");
        isProblem(() -> node.queue.accept(Task.of("puppet", "b")), 503, "store_unreachable");
    }

    @Test
    @DisplayName("after a task is inserted, no failure makes its dispatch fail")
    void inserted() {
        Node node = new Node();
        node.fault = TaskFaults.always("task", "queuedBefore");
        Task task = Task.of("puppet", "a");
        assertThat(node.queue.dispatch(task).state()).isEqualTo(TaskStatus.State.QUEUED);
        node.fault = method -> {};
        assertThat(node.queue.status(task.id())).isPresent();
    }

    @Test
    @DisplayName("R10 a dispatch with an unknown outcome answers 503, and a repetition joins the task")
    void neverAnswered() {
        Node node = new Node(q -> q.retryFor(Duration.ZERO));
        node.lostAnswer = TaskFaults.always("insertTask");
        AtomicInteger lookups = new AtomicInteger();
        node.fault = method -> {
            if (method.equals("task") && lookups.incrementAndGet() > 1) {
                throw DatabaseException.unknown("a test of an outage", null);
            }
        };
        isProblem(() -> node.queue.dispatch(keyed("a")), 503, "store_unreachable");
        node.fault = method -> {};
        node.lostAnswer = method -> {};
        assertThat(node.queue.dispatch(keyed("a")).taskId())
                .isEqualTo(keyed("a").id());
        assertThat(node.queue.database().queueLengths(List.of("puppet"), 10)).containsEntry("puppet", 1L);
    }

    @Test
    @DisplayName("a duplicate that no majority has yet causes a wait, not an error")
    void invisibleDuplicate() {
        Node node = new Node();
        Task task = dispatched(node);
        // The reads say that it is not there for as long as the lookup of the caller fails.
        List<String> calls = new ArrayList<>();
        node.fault = method -> {
            calls.add(method);
            if (method.equals("task") && calls.size() < 6) {
                throw DatabaseException.unknown("a test of a read that does not see it", null);
            }
        };
        assertThat(node.queue.dispatch(task).taskId()).isEqualTo(task.id());
    }

    @Test
    @DisplayName("a keyed task is looked up before it is inserted")
    void looksUpFirst() {
        Node node = new Node();
        node.queue.dispatch(keyed("a"));
        List<String> calls = new ArrayList<>();
        node.fault = calls::add;
        node.queue.dispatch(keyed("a"));
        assertThat(calls).contains("task").doesNotContain("insertTask");
        isProblem(() -> node.queue.dispatch(keyed("b")), 422, "idempotency_key_reused");
    }

    @Test
    @DisplayName(
            "R10 a key is refused if its task is no longer kept but its events are, and no client gets these events")
    void forgottenTask() {
        Node node = new Node();
        EventAppender appender = node.store.appender(keyed("a").id(), 1);
        appender.append(null, "the answer to question a");
        appender.end(End.completed(null));
        isProblem(() -> node.queue.dispatch(keyed("b")), 409, "idempotency_key_expired");
        assertThat(node.queue.status(keyed("b").id())).isEmpty();
    }

    @Test
    @DisplayName("a refused insert is not repeated")
    void refused() {
        Node node = new Node();
        AtomicInteger inserts = new AtomicInteger();
        node.fault = method -> {
            if (method.equals("insertTask")) {
                inserts.incrementAndGet();
                throw DatabaseException.refused("a test of a refusal", null);
            }
        };
        isProblem(() -> dispatched(node), 503, "store_unreachable");
        assertThat(inserts).hasValue(1);
    }

    @Test
    @DisplayName("status, cancel and the search for a similar task are repeated when an answer is lost")
    void otherCalls() {
        Node node = new Node();
        Task task = dispatched(node);
        node.lostAnswer = TaskFaults.once("task");
        assertThat(node.queue.status(task.id())).isPresent();
        node.lostAnswer = TaskFaults.once("latestLike");
        assertThat(node.queue.latestLike(task, Duration.ofMinutes(1))).isPresent();
        node.lostAnswer = TaskFaults.once("requestCancel");
        assertThat(node.queue.cancel(task.id())).isTrue();
        assertThat(node.end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R9 a queued task that was marked for cancellation, but could not be ended, is ended by a sweep")
    void cancelledLater() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.lostAnswer = TaskFaults.once("take");
        assertThat(node.queue.cancel(task.id())).isTrue();
        assertThat(node.end(task)).isNull();
        leaseOver(other);
        assertThat(other.end(task)).isEqualTo(End.cancelled());
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("a task that is queued for too long ends with 503 expired_in_queue")
    void expiresInQueue() {
        Node node = new Node(q -> q.maxQueueTime(Duration.ofMinutes(5)));
        Task task = Task.of("other", "nobody does this");
        node.queue.dispatch(task);
        clock.tick(Duration.ofMinutes(4));
        node.queue.sweep();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        clock.tick(Duration.ofMinutes(2));
        node.queue.sweep();
        assertThat(node.end(task)).isInstanceOfSatisfying(End.Failed.class, failed -> {
            assertThat(failed.problem().status()).isEqualTo(503);
            assertThat(failed.problem().code()).isEqualTo("expired_in_queue");
        });
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.FAILED);
    }
}
