// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.mongodb.ErrorCategory;
import com.mongodb.MongoWriteException;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.testing.Mongo;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bson.Document;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class MongoIndexesTest {

    private final Mongo mongo = Mongo.start();

    @AfterEach
    void stop() {
        mongo.close();
    }

    private static List<String> indexes(MongoDatabase database, String collection) {
        List<String> names = new ArrayList<>();
        database.getCollection(collection).listIndexes().forEach(d -> names.add(d.getString("name")));
        return names;
    }

    @Test
    @DisplayName("creating the indexes again changes nothing")
    void idempotent() {
        List<String> events = indexes(mongo.database, MongoEventStore.COLLECTION);
        List<String> tasks = indexes(mongo.database, MongoTaskQueue.COLLECTION);
        MongoIndexes.create(mongo.database);
        assertThat(events).containsExactlyInAnyOrder("_id_", "stream_1_seq_1", "expireAt_1");
        assertThat(tasks)
                .containsExactlyInAnyOrder(
                        "_id_",
                        "state_1_type_1_created_1",
                        "state_1_created_1",
                        "state_1_worker_1__id_1",
                        "state_1_attended_1",
                        "fingerprint_1_created_1",
                        "expireAt_1");
        assertThat(indexes(mongo.database, MongoEventStore.COLLECTION)).isEqualTo(events);
        assertThat(indexes(mongo.database, MongoTaskQueue.COLLECTION)).isEqualTo(tasks);
    }

    @Test
    @DisplayName("several processes may create the indexes of a new database at the same time")
    void concurrent() throws Exception {
        mongo.database.drop();
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<?>> done = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                MongoDatabase database = mongo.connect();
                done.add(threads.submit(() -> MongoIndexes.create(database)));
            }
            for (Future<?> one : done) {
                one.get();
            }
        } finally {
            threads.shutdownNow();
        }
        assertThat(indexes(mongo.database, MongoEventStore.COLLECTION)).hasSize(3);
    }

    @Test
    @DisplayName("R1 the server refuses a second document at the same position of the same stream")
    void unique() {
        MongoCollection<Document> events = mongo.database.getCollection(MongoEventStore.COLLECTION);
        events.insertOne(new Document("stream", "a").append("seq", 0L));
        events.insertOne(new Document("stream", "b").append("seq", 0L));
        events.insertOne(new Document("stream", "a").append("seq", 1L));
        assertThatExceptionOfType(MongoWriteException.class)
                .isThrownBy(() -> events.insertOne(new Document("stream", "a").append("seq", 0L)))
                .satisfies(e -> assertThat(e.getError().getCategory()).isEqualTo(ErrorCategory.DUPLICATE_KEY));
    }

    @Test
    @DisplayName("a document expires at the time that it holds")
    void expiry() {
        for (String name : List.of(MongoEventStore.COLLECTION, MongoTaskQueue.COLLECTION)) {
            assertThat(mongo.database.getCollection(name).listIndexes())
                    .filteredOn(d -> d.getString("name").equals("expireAt_1"))
                    .allSatisfy(d -> assertThat(((Number) d.get("expireAfterSeconds")).longValue())
                            .isZero())
                    .hasSize(1);
        }
    }

    @Test
    @DisplayName("a database with all indexes is accepted")
    void required() {
        assertThatCode(() -> MongoIndexes.require(mongo.database)).doesNotThrowAnyException();
    }

    @Test
    @DisplayName("R3 a database without the unique index is refused, and the message says how to create it")
    void refusedWithoutIndex() {
        mongo.database.drop();
        assertThatIllegalStateException()
                .isThrownBy(() -> MongoIndexes.require(mongo.database))
                .withMessageContaining(mongo.database.getName())
                .withMessageContaining("unique index {\"stream\": 1, \"seq\": 1} on handoff_events")
                .withMessageContaining("MongoIndexes.create")
                .withMessageContaining("bin/chat indexes");
    }

    @Test
    @DisplayName("R3 an index on the same fields that is not unique is refused")
    void refusedWithOtherIndex() {
        mongo.database.drop();
        mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .createIndex(new Document("stream", 1).append("seq", 1));
        assertThatIllegalStateException().isThrownBy(() -> MongoIndexes.require(mongo.database));
    }
}
