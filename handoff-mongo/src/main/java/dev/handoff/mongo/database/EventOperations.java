// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static dev.handoff.mongo.database.DriverCalls.call;

import com.mongodb.MongoBulkWriteException;
import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import com.mongodb.bulk.BulkWriteError;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.InsertManyOptions;
import com.mongodb.client.model.Projections;
import com.mongodb.client.model.Sorts;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.bson.BSONException;
import org.bson.conversions.Bson;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/** Implements the operations on the collection of events. Thread-safe. */
final class EventOperations {

    private static final int POSITIONS_PER_QUERY = 100;
    private static final int MOST_READS = 8;

    private final MongoCollections collections;
    private final ServerTime time;
    private final RequiredIndex indexes;
    private final DatabaseSettings settings;
    private final AnswerSize answerSize = new AnswerSize();
    /** Limits how many reads run at the same time, and so the memory of their answers. */
    private final Semaphore reads = new Semaphore(MOST_READS);

    EventOperations(MongoCollections collections, ServerTime time, RequiredIndex indexes, DatabaseSettings settings) {
        this.collections = collections;
        this.time = time;
        this.indexes = indexes;
        this.settings = settings;
    }

    List<InsertOutcome> insert(List<EventBatch> batches) {
        return call(() -> {
            indexes.require();
            Date now = Date.from(time.now());
            List<EventDocument> documents = batches.stream()
                    .map(b -> new EventDocument(b.stream(), b, now))
                    .toList();
            // Fences and ends decide between writers, so a failover must not roll them back.
            boolean decides = batches.stream().anyMatch(b -> b.fence() || b.end() != null);
            return insert(
                    decides ? collections.batches().withWriteConcern(WriteConcern.MAJORITY) : collections.batches(),
                    documents);
        });
    }

    private static List<InsertOutcome> insert(
            MongoCollection<EventDocument> collection, List<EventDocument> documents) {
        try {
            return insertAll(collection, documents);
        } catch (BSONException e) {
            if (documents.size() == 1) {
                return List.of(InsertOutcome.unencodable(e));
            }
            return documents.stream()
                    .map(d -> insert(collection, List.of(d)).get(0))
                    .toList();
        }
    }

    private static List<InsertOutcome> insertAll(
            MongoCollection<EventDocument> collection, List<EventDocument> documents) {
        InsertOutcome[] outcomes = new InsertOutcome[documents.size()];
        Arrays.fill(outcomes, InsertOutcome.STORED);
        try {
            collection.insertMany(documents, new InsertManyOptions().ordered(false));
        } catch (MongoBulkWriteException e) {
            if (e.getWriteConcernError() != null) {
                Arrays.fill(
                        outcomes,
                        new InsertOutcome(
                                InsertOutcome.Kind.UNKNOWN,
                                e.getWriteConcernError().getMessage()));
            }
            for (BulkWriteError error : e.getWriteErrors()) {
                outcomes[error.getIndex()] = InsertOutcome.of(error);
            }
        }
        return List.of(outcomes);
    }

    Map<Position, ObjectId> holders(Collection<Position> positions) {
        return call(() -> {
            Map<Position, ObjectId> holders = new HashMap<>();
            List<Position> all = List.copyOf(positions);
            for (int i = 0; i < all.size(); i += POSITIONS_PER_QUERY) {
                List<Bson> clauses = all.subList(i, Math.min(i + POSITIONS_PER_QUERY, all.size())).stream()
                        .map(p -> Filters.and(Filters.eq("stream", p.stream()), Filters.eq("seq", p.seq())))
                        .toList();
                collections
                        .events()
                        .find(Filters.or(clauses))
                        .projection(Projections.include("stream", "seq"))
                        .forEach(d -> holders.put(
                                new Position(d.getString("stream"), d.getLong("seq")), d.getObjectId("_id")));
            }
            return holders;
        });
    }

    Optional<EventBatch> last(String stream) {
        return call(() -> lastOf(collections.batches(), Filters.eq("stream", stream)));
    }

    Optional<EventBatch> confirmedLast(String stream) {
        return call(() -> {
            MongoCollection<EventDocument> events = collections.batches();
            return lastOf(
                    time.isCluster() ? events.withReadConcern(ReadConcern.LINEARIZABLE) : events,
                    Filters.eq("stream", stream));
        });
    }

    Optional<EventBatch> lastBefore(String stream, long position) {
        return call(() ->
                lastOf(collections.batches(), Filters.and(Filters.eq("stream", stream), Filters.lt("seq", position))));
    }

    private static Optional<EventBatch> lastOf(MongoCollection<EventDocument> events, Bson filter) {
        return Optional.ofNullable(events.find(filter)
                        .sort(Sorts.descending("seq"))
                        .limit(1)
                        .first())
                .map(EventDocument::require);
    }

    List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes) {
        acquireRead();
        try {
            return readOne(stream, from, maxEvents, maxBytes);
        } finally {
            reads.release();
        }
    }

    private void acquireRead() {
        boolean acquired = false;
        try {
            acquired = reads.tryAcquire(settings.timeout().toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!acquired) {
            throw DatabaseException.unknown(
                    "the read was not started, because " + MOST_READS + " other reads have not ended", null);
        }
    }

    private List<EventBatch> readOne(String stream, long from, int maxEvents, long maxBytes) {
        return call(() -> {
            List<EventBatch> found = new ArrayList<>();
            try (MongoCursor<EventDocument> cursor = collections
                    .batches()
                    .find(Filters.and(Filters.eq("stream", stream), Filters.gte("seq", from)))
                    .sort(Sorts.ascending("seq"))
                    .batchSize(answerSize.documents(maxBytes))
                    .cursor()) {
                long count = 0;
                long bytes = 0;
                while (count <= maxEvents && bytes < maxBytes && cursor.hasNext()) {
                    EventBatch batch = cursor.next().require();
                    found.add(batch);
                    count += batch.events().size();
                    bytes += answerSize.note(batch.bytes());
                }
            }
            return found;
        });
    }

    TailFetch tails(Map<String, Long> from, long maxBytes) {
        return call(() -> {
            List<EventBatch> batches = new ArrayList<>();
            List<@Nullable Date> created = new ArrayList<>();
            Set<String> unreadable = new HashSet<>();
            Map<Long, List<String>> byPosition = new TreeMap<>();
            from.forEach((stream, seq) ->
                    byPosition.computeIfAbsent(seq, s -> new ArrayList<>()).add(stream));
            List<Bson> clauses = new ArrayList<>();
            // The position comes first in the clause, because a server without the index then skips old documents
            // faster.
            byPosition.forEach((seq, streams) -> clauses.add(Filters.and(
                    Filters.gte("seq", seq),
                    streams.size() == 1 ? Filters.eq("stream", streams.get(0)) : Filters.in("stream", streams))));
            long bytes = 0;
            try (MongoCursor<EventDocument> cursor = collections
                    .batches()
                    .find(clauses.size() == 1 ? clauses.get(0) : Filters.or(clauses))
                    .sort(Sorts.ascending("stream", "seq"))
                    .batchSize(answerSize.documents(maxBytes))
                    .cursor()) {
                while (bytes < maxBytes && cursor.hasNext()) {
                    EventDocument document = cursor.next();
                    EventBatch batch = document.batch();
                    if (batch == null) {
                        unreadable.add(String.valueOf(document.stream()));
                        continue;
                    }
                    batches.add(batch);
                    created.add(document.created());
                    bytes += answerSize.note(batch.bytes());
                }
            }
            Instant now = time.now();
            List<Duration> ages = created.stream().map(date -> age(date, now)).toList();
            return new TailFetch(batches, bytes >= maxBytes, unreadable, ages);
        });
    }

    private static Duration age(@Nullable Date created, Instant now) {
        Duration age = created == null ? Duration.ZERO : Duration.between(created.toInstant(), now);
        return age.isNegative() ? Duration.ZERO : age;
    }

    long fences(String stream) {
        return call(() -> collections
                .events()
                .countDocuments(Filters.and(Filters.eq("stream", stream), Filters.eq("fence", true))));
    }
}
