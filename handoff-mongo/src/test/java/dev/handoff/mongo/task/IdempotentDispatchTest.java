// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mongodb.client.MongoDatabase;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.task.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class IdempotentDispatchTest {

    private static final int KEYS = 500;
    private static final int THREADS = 16;

    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
    private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    private final Mongo mongo = Mongo.start();
    private final List<MongoTaskQueue> queues = new ArrayList<>();
    private final List<MongoEventStore> stores = new ArrayList<>();

    @BeforeEach
    void start() {
        for (MongoDatabase database : List.of(mongo.connect(), mongo.connect())) {
            MongoEventStore store = MongoEventStore.builder(database, timer).build();
            stores.add(store);
            queues.add(MongoTaskQueue.builder(database, store, threads, List.of("count"))
                    .build());
        }
    }

    @AfterEach
    void stop() {
        timer.shutdownNow();
        threads.shutdownNow();
        mongo.close();
    }

    @Test
    @DisplayName("R10 two servers that get the same 500 keys at the same time create 500 tasks, and each runs once")
    void oneTaskPerKey() throws Exception {
        List<Callable<List<String>>> dispatchers = new ArrayList<>();
        for (int t = 0; t < THREADS; t++) {
            MongoTaskQueue queue = queues.get(t % 2);
            dispatchers.add(() -> {
                List<String> ids = new ArrayList<>();
                for (int key = 0; key < KEYS; key++) {
                    ids.add(queue.dispatch(task(key, "body " + key)).taskId());
                }
                return ids;
            });
        }
        List<List<String>> answers = new ArrayList<>();
        for (Future<List<String>> answer : threads.invokeAll(dispatchers)) {
            answers.add(answer.get());
        }
        assertThat(answers.stream().distinct()).hasSize(1);
        assertThat(answers.get(0)).doesNotHaveDuplicates().hasSize(KEYS);
        assertThat(mongo.database.getCollection(MongoTaskQueue.COLLECTION).countDocuments())
                .isEqualTo(KEYS);

        Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
        List<MongoWorker> workers = queues.stream()
                .map(q -> MongoWorker.builder(q, threads)
                        .maxRunning(8)
                        .handler(
                                "count",
                                (task, output) -> runs.computeIfAbsent(task.id(), id -> new AtomicInteger())
                                        .incrementAndGet())
                        .build())
                .toList();
        await().until(() -> {
            workers.forEach(MongoWorker::tick);
            return runs.size() == KEYS && workers.stream().allMatch(w -> w.running() == 0);
        });
        assertThat(runs.values()).allMatch(n -> n.get() == 1);
        assertThat(runs.keySet()).containsExactlyInAnyOrderElementsOf(answers.get(0));
    }

    @Test
    @DisplayName("R10 a key that another server accepted with another request is refused")
    void otherBody() {
        queues.get(0).dispatch(task(1, "body"));
        assertThatThrownBy(() -> queues.get(1).dispatch(task(1, "other")))
                .isInstanceOfSatisfying(ProblemException.class, e -> {
                    assertThat(e.problem().status()).isEqualTo(422);
                    assertThat(e.problem().code()).isEqualTo("idempotency_key_reused");
                });
    }

    private static Task task(int key, String body) {
        return Task.of("count", body).requestedBy("alice", "key-" + key).withId(String.format("%032x", key));
    }
}
