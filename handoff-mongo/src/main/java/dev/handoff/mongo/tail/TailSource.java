// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.TailFetch;
import java.util.Map;

/** Fetches the tails of streams for a {@link TailPoller}. Its methods block. Must be thread-safe. */
public interface TailSource {

    /**
     * Returns the batches of several streams that begin at a position or later, ordered by stream and position.
     *
     * @param from the first position to return, for each stream
     * @param maxBytes the answer ends after the batch that reaches this many bytes
     */
    TailFetch fetch(Map<String, Long> from, long maxBytes);

    /** Returns the position after the last entry of a stream, 0 if it has none. */
    long length(String streamId);
}
