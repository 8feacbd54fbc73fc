package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.TailFetch;
import java.util.Map;

/** The place that a {@link TailPoller} fetches the tails of streams from. Its methods block. Thread-safe. */
public interface TailSource {

    /**
     * Returns what stands in several streams from a position each, ordered by stream and position.
     *
     * @param from the position to begin at, for each stream
     * @param maxBytes how much to read: the answer is cut off after the batch that reaches it
     */
    TailFetch fetch(Map<String, Long> from, long maxBytes);

    /** Returns the position after the last entry of a stream, 0 if it has none. */
    long length(String streamId);
}
