// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bson.Document;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the tail does when a poll fails, or when the database holds what it does not expect. */
@Timeout(60)
class PollFaultTest extends StreamFixture {

    @Test
    @DisplayName("R16 a poll that the executor rejects once does not stop a stream")
    void executorRefusesPoll() {
        AtomicBoolean broken = new AtomicBoolean(true);
        ScheduledExecutorService picky = new ScheduledThreadPoolExecutor(2) {
            @Override
            public ScheduledFuture<?> schedule(Runnable job, long delay, TimeUnit unit) {
                if (broken.get()) {
                    throw new OutOfMemoryError("a test of: unable to create native thread");
                }
                return super.schedule(job, delay, unit);
            }
        };
        try {
            String name = name();
            MongoEventStore store = MongoEventStore.builder(mongo.database, picky)
                    .hintExecutor(threads)
                    .build();
            Reader reader = new Reader(store, name, EventStream.BEGINNING, 10);
            reader.follow();
            broken.set(false);
            insert(minibatch(name, 0, 3, End.completed(null)));
            await().until(() -> {
                // As a reader does that looks again by itself.
                reader.hinted.set(true);
                return reader.follow();
            });
            assertThat(reader.data()).isEqualTo(numbered(0, 3));
        } finally {
            picky.shutdownNow();
        }
    }

    @Test
    @DisplayName("R1 R5 after an outage of the store the tail continues at its position")
    void outage() throws Exception {
        MongoEventStore far = store(mongo.connect(proxy, commands));
        String name = name();
        Reader reader = new Reader(far, name, EventStream.BEGINNING, 64);
        reader.follow();
        insert(minibatch(name, 0, 5, null));
        await().until(() -> {
            reader.follow();
            return reader.data().size() == 5;
        });
        proxy.goAway();
        insert(minibatch(name, 5, 5, null));
        await().during(Duration.ofMillis(500)).until(() -> reader.data().size() == 5 && !reader.follow());
        insert(minibatch(name, 10, 5, End.completed(null)));
        proxy.comeBack();
        await().until(reader::follow);
        assertThat(reader.data()).isEqualTo(numbered(0, 15));
    }

    @Test
    @DisplayName("R6 a missing answer on an open connection does not stop the tail forever")
    void silentServer() throws Exception {
        MongoEventStore far = store(mongo.connect(proxy, commands));
        String name = name();
        Reader reader = new Reader(far, name, EventStream.BEGINNING, 64);
        reader.follow();
        proxy.swallowAnswer("find");
        await().until(() -> proxy.swallowed() == 1);
        insert(minibatch(name, 0, 1, End.completed(null)));
        await().atMost(Duration.ofSeconds(15)).until(reader::follow);
    }

    @Test
    @DisplayName("R6 a reader of a position without an entry does not keep others from the tail")
    void positionFromNowhere() {
        String name = name();
        insert(minibatch(name, 0, 5, null));
        new Reader(reading, name, 100, 64).follow();
        Reader honest = new Reader(name);
        honest.follow();
        assertThat(honest.data()).isEqualTo(numbered(0, 5));
        insert(minibatch(name, 5, 5, null));
        await().atMost(Duration.ofSeconds(3)).until(() -> {
            honest.follow();
            return honest.data().size() == 10;
        });
        insert(minibatch(name, 10, 200, End.completed(null)));
        // Even one that looks again by itself.
        await().atMost(Duration.ofSeconds(3)).until(() -> {
            honest.hinted.set(true);
            return honest.follow();
        });
        assertThat(honest.data()).isEqualTo(numbered(0, 210));
    }

    @Test
    @DisplayName("an unreadable document does not affect readers of other streams")
    void foreignDocument() {
        String broken = name();
        String good = name();
        new Reader(broken).follow();
        Reader reader = new Reader(good);
        reader.follow();
        collection().insertOne(new Document("stream", broken).append("seq", 0).append("data", "?"));
        insert(minibatch(good, 0, 1, End.completed(null)));
        await().atMost(Duration.ofSeconds(5)).until(reader::follow);
    }
}
