// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventStore;
import dev.handoff.testkit.contract.EventStoreContract;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.bson.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

class MongoEventStoreTest extends EventStoreContract {

    private static Mongo mongo;
    private static ScheduledExecutorService executor;
    private static EventStore store;
    private static EventStore other;

    @BeforeAll
    static void start() {
        mongo = Mongo.start();
        executor = Executors.newScheduledThreadPool(4);
        store = MongoEventStore.builder(mongo.database, executor).build();
        other = MongoEventStore.builder(mongo.database, executor).build();
    }

    /** FerretDB on SQLite looks at all documents for each query, so those of earlier tests would slow down the later ones. */
    @AfterEach
    void empty() {
        mongo.database.getCollection(MongoEventStore.COLLECTION).deleteMany(new Document());
    }

    @AfterAll
    static void stop() {
        executor.shutdownNow();
        mongo.close();
    }

    @Override
    public EventStore store() {
        return store;
    }

    @Override
    public EventStore otherNode() {
        return other;
    }
}
