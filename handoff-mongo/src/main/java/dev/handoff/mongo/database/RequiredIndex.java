// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.client.MongoDatabase;
import java.util.ArrayList;
import java.util.List;
import org.bson.Document;

/**
 * Checks that the unique index on (stream, seq) exists. If two writers write at the same position, this index refuses the second one.
 * Thread-safe.
 */
public final class RequiredIndex {

    private final MongoDatabase database;
    private volatile boolean found;

    /** Creates a check for a database. Does not block. */
    public RequiredIndex(MongoDatabase database) {
        this.database = database;
    }

    /**
     * Checks that the index exists. Blocks until the database answers. After one call has found the index, later calls return at once.
     *
     * @throws DatabaseException if the index is missing. The exception counts as a refusal, and its message says how to create the index
     * @throws com.mongodb.MongoException if the database does not answer
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
