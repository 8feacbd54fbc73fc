// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static dev.handoff.mongo.database.DriverCalls.call;

import com.mongodb.ErrorCategory;
import com.mongodb.MongoWriteException;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Projections;
import com.mongodb.client.model.UpdateOptions;
import com.mongodb.client.model.Updates;
import com.mongodb.client.result.UpdateResult;
import java.time.Duration;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** Implements the operations on the collection of workers. Thread-safe. */
final class WorkerOperations {

    private static final Duration WORKERS_KEPT = Duration.ofDays(1);
    /** The id of a document that is written before each read of the beats. */
    private static final String READERS_OF_BEATS = "readers";
    /**
     * The bound of the random step by which a beat grows. If a beat is deleted and created again, it is then unlikely to repeat a value
     * that a sweeper has seen.
     */
    private static final long LARGEST_STEP = 1 << 20;

    private final MongoCollections collections;
    private final ServerTime time;
    private final RequiredIndex indexes;

    WorkerOperations(MongoCollections collections, ServerTime time, RequiredIndex indexes) {
        this.collections = collections;
        this.time = time;
        this.indexes = indexes;
    }

    void beat(String worker) {
        call(() -> {
            // A worker without a beat claims no tasks, so the check of the index here stops claims too.
            indexes.require();
            return increment(worker);
        });
    }

    private UpdateResult increment(String worker) {
        try {
            return incrementOnce(worker);
        } catch (MongoWriteException e) {
            if (e.getError().getCategory() != ErrorCategory.DUPLICATE_KEY) {
                throw e;
            }
            // Another process created the document at the same time. Servers before 4.2 do not retry the upsert
            // themselves.
            return incrementOnce(worker);
        }
    }

    private UpdateResult incrementOnce(String worker) {
        return collections
                .workers()
                .updateOne(
                        Filters.eq(worker),
                        Updates.combine(
                                Updates.inc("beat", ThreadLocalRandom.current().nextLong(1, LARGEST_STEP)),
                                Updates.set("expireAt", Date.from(time.now().plus(WORKERS_KEPT)))),
                        new UpdateOptions().upsert(true));
    }

    Map<String, Long> beats() {
        return call(() -> {
            // A primary that has lost its majority still answers reads until it steps down, but it cannot complete this
            // write. No worker can write its beat to such a primary, so its beats must not be used.
            if (time.isCluster()) {
                increment(READERS_OF_BEATS);
            }
            Map<String, Long> beats = new HashMap<>();
            collections
                    .workers()
                    .find(Filters.ne("_id", READERS_OF_BEATS))
                    .projection(Projections.include("beat"))
                    .forEach(d -> beats.put(
                            d.getString("_id"), d.get("beat", Number.class).longValue()));
            return beats;
        });
    }

    void forget(String worker, long beat) {
        call(() -> collections.workers().deleteOne(Filters.and(Filters.eq(worker), Filters.eq("beat", beat))));
    }
}
