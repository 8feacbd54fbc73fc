// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mongodb.client.model.Filters;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.bson.Document;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How the events of many streams are written together. */
@Timeout(60)
class GroupCommitTest extends CommitFixture {

    @Test
    @DisplayName("R1 many streams share one insert at a time, with at most one batch of each, and positions are dense")
    void groups() throws Exception {
        MongoEventStore store = store();
        int streams = 40;
        int events = 100;
        List<String> names = IntStream.range(0, streams).mapToObj(i -> name()).toList();
        CountDownLatch go = new CountDownLatch(1);
        List<Future<?>> writers = new ArrayList<>();
        for (String name : names) {
            writers.add(threads.submit(() -> {
                EventAppender appender = store.appender(name, 1);
                go.await();
                for (String data : numbered(events)) {
                    appender.append(null, data);
                }
                appender.end(End.completed(null));
                return null;
            }));
        }
        go.countDown();
        for (Future<?> writer : writers) {
            writer.get();
        }
        for (String name : names) {
            assertThat(stored(name)).isEqualTo(numbered(events));
            assertThat(store.open(name).last()).isEqualTo(events);
        }
        assertThat(commands.mostInserting()).isEqualTo(1);
        assertThat(commands.inserted())
                .allSatisfy(streamsOfOne -> assertThat(streamsOfOne).doesNotHaveDuplicates());
        assertThat(commands.count("insert")).isLessThan(streams * events / 20);
    }

    @Test
    @DisplayName("R4 a lone event is written at once, without a flush and without a timer")
    void loneEvent() {
        MongoEventStore store = store();
        String name = name();
        EventAppender appender = store.appender(name, 1);
        for (int i = 0; i < 5; i++) {
            long before = System.nanoTime();
            appender.append(null, "event " + i);
            appender.flush();
            // Generous: the machine may be busy.
            assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(2));
            assertThat(stored(name)).isEqualTo(numbered(i + 1));
        }
        assertThat(commands.count("insert")).isEqualTo(5);
        appender.append(null, "event 5");
        await().until(() -> stored(name).size() == 6);
    }

    @Test
    @DisplayName("events that are appended soon after a write are written together, even those of different streams")
    void lingers() {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(commands), timer)
                .linger(Duration.ofSeconds(3))
                .build();
        EventAppender one = store.appender(name(), 1);
        EventAppender two = store.appender(name(), 1);
        one.append(null, "event 0");
        one.flush();
        for (String data : numbered(3)) {
            one.append(null, data);
            two.append(null, data);
        }
        one.flush();
        two.flush();
        assertThat(commands.inserted()).hasSize(2);
    }

    @Test
    @DisplayName("without a linger each write begins when the previous one ends")
    void doesNotLinger() {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(commands), timer)
                .linger(Duration.ofMinutes(1))
                .linger(Duration.ZERO)
                .build();
        EventAppender appender = store.appender(name(), 1);
        Future<?> writer = threads.submit(() -> {
            for (String data : numbered(5)) {
                appender.append(null, data);
                appender.flush();
            }
        });
        await().until(writer::isDone);
        assertThat(commands.inserted()).hasSize(5);
        assertThatThrownBy(() -> MongoEventStore.builder(mongo.database, timer).linger(Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-0.001S");
    }

    @Test
    @DisplayName("the end travels in the document of the last events")
    void endWithEvents() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(10));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        proxy.goAway();
        appender.append(null, "event 1");
        // Only then event 1 is in a document of its own, which event 2 cannot join any more.
        await().until(CommitFixture::isWriting);
        appender.append(null, "event 2");
        Thread end = new Thread(() -> appender.end(End.completed("3")));
        end.start();
        // Once it waits for the store, and not for the lock, it has been gathered.
        await().until(() -> Arrays.stream(end.getStackTrace())
                .anyMatch(f -> f.getMethodName().equals("awaitNanos")));
        proxy.comeBack();
        end.join(20_000);
        Document last = mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .find(Filters.and(Filters.eq("stream", name), Filters.exists("end")))
                .first();
        assertThat(last.getList("data", Document.class)).isNotEmpty();
        assertThat(stored(name)).isEqualTo(numbered(3));
    }
}
