package dev.handoff.mongo.database;

import com.mongodb.client.MongoDatabase;
import java.util.ArrayList;
import java.util.List;
import org.bson.Document;

/** The unique index on (stream, seq), which decides between two writers. Thread-safe. */
public final class RequiredIndex {

    private final MongoDatabase database;
    private volatile boolean found;

    /** Returns a check that has not been made. */
    public RequiredIndex(MongoDatabase database) {
        this.database = database;
    }

    /**
     * Checks that the index exists. Blocks until it was found once, and does nothing after that.
     *
     * @throws DatabaseException that says that the database is refused, and how to create the index
     */
    public void require() {
        if (found) {
            return;
        }
        List<Document> existing =
                database.getCollection(MongoOperations.EVENTS).listIndexes().into(new ArrayList<>());
        if (existing.stream().noneMatch(RequiredIndex::isOnPositions)) {
            throw DatabaseException.refused(
                    "the database \"" + database.getName() + "\" has no unique index {\"stream\": 1, \"seq\": 1} on "
                            + MongoOperations.EVENTS
                            + "; create the indexes with MongoIndexes.create(database) or \"bin/chat indexes\"",
                    null);
        }
        found = true;
    }

    private static boolean isOnPositions(Document index) {
        Document keys = index.get("key", Document.class);
        return List.copyOf(keys.keySet()).equals(List.of("stream", "seq"))
                && keys.values().stream().allMatch(order -> order instanceof Number number && number.intValue() == 1)
                && index.getBoolean("unique", false)
                && !index.containsKey("partialFilterExpression")
                && !index.getBoolean("sparse", false);
    }
}
