// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo;

import com.mongodb.MongoCommandException;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.IndexOptions;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.MongoOperations;
import dev.handoff.mongo.database.RequiredIndex;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates and checks the indexes that the store and the queue need. Create them before the first use of the database, and after an upgrade
 * that needs new ones. Thread-safe.
 *
 * <pre>{@code
 * try (MongoClient client = MongoClients.create("mongodb://localhost:27017")) {
 *     MongoIndexes.create(client.getDatabase("handoff"));
 * }
 * }</pre>
 */
public final class MongoIndexes {

    private static final Logger logger = LoggerFactory.getLogger(MongoIndexes.class);

    /** Describes an index of a collection. */
    private record Index(String collection, Document keys, boolean unique) {

        private Index(String collection, String... fields) {
            this(collection, keys(fields), false);
        }

        private static Document keys(String... fields) {
            Document keys = new Document();
            for (String field : fields) {
                keys.append(field, 1);
            }
            return keys;
        }

        /** Returns whether the indexes that {@code listIndexes} returned include this one. */
        boolean isAmong(List<Document> existing) {
            return existing.stream()
                    .anyMatch(
                            index -> ascending(index.get("key", Document.class)).equals(keys));
        }

        /** Converts the directions to {@code int}, because servers return the 1 as various types of number. */
        private static Document ascending(Document keys) {
            Document ascending = new Document();
            keys.forEach((field, order) ->
                    ascending.append(field, order instanceof Number number && number.intValue() == 1 ? 1 : order));
            return ascending;
        }

        @Override
        public String toString() {
            return (unique ? "unique " : "") + keys.toJson() + " on " + collection;
        }
    }

    /** Fencing depends on this index: it refuses the second of two writers at the same position. */
    private static final Index POSITIONS = new Index(MongoOperations.EVENTS, Index.keys("stream", "seq"), true);

    private static final List<Index> OTHERS = List.of(
            new Index(MongoOperations.TASKS, "state", "type", "created"),
            new Index(MongoOperations.TASKS, "state", "created"),
            new Index(MongoOperations.TASKS, "state", "worker", "_id"),
            new Index(MongoOperations.TASKS, "state", "attended"),
            new Index(MongoOperations.TASKS, "fingerprint", "created"));

    private static final List<String> EXPIRING =
            List.of(MongoOperations.EVENTS, MongoOperations.TASKS, MongoOperations.WORKERS);

    private MongoIndexes() {}

    /**
     * Creates the indexes that are missing. Blocks. You can call this again at any time, and several processes can call it at the same
     * time.
     *
     * <p>If the server has no TTL indexes, this logs a message, and the sweep deletes expired documents.
     *
     * @throws com.mongodb.MongoException if an index other than a TTL index cannot be created; the indexes created before stay
     */
    public static void create(MongoDatabase database) {
        create(database, POSITIONS);
        OTHERS.forEach(index -> create(database, index));
        EXPIRING.forEach(collection -> expire(database, collection));
    }

    private static void create(MongoDatabase database, Index index) {
        database.getCollection(index.collection).createIndex(index.keys, new IndexOptions().unique(index.unique));
    }

    private static void expire(MongoDatabase database, String collection) {
        try {
            database.getCollection(collection)
                    .createIndex(new Document("expireAt", 1), new IndexOptions().expireAfter(0L, TimeUnit.SECONDS));
        } catch (MongoCommandException e) {
            logger.info(
                    "{} has no TTL index, so the sweep deletes expired documents: {}", collection, e.getErrorMessage());
            // The sweep finds expired documents by this index.
            create(database, new Index(collection, "expireAt"));
        }
    }

    /**
     * Checks that the unique index exists, and logs which other indexes are missing. Blocks.
     *
     * @throws IllegalStateException if the unique index is missing; the message says how to create it. Without it a lost worker could write
     *     into the stream of its successor
     * @throws com.mongodb.MongoException if the server does not answer
     */
    public static void require(MongoDatabase database) {
        try {
            new RequiredIndex(database).require();
        } catch (DatabaseException e) {
            throw new IllegalStateException(e.getMessage());
        }
        List<Index> missing = new ArrayList<>();
        for (Index index : OTHERS) {
            if (!index.isAmong(existing(database, index.collection))) {
                missing.add(index);
            }
        }
        if (!missing.isEmpty()) {
            logger.warn(
                    "queries are slow without these indexes; create them with MongoIndexes.create(database) or "
                            + "\"bin/chat indexes\": {}",
                    missing);
        }
    }

    private static List<Document> existing(MongoDatabase database, String collection) {
        return database.getCollection(collection).listIndexes().into(new ArrayList<>());
    }
}
