// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.TailFetch;
import java.util.Map;

/** Fetches the tails of streams for a {@link TailPoller}. The methods may block. Implementations must be thread-safe. */
public interface TailSource {

    /**
     * Returns the batches of several streams that begin at a position or later, ordered by stream and position.
     *
     * @param from the first position to return, for each stream
     * @param maxBytes the answer ends after the batch with which it holds at least this many bytes
     */
    TailFetch fetch(Map<String, Long> from, long maxBytes);

    /** Returns the position after the last entry of a stream; 0 if the stream has none. */
    long length(String streamId);
}
