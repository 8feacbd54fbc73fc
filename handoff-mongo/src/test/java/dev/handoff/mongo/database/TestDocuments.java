// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import java.time.Instant;
import org.bson.Document;

/** Shows the documents of this package to tests of others. */
public final class TestDocuments {

    private TestDocuments() {}

    /** Returns the document of a batch that does not expire while the test runs. */
    public static Document of(EventBatch batch) {
        return EventDocuments.toDocument(batch, Instant.EPOCH, Instant.parse("2100-01-01T00:00:00Z"));
    }
}
