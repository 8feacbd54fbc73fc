// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.mongodb.ConnectionString;
import com.mongodb.MongoClientSettings;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.OplogStandIn;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.bson.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ChangeFeedTest {

    /** So seldom that what is seen sooner was not seen by polling. */
    private static final Duration SELDOM = Duration.ofHours(1);

    private static final Duration OFTEN = Duration.ofMillis(10);

    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(4);
    private final ExecutorService followers = Executors.newCachedThreadPool();
    private final OplogStandIn standIn = new OplogStandIn();
    private final MongoServer server = standIn.serve();
    private final MongoClient client = MongoClients.create(server.getConnectionString());
    private final MongoDatabase database = indexed(client.getDatabase("test"));
    private final String streamId = Task.of("test", "").id();
    private final AtomicInteger hints = new AtomicInteger();

    private static MongoDatabase indexed(MongoDatabase database) {
        MongoIndexes.create(database);
        return database;
    }

    @AfterEach
    void stop() {
        executor.shutdownNow();
        followers.shutdownNow();
        client.close();
        server.shutdownNow();
    }

    private MongoEventStore store(Duration poll) {
        return MongoEventStore.builder(database, executor).poll(poll, poll).build();
    }

    /** A reader that has come to the tail of an empty stream. */
    private EventStream reader(MongoEventStore store) {
        EventStream stream = store.open(streamId);
        stream.watch(hints::incrementAndGet);
        stream.read(EventStream.BEGINNING, 10);
        return stream;
    }

    private static void sees(EventStream stream, int count) {
        await().pollInterval(Duration.ofMillis(5))
                .atMost(Duration.ofSeconds(20))
                .until(() -> stream.read(EventStream.BEGINNING, 100).events().size() == count);
    }

    private void awaitOpened(int count) {
        await().pollInterval(Duration.ofMillis(5)).until(() -> standIn.opened() == count);
    }

    @Test
    @DisplayName("R6 a change stream wakes readers before their next poll")
    void wakesReaders() {
        MongoEventStore reading = store(SELDOM);
        reading.followChanges(followers);
        EventStream stream = reader(reading);
        awaitOpened(1);
        EventAppender writer = store(SELDOM).appender(streamId, 1);

        writer.append(null, "one");
        sees(stream, 1);
        writer.append(null, "two");
        sees(stream, 2);
        // Readers are told after they could read.
        await().until(() -> hints.get() >= 2);
        assertThat(standIn.opened()).isEqualTo(1);
    }

    @Test
    @DisplayName("batches from the change stream are not fetched again")
    void deliversWithoutFinds() {
        Commands commands = new Commands();
        try (MongoClient counted = MongoClients.create(MongoClientSettings.builder()
                .applyConnectionString(new ConnectionString(server.getConnectionString()))
                .addCommandListener(commands)
                .build())) {
            MongoEventStore reading = MongoEventStore.builder(counted.getDatabase("test"), executor)
                    .build();
            reading.followChanges(followers);
            EventStream stream = reader(reading);
            awaitOpened(1);
            EventAppender writer = store(SELDOM).appender(streamId, 1);
            writer.append(null, "event 0");
            sees(stream, 1);
            commands.clear();
            long begin = System.nanoTime();
            for (int i = 1; i < 100; i++) {
                writer.append(null, "event " + i);
                writer.flush();
                sees(stream, i + 1);
            }
            long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
            // Two loops poll once a second.
            assertThat(commands.count("find")).isLessThan(10 + 3 * (int) seconds);
        }
    }

    @Test
    @DisplayName("R6 without change streams, polls deliver the same events")
    void pollsWithout() {
        standIn.available(false);
        MongoEventStore reading = store(OFTEN);
        reading.followChanges(followers);
        EventStream stream = reader(reading);

        store(OFTEN).appender(streamId, 1).append(null, "one");
        sees(stream, 1);
        assertThat(standIn.opened()).isZero();
    }

    @Test
    @DisplayName("R16 a document that is not a batch does not end the change stream")
    void foreignDocument() {
        MongoEventStore reading = store(SELDOM);
        reading.followChanges(followers);
        EventStream stream = reader(reading);
        awaitOpened(1);
        database.getCollection(MongoEventStore.COLLECTION).insertOne(new Document("seq", 0L));
        store(SELDOM).appender(streamId, 1).append(null, "one");
        sees(stream, 1);
    }

    @Test
    @DisplayName("R6 polls continue when a change stream breaks, and it is opened again")
    void survivesBreak() {
        MongoEventStore reading = store(OFTEN);
        reading.followChanges(followers);
        EventStream stream = reader(reading);
        awaitOpened(1);
        EventAppender writer = store(OFTEN).appender(streamId, 1);
        writer.append(null, "one");
        sees(stream, 1);

        standIn.available(false);
        writer.append(null, "two");
        sees(stream, 2);
        standIn.available(true);
        awaitOpened(2);
        writer.append(null, "three");
        sees(stream, 3);
    }

    @Test
    @DisplayName("a time limit of the client does not end a change stream that answers")
    void clientTimeout() {
        try (MongoClient limited = MongoClients.create(MongoClientSettings.builder()
                .applyConnectionString(new ConnectionString(server.getConnectionString()))
                .timeout(1500, TimeUnit.MILLISECONDS)
                .build())) {
            MongoEventStore reading = MongoEventStore.builder(limited.getDatabase("test"), executor)
                    .poll(SELDOM, SELDOM)
                    .build();
            reading.followChanges(followers);
            EventStream stream = reader(reading);
            awaitOpened(1);
            await().during(Duration.ofSeconds(3)).atMost(Duration.ofSeconds(20)).until(() -> standIn.opened() == 1);
            store(SELDOM).appender(streamId, 1).append(null, "one");
            sees(stream, 1);
        }
    }
}
