package dev.handoff.minibatch;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Accumulators;
import com.mongodb.client.model.Aggregates;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Sorts;
import dev.handoff.Event;
import dev.handoff.EventStream;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.tail.Hint;
import dev.handoff.mongo.tail.PollingLoop;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.tail.TailWindow;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.bson.BsonDocument;
import org.bson.conversions.Bson;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows all streams of minibatch that have readers in this process with one polling loop, as {@link TailPoller} does for
 * ours. Here nothing tells that a record is missing, so while a stream is silent its records are counted once a second. If
 * there are others than those that were seen, all that is known of it is forgotten, and readers ask the store.
 */
final class BufferTail {

    private static final Logger logger = LoggerFactory.getLogger(BufferTail.class);
    private static final int STREAMS_PER_QUERY = 100;
    private static final int RECORDS_PER_QUERY = 500;
    private static final long SILENCE_MILLIS = 5000;
    private static final long RECOUNT_MILLIS = 1000;

    private final MongoCollection<BsonDocument> buffer;
    private final Executor hintExecutor;
    private final long shortestMillis;
    private final long longestMillis;
    private final ConcurrentMap<String, Followed> streams = new ConcurrentHashMap<>();
    private final PollingLoop polling;

    BufferTail(
            MongoCollection<BsonDocument> buffer,
            ScheduledExecutorService executor,
            Executor hintExecutor,
            Duration shortest,
            Duration longest) {
        this.buffer = buffer;
        this.hintExecutor = hintExecutor;
        this.shortestMillis = shortest.toMillis();
        this.longestMillis = longest.toMillis();
        this.polling = new PollingLoop(executor, shortest, streams::isEmpty, this::fetchDue);
    }

    /**
     * Registers a hint that runs when there may be more of a stream.
     *
     * @param name what minibatch calls the stream
     * @param streamId what we call it
     */
    EventStream.Watch watch(String name, String streamId, Runnable hint) {
        Hint watch = new Hint(hint, hintExecutor);
        streams.compute(name, (key, known) -> {
            Followed stream = known == null ? new Followed(name, streamId, shortestMillis) : known;
            stream.watches.add(watch);
            return stream;
        });
        polling.begin();
        return () -> {
            watch.close();
            streams.computeIfPresent(name, (key, stream) -> {
                stream.watches.remove(watch);
                return stream.watches.isEmpty() ? null : stream;
            });
        };
    }

    /** Returns what this process knows of a stream that is watched here; null if it is not watched. */
    @Nullable
    Followed get(String name) {
        Followed stream = streams.get(name);
        if (stream != null) {
            // As in the shared tail: it may have stopped because the executor failed.
            polling.begin();
        }
        return stream;
    }

    private void fetchDue() {
        long now = now();
        List<Followed> due = new ArrayList<>();
        for (Followed stream : streams.values()) {
            if (stream.dueAt <= now && stream.isOpen()) {
                due.add(stream);
            }
        }
        for (int i = 0; i < due.size(); i += STREAMS_PER_QUERY) {
            fetch(due.subList(i, Math.min(i + STREAMS_PER_QUERY, due.size())));
        }
    }

    private void fetch(List<Followed> due) {
        Map<String, Followed> byName = new HashMap<>();
        List<Bson> clauses = new ArrayList<>(due.size());
        for (Followed stream : due) {
            byName.put(stream.name, stream);
            clauses.add(stream.notYetSeen());
        }
        List<BsonDocument> found = buffer.find(clauses.size() == 1 ? clauses.get(0) : Filters.or(clauses))
                .sort(Sorts.ascending("created", "_id"))
                .limit(RECORDS_PER_QUERY)
                .into(new ArrayList<>());
        Set<Followed> moved = new HashSet<>();
        for (BsonDocument document : found) {
            Followed stream = byName.get(document.getString("stream").getValue());
            if (stream != null && stream.take(document)) {
                moved.add(stream);
            }
        }
        moved.forEach(Followed::tell);
        boolean cutShort = found.size() == RECORDS_PER_QUERY;
        long now = now();
        Map<String, Followed> doubtful = new HashMap<>();
        for (Followed stream : due) {
            if (moved.contains(stream) || cutShort) {
                stream.quietSince = now;
                stream.countedAt = now;
            }
            boolean quiet = now - stream.quietSince > SILENCE_MILLIS;
            stream.interval = quiet ? Math.min(stream.interval * 3 / 2 + 1, longestMillis) : shortestMillis;
            stream.dueAt = now + (quiet ? stream.interval : 0);
            if (now - stream.countedAt > RECOUNT_MILLIS) {
                stream.countedAt = now;
                doubtful.put(stream.name, stream);
            }
        }
        if (!doubtful.isEmpty()) {
            recount(doubtful);
        }
    }

    private void recount(Map<String, Followed> doubtful) {
        Map<String, Long> counts = new HashMap<>();
        buffer.aggregate(List.of(
                        Aggregates.match(Filters.in("stream", doubtful.keySet())),
                        Aggregates.group("$stream", Accumulators.sum("records", 1))))
                .forEach(group -> counts.put(
                        group.getString("_id").getValue(),
                        group.getNumber("records").longValue()));
        doubtful.forEach((name, stream) -> {
            if (stream.forgetUnless(counts.getOrDefault(name, 0L))) {
                logger.debug("stream {} has other records than those that were seen", name);
                stream.tell();
            }
        });
    }

    private static long now() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }

    /** A stream that is watched here, and its tail, once a reader has come there. */
    static final class Followed {

        private final String name;
        private final String streamId;
        private final CopyOnWriteArrayList<Hint> watches = new CopyOnWriteArrayList<>();

        private final ReentrantLock lock = new ReentrantLock();
        // Guarded by the lock. All of them are about the same moment.
        private @Nullable TailWindow tail;
        private BufferRecord.@Nullable Key last;
        private long next;
        private boolean ended;

        // Only the polling loop's.
        private long dueAt;
        private long quietSince = now();
        private long countedAt = quietSince;
        private long interval;

        private Followed(String name, String streamId, long interval) {
            this.name = name;
            this.streamId = streamId;
            this.interval = interval;
        }

        private void tell() {
            watches.forEach(Hint::tell);
        }

        /** What is known after a position; null if the store has to be asked. */
        EventStream.@Nullable Batch read(long after, int limit) {
            lock.lock();
            try {
                return tail == null ? null : tail.read(after, limit);
            } finally {
                lock.unlock();
            }
        }

        /**
         * From now on the tail is followed from here: a reader has asked the store and seen all that was before.
         *
         * @param key that of the record before; null if there is none
         */
        void follow(long position, BufferRecord.@Nullable Key key) {
            lock.lock();
            try {
                if (tail == null) {
                    tail = new TailWindow(streamId);
                    tail.follow(position);
                    next = position;
                    last = key;
                }
            } finally {
                lock.unlock();
            }
        }

        private boolean isOpen() {
            lock.lock();
            try {
                return tail != null && !ended;
            } finally {
                lock.unlock();
            }
        }

        /** Exactly that: many may be of the same millisecond, and an answer that is full of what was seen has nothing new. */
        private Bson notYetSeen() {
            lock.lock();
            try {
                Bson own = Filters.eq("stream", name);
                return last == null
                        ? own
                        : Filters.and(
                                own,
                                Filters.or(
                                        Filters.gt("created", last.date()),
                                        Filters.and(Filters.eq("created", last.date()), Filters.gt("_id", last.id()))));
            } finally {
                lock.unlock();
            }
        }

        /** Returns whether readers have to be told. */
        private boolean take(BsonDocument document) {
            lock.lock();
            try {
                if (tail == null || ended) {
                    return false;
                }
                BufferRecord record = BufferRecord.of(document);
                if (last != null && record.key().compareTo(last) <= 0) {
                    return false;
                }
                boolean end = record.end() != null;
                List<Event> events = end ? List.of() : List.of(new Event(next, null, record.data()));
                tail.offer(new EventBatch(record.key().id(), streamId, next, 1, events, record.end(), false));
                last = record.key();
                next++;
                ended = end;
                return true;
            } catch (RuntimeException e) {
                // Not what minibatch writes. Those who read this stream will be told; the others must not suffer.
                logger.warn("a record of stream {} cannot be read: {}", name, e.toString());
                tail = null;
                return true;
            } finally {
                lock.unlock();
            }
        }

        /** Returns whether anything was forgotten. */
        private boolean forgetUnless(long count) {
            lock.lock();
            try {
                if (tail == null || ended || count == next) {
                    return false;
                }
                tail = null;
                return true;
            } finally {
                lock.unlock();
            }
        }
    }
}
