// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Accumulators;
import com.mongodb.client.model.Aggregates;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Sorts;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.tail.TailSource;
import dev.handoff.stream.Event;
import dev.handoff.time.Ticker;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import org.bson.BsonDocument;
import org.bson.conversions.Bson;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the tails of the streams of Python workers. Records have no positions, so this class remembers for each followed stream the next
 * position and the record before that position. A deleted record leaves no visible gap. While a stream is silent, this class therefore
 * counts its records once a second. If the count differs from the number of records that this class has read, the poller no longer follows
 * the stream, and its readers query the database. Thread-safe.
 */
final class PythonTailSource implements TailSource {

    private static final Logger logger = LoggerFactory.getLogger(PythonTailSource.class);
    private static final int RECORDS_PER_QUERY = 500;
    private static final long RECOUNT = TimeUnit.SECONDS.toNanos(1);

    /** Holds a position of a stream and the key of the record before that position; the key is null if there is no such record. */
    private record Place(String name, long position, PythonRecord.@Nullable Key key, long countedAt) {

        Place after(PythonRecord.Key last, long now) {
            return new Place(name, position + 1, last, now);
        }

        Place countedAt(long now) {
            return new Place(name, position, key, now);
        }

        /** Matches the records after the key. Records may have the same millisecond; the id orders them. */
        Bson notYetSeen() {
            Bson own = Filters.eq("stream", name);
            return key == null
                    ? own
                    : Filters.and(
                            own,
                            Filters.or(
                                    Filters.gt("created", key.date()),
                                    Filters.and(Filters.eq("created", key.date()), Filters.gt("_id", key.id()))));
        }

        /** Matches the records up to the key. Their number must equal the position. */
        Bson seen(PythonRecord.Key last) {
            return Filters.and(
                    Filters.eq("stream", name),
                    Filters.or(
                            Filters.lt("created", last.date()),
                            Filters.and(Filters.eq("created", last.date()), Filters.lte("_id", last.id()))));
        }
    }

    private final MongoCollection<BsonDocument> buffer;
    private final Ticker ticker;
    private final ConcurrentMap<String, Place> places = new ConcurrentHashMap<>();

    PythonTailSource(MongoCollection<BsonDocument> buffer, Ticker ticker) {
        this.buffer = buffer;
        this.ticker = ticker;
    }

    /**
     * Remembers the record before a position of a stream.
     *
     * @param name minibatch's name of the stream
     * @param key the key of the record; null if the position is the first one
     */
    void remember(String streamId, String name, long position, PythonRecord.@Nullable Key key) {
        places.put(streamId, new Place(name, position, key, ticker.read()));
    }

    /** Removes a stream that has no readers in this process. */
    void forget(String streamId) {
        places.remove(streamId);
    }

    @Override
    public TailFetch fetch(Map<String, Long> from, long maxBytes) {
        Set<String> unreadable = new HashSet<>();
        Map<String, Place> asked = new HashMap<>();
        Map<String, String> idsByName = new HashMap<>();
        List<Bson> clauses = new ArrayList<>();
        from.forEach((id, position) -> {
            Place place = places.get(id);
            if (place == null || place.position() != position) {
                unreadable.add(id);
                return;
            }
            asked.put(id, place);
            idsByName.put(place.name(), id);
            clauses.add(place.notYetSeen());
        });
        if (asked.isEmpty()) {
            return new TailFetch(List.of(), false, unreadable);
        }
        List<EventBatch> batches = new ArrayList<>();
        Map<String, Place> reached = new HashMap<>(asked);
        long now = ticker.read();
        int found = 0;
        long bytes = 0;
        for (BsonDocument document : buffer.find(clauses.size() == 1 ? clauses.get(0) : Filters.or(clauses))
                .sort(Sorts.ascending("created", "_id"))
                .limit(RECORDS_PER_QUERY)) {
            found++;
            String id = idsByName.get(document.getString("stream").getValue());
            Place place = id == null ? null : reached.get(id);
            if (id == null || place == null || unreadable.contains(id)) {
                continue;
            }
            try {
                PythonRecord record = PythonRecord.of(document);
                EventBatch batch = batch(id, place.position(), record);
                reached.put(id, place.after(record.key(), now));
                batches.add(batch);
                bytes += batch.bytes();
            } catch (RuntimeException e) {
                logger.warn("a record of stream {} cannot be read: {}", place.name(), e.toString());
                unreadable.add(id);
            }
            if (bytes >= maxBytes) {
                break;
            }
        }
        boolean cut = found == RECORDS_PER_QUERY || bytes >= maxBytes;
        reached.forEach((id, place) -> places.replace(id, asked.get(id), cut ? place.countedAt(now) : place));
        if (!cut) {
            recount(reached, now, unreadable);
        }
        unreadable.forEach(places::remove);
        // The query orders records by time, but the answer must order batches by stream.
        batches.sort(Comparator.comparing(EventBatch::stream).thenComparingLong(EventBatch::seq));
        return new TailFetch(batches, false, unreadable);
    }

    private static EventBatch batch(String id, long position, PythonRecord record) {
        List<Event> events = record.end() != null ? List.of() : List.of(new Event(position, null, record.data()));
        return EventBatch.of(record.key().id(), id, position, 1, events).withEnd(record.end());
    }

    private void recount(Map<String, Place> reached, long now, Set<String> unreadable) {
        Map<String, Place> doubtful = new HashMap<>();
        List<Bson> clauses = new ArrayList<>();
        reached.forEach((id, place) -> {
            PythonRecord.Key last = place.key();
            if (last != null && now - place.countedAt() > RECOUNT && !unreadable.contains(id)) {
                doubtful.put(id, place);
                // Counts only the records up to the last read one, because the producer may append meanwhile.
                clauses.add(place.seen(last));
            }
        });
        if (doubtful.isEmpty()) {
            return;
        }
        Map<String, Long> counts = new HashMap<>();
        buffer.aggregate(List.of(
                        Aggregates.match(Filters.or(clauses)),
                        Aggregates.group("$stream", Accumulators.sum("records", 1))))
                .forEach(group -> counts.put(
                        group.getString("_id").getValue(),
                        group.getNumber("records").longValue()));
        doubtful.forEach((id, place) -> {
            if (counts.getOrDefault(place.name(), 0L) == place.position()) {
                places.replace(id, place, place.countedAt(now));
            } else {
                logger.debug("stream {} has other records than those that were read", place.name());
                unreadable.add(id);
            }
        });
    }

    /** Returns a length that no reader exceeds, so that the poller checks no length, because {@link #fetch} already counts the records. */
    @Override
    public long length(String streamId) {
        return Long.MAX_VALUE;
    }
}
