// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import java.util.Date;
import org.jspecify.annotations.Nullable;

/**
 * Holds what a document of the collection {@code handoff_events} says.
 *
 * @param stream the stream of the document; null if the document names none
 * @param batch the entries; null if the document holds no valid batch, or if the reader has skipped them
 * @param created when the batch was written, by the clock of the database; null if the document does not say it
 */
public record EventDocument(
        @Nullable String stream,
        @Nullable EventBatch batch,
        @Nullable Date created) {

    /**
     * Returns the entries.
     *
     * @throws IllegalStateException if the document holds no valid batch
     */
    EventBatch require() {
        if (batch == null) {
            throw new IllegalStateException("a document of stream " + stream + " holds no valid batch of events");
        }
        return batch;
    }
}
