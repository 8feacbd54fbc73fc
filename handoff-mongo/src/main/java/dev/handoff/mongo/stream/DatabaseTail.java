// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.tail.TailSource;
import java.util.Map;

/** Fetches the tails of streams from the database. Thread-safe. */
record DatabaseTail(Database database) implements TailSource {

    @Override
    public TailFetch fetch(Map<String, Long> from, long maxBytes) {
        return database.tails(from, maxBytes);
    }

    @Override
    public long length(String streamId) {
        return database.confirmedLast(streamId).map(EventBatch::next).orElse(0L);
    }
}
