package dev.handoff.mongo;

import com.mongodb.MongoCommandException;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.IndexOptions;
import com.mongodb.client.model.Indexes;
import dev.handoff.mongo.database.MongoOperations;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the indexes that the store and the queue rest on. To be done once, before a database is used for the first time. */
public final class MongoIndexes {

    private static final Logger logger = LoggerFactory.getLogger(MongoIndexes.class);

    private MongoIndexes() {}

    /**
     * Makes those that are missing. May be done again, and by several processes at the same time. Blocks.
     *
     * <p>A server that has no TTL indexes is let off with a word in the log: the sweep drops what has expired.
     *
     * @throws com.mongodb.MongoException if the unique index cannot be made, without which nothing is safe
     */
    public static void create(MongoDatabase database) {
        MongoCollection<Document> events = database.getCollection(MongoOperations.EVENTS);
        events.createIndex(Indexes.ascending("stream", "seq"), new IndexOptions().unique(true));
        MongoCollection<Document> tasks = database.getCollection(MongoOperations.TASKS);
        tasks.createIndex(Indexes.ascending("state", "created"));
        tasks.createIndex(Indexes.ascending("fingerprint", "created"));
        expire(events);
        expire(tasks);
    }

    private static void expire(MongoCollection<Document> collection) {
        try {
            collection.createIndex(Indexes.ascending("expireAt"), new IndexOptions().expireAfter(0L, TimeUnit.SECONDS));
        } catch (MongoCommandException e) {
            logger.info(
                    "{} has no TTL index, the sweep drops what has expired: {}",
                    collection.getNamespace(),
                    e.getErrorMessage());
        }
    }
}
