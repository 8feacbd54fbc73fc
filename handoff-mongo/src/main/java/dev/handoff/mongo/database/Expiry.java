// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Projections;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.bson.conversions.Bson;

/** Deletes expired documents in one pass, up to a limit of documents and of time. Not thread-safe. */
final class Expiry {

    /** If a document expired longer ago than this, the server has no working TTL index. */
    private static final Duration TTL_GRACE = Duration.ofMinutes(10);

    private static final int DELETED_AT_A_TIME = 500;
    private static final int DELETED_PER_COLLECTION = 5000;

    private final Instant now;
    private final Ticker ticker;
    private final long began;
    private final long limit;

    /**
     * Creates a pass that begins now.
     *
     * @param now the time of the server
     * @param limit the time limit of the whole pass
     */
    Expiry(Instant now, Duration limit, Ticker ticker) {
        this.now = now;
        this.ticker = ticker;
        this.began = ticker.read();
        this.limit = limit.toNanos();
    }

    /**
     * Deletes the expired documents of a collection, and returns whether it deleted all. If the collection has a TTL index, leaves
     * documents that expired less than {@link #TTL_GRACE} ago to the server. Reads no more documents after half of the time limit.
     */
    boolean delete(MongoCollection<Document> collection) {
        if (isLate()) {
            return false;
        }
        boolean hasTtl = limited(collection).listIndexes().into(new ArrayList<>()).stream()
                .anyMatch(i -> i.containsKey("expireAfterSeconds"));
        Bson expired = Filters.lt("expireAt", Date.from(hasTtl ? now.minus(TTL_GRACE) : now));
        for (int deleted = 0; deleted < DELETED_PER_COLLECTION && !isLate(); deleted += DELETED_AT_A_TIME) {
            List<Object> ids = limited(collection)
                    .find(expired)
                    .projection(Projections.include("_id"))
                    .limit(DELETED_AT_A_TIME)
                    .map(d -> d.get("_id"))
                    .into(new ArrayList<>());
            if (!ids.isEmpty()) {
                // The delete repeats the filter, because a worker may have extended the expiry of its document since
                // the read.
                limited(collection).deleteMany(Filters.and(Filters.in("_id", ids), expired));
            }
            if (ids.size() < DELETED_AT_A_TIME) {
                return true;
            }
        }
        return false;
    }

    private boolean isLate() {
        return ticker.read() - began >= limit / 2;
    }

    private MongoCollection<Document> limited(MongoCollection<Document> collection) {
        long left = TimeUnit.NANOSECONDS.toMillis(limit - (ticker.read() - began));
        return collection.withTimeout(Math.max(1, left), TimeUnit.MILLISECONDS);
    }
}
