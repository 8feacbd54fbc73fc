// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * Holds the result of one fetch of the tails of several streams.
 *
 * @param batches the batches, ordered by stream and position
 * @param cut whether the answer reached its limit of bytes. If so, the stream of the last batch and the streams ordered after it may have
 *     more batches
 * @param unreadable the streams that cannot be followed, for example because one of their documents is not a valid batch
 * @param ages the time since each batch was written, in the order of the batches and by the clock of the server; empty if unknown
 */
public record TailFetch(List<EventBatch> batches, boolean cut, Set<String> unreadable, List<Duration> ages) {

    /** Creates a result without the ages of the batches. */
    public TailFetch(List<EventBatch> batches, boolean cut, Set<String> unreadable) {
        this(batches, cut, unreadable, List.of());
    }
}
