package dev.handoff.mongo.database;

import java.time.Duration;
import java.util.List;
import java.util.Set;

/**
 * What one look at the tails of several streams has found.
 *
 * @param batches what stands in them, ordered by stream and position
 * @param cut whether the answer was cut off, so that the stream of the last batch and those after it may have more
 * @param unreadable the streams that cannot be followed, because they have a document which is no batch
 * @param ages for each batch the time since it was written, by the time of the server; empty if this is not known
 */
public record TailFetch(List<EventBatch> batches, boolean cut, Set<String> unreadable, List<Duration> ages) {

    /** Returns an answer without the ages of the batches. */
    public TailFetch(List<EventBatch> batches, boolean cut, Set<String> unreadable) {
        this(batches, cut, unreadable, List.of());
    }
}
