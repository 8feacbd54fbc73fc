// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Workers with threads of their own, by the time of this machine. */
@Timeout(60)
class WorkerStartTest extends WorkerFixture {

    private final AtomicLong oldestLease = new AtomicLong();
    private final Set<String> observed = ConcurrentHashMap.newKeySet();

    private final HandoffObserver observer = new HandoffObserver() {
        @Override
        public void leaseAge(Duration age) {
            oldestLease.accumulateAndGet(age.toMillis(), Math::max);
        }

        @Override
        public void claimed(String type, Duration queued) {
            observed.add("claimed " + type);
            throw new IllegalStateException("a test of an observer that throws");
        }

        @Override
        public void queueLength(String type, long tasks) {
            observed.add("queueLength " + type);
        }

        @Override
        public void swept(int lost, Duration took) {
            observed.add("swept " + lost);
        }
    };

    private Node node(UnaryOperator<MongoTaskQueue.Builder> settings) {
        return new Node(
                mongo.database,
                threads(),
                owned(Executors.newCachedThreadPool()),
                q -> settings.apply(q.ticker(Ticker.system()).observer(observer)),
                w -> w.closeWithin(Duration.ofMillis(10)));
    }

    @Test
    @DisplayName(
            "a started worker runs tasks; closing it requeues or fails them and removes its lease, and a second close does nothing")
    void startAndClose() {
        Node node = node(UnaryOperator.identity());
        node.worker.start();
        assertThatIllegalStateException().isThrownBy(node.worker::start);
        Task done = dispatched(node);
        await().until(() -> node.puppet.runs().contains(done.id()));
        node.puppet.emit("one").complete();
        await().until(() -> node.state(done) == TaskStatus.State.COMPLETED);
        assertThat(node.events(done)).extracting(Event::data).containsExactly("one");
        Task open = dispatched(node);
        await().until(() -> node.puppet.runs().contains(open.id()));
        assertThat(beats()).containsExactly(node.name);
        node.worker.close();
        node.worker.close();
        assertThat(node.state(open)).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(beats()).isEmpty();
        assertThatIllegalStateException().isThrownBy(node.worker::start);
    }

    @Test
    @DisplayName("the observer gets values of claims, sweeps and queues, and its exceptions affect no task")
    void observer() {
        Node node = node(UnaryOperator.identity());
        node.worker.start();
        Task task = dispatched(node);
        await().until(() -> node.puppet.runs().contains(task.id()));
        await().until(() -> observed.contains("swept 0"));
        assertThat(observed).contains("claimed puppet", "queueLength puppet", "queueLength other", "swept 0");
        node.worker.close();
    }

    @Test
    @DisplayName("a worker starts without the database, and claims its first task when the database answers")
    void startsWithoutDatabase() {
        Node node = node(UnaryOperator.identity());
        AtomicInteger failures = new AtomicInteger();
        node.fault = method -> {
            failures.incrementAndGet();
            TaskFaults.always().call(method);
        };
        node.worker.start();
        await().until(() -> failures.get() > 3);
        Task task = Task.of("puppet", "work");
        new Node().queue.dispatch(task);
        node.fault = method -> {};
        await().until(() -> node.puppet.runs().contains(task.id()));
        node.worker.close();
    }

    @Test
    @DisplayName("a worker claims nothing in a database without the unique index, and starts when the index exists")
    void startsWithoutIndex() {
        Task task = dispatched(new Node());
        mongo.database.getCollection(MongoEventStore.COLLECTION).dropIndex("stream_1_seq_1");
        Node node = node(UnaryOperator.identity());
        AtomicInteger beats = new AtomicInteger();
        node.fault = method -> {
            assertThat(method).isNotEqualTo("claim");
            if (method.equals("beat")) {
                beats.incrementAndGet();
            }
        };
        node.worker.start();
        await().until(() -> beats.get() > 3);
        assertThat(node.puppet.runs()).isEmpty();
        node.fault = method -> {};
        MongoIndexes.create(mongo.database);
        await().until(() -> node.puppet.runs().contains(task.id()));
        node.worker.close();
    }

    @Test
    @DisplayName("R11 blocked claims, comparisons and sweeps do not delay the beats")
    void beatsAlone() throws Exception {
        Node node = node(q -> q.lease(Duration.ofMillis(900)).sweepInterval(Duration.ofMillis(100)));
        CountDownLatch end = new CountDownLatch(1);
        node.fault = method -> {
            if (!method.equals("beat")) {
                end.await();
            }
        };
        node.worker.start();
        MongoTaskQueue other = new Node().queue;
        await().until(() -> other.database().beats().getOrDefault(node.name, 0L) > 5);
        end.countDown();
        node.worker.close();
    }

    @ParameterizedTest
    @CsvSource({"260, 40", "1000, 20"})
    @DisplayName("tasks are claimed within 15 s although each operation is slow, and the lease stays fresh")
    void slowDatabase(long millis, int tasks) {
        Node node = node(q -> q.lease(Duration.ofSeconds(10)));
        for (int i = 0; i < tasks; i++) {
            dispatched(node);
        }
        CountDownLatch never = new CountDownLatch(1);
        node.fault = method -> {
            boolean ended = never.await(millis, TimeUnit.MILLISECONDS);
            assertThat(ended).isFalse();
        };
        node.worker.start();
        await().atMost(Duration.ofSeconds(15)).until(() -> node.puppet.runs().size() == tasks);
        assertThat(oldestLease.get()).isLessThan(5000);
        node.fault = method -> {};
        node.worker.close();
    }
}
