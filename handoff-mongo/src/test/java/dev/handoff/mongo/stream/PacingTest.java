// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.testing.Mongo;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.bson.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The budget of documents per second. */
@Timeout(60)
class PacingTest {

    private static final int BUDGET = 100;
    private static final int STREAMS = 50;

    private final Mongo mongo = Mongo.start();
    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(4);
    private final AtomicInteger documents = new AtomicInteger();
    private final MongoEventStore store = MongoEventStore.builder(mongo.database, executor)
            .documentsPerSecond(BUDGET)
            .observer(new HandoffObserver() {
                @Override
                public void committed(int batches, int events, long bytes, Duration took) {
                    documents.addAndGet(batches);
                }
            })
            .build();

    @AfterEach
    void stop() {
        executor.shutdownNow();
        mongo.close();
    }

    @Test
    @DisplayName("above the budget streams write fewer and larger documents, and each stream gets its turn")
    void fewerDocuments() throws Exception {
        List<EventAppender> appenders = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            appenders.add(store.appender(String.format("%032x", i + 1), 1));
        }
        long began = System.nanoTime();
        int rounds = 100;
        AtomicInteger left = new AtomicInteger(rounds);
        // 50 streams x 50 events/s are 2,500 documents/s without a budget.
        var load = executor.scheduleAtFixedRate(
                () -> {
                    if (left.getAndDecrement() > 0) {
                        appenders.forEach(a -> a.append(null, "x"));
                    }
                },
                0,
                20,
                TimeUnit.MILLISECONDS);
        await().until(() -> left.get() <= 0);
        load.cancel(false);
        double seconds = (System.nanoTime() - began) / 1e9;
        int written = documents.get();
        appenders.forEach(EventAppender::flush);

        // The first document of each stream, a burst, and what the budget gives.
        assertThat(written).isLessThan((int) (STREAMS + BUDGET / 4 + BUDGET * seconds + STREAMS));
        Map<String, Integer> counts = new ConcurrentHashMap<>();
        mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .find()
                .forEach(d -> counts.merge(
                        d.getString("stream"), d.getList("data", Document.class).size(), Integer::sum));
        assertThat(counts)
                .hasSize(STREAMS)
                .allSatisfy((stream, events) -> assertThat(events).isEqualTo(rounds));
    }

    @Test
    @DisplayName("the first event of a stream does not wait for the budget")
    void firstEvent() {
        EventAppender busy = store.appender(String.format("%032x", 1), 1);
        for (int i = 0; i < 2 * BUDGET; i++) {
            EventAppender other = store.appender(String.format("%032x", 1000 + i), 1);
            other.append(null, "x");
        }
        await().until(() -> documents.get() >= 2 * BUDGET);
        long began = System.nanoTime();
        busy.append(null, "first");
        busy.flush();
        assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofMillis(500));
    }
}
