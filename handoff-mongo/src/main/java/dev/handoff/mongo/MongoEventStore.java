package dev.handoff.mongo;

import com.mongodb.ErrorCategory;
import com.mongodb.MongoSocketException;
import com.mongodb.MongoWriteException;
import com.mongodb.ReadPreference;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Sorts;
import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.EventAppender;
import dev.handoff.EventId;
import dev.handoff.EventStore;
import dev.handoff.EventStream;
import dev.handoff.ProblemException;
import dev.handoff.StaleWriterException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Streams in MongoDB, in the collection {@code handoff_events}: one document for each minibatch, as {@link Minibatch} shows
 * it, with a unique index on (stream, seq).
 *
 * <ol>
 *   <li>An append goes into the next minibatch of its stream. One unordered {@code insertMany} of all streams' minibatches
 *       is in flight at a time; what comes meanwhile is the next. A write whose answer got lost is repeated with the same
 *       {@code _id}: found there means done, another {@code _id} at that seq means fenced.
 *   <li>A writer with an epoch above 1 begins by writing a fence at the tail. From then on the next minibatch of any writer
 *       before it collides with the fence: the unique index alone is the judge.
 *   <li>A stream that is watched is read from a tail that all its readers in this process share, and that one loop polls; what
 *       this process writes itself is in it at once. Such a read is as of the last poll. Other reads ask the store.
 * </ol>
 *
 * <p>Events are written with the write concern that is set, ends with {@code majority}. A document is kept for the retention
 * time after it was written, which must be longer than any task runs.
 */
public final class MongoEventStore implements EventStore {

    /** The collection. */
    public static final String COLLECTION = "handoff_events";

    /** So that a server that does not answer, on a connection that stays, is not waited for for ever. */
    static final long OPERATION_TIMEOUT_MILLIS = 5000;

    /** A reader that catches up may need few of them, if they hold many events each. */
    private static final int DOCUMENTS_PER_ANSWER = 40;

    private static final int MOST_LOST_ANSWERS = 3;
    private static final Logger logger = LoggerFactory.getLogger(MongoEventStore.class);

    private final MongoCollection<Document> events;
    private final GroupCommit commit;
    private final SharedTail tail;
    private final Executor executor;
    private final Clock clock;
    private final Duration retention;

    private MongoEventStore(Builder builder) {
        this.events = builder.database
                .getCollection(COLLECTION)
                .withReadPreference(ReadPreference.primary())
                .withTimeout(OPERATION_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
        this.executor = builder.executor;
        this.clock = builder.clock;
        this.retention = builder.retention;
        Executor hints = builder.hintExecutor == null ? builder.executor : builder.hintExecutor;
        this.tail = new SharedTail(events, builder.executor, hints, builder.shortestPoll, builder.longestPoll);
        this.commit = new GroupCommit(
                events.withWriteConcern(builder.writeConcern),
                builder.executor,
                clock,
                retention,
                builder.retryFor,
                builder.linger,
                tail::offer);
    }

    /**
     * Has reads follow a change stream as well as the polls, which makes them quicker where the server has one (a replica set
     * or a sharded cluster), and changes nothing where it has none.
     *
     * @param executor is given one job that goes on, blocked most of the time, until its thread is interrupted
     */
    public void followChanges(Executor executor) {
        executor.execute(new ChangeHints(events.withTimeout(0, TimeUnit.MILLISECONDS), tail::wake));
    }

    /**
     * Returns a builder of a store in a database that has the indexes of {@link MongoIndexes}.
     *
     * @param executor writes and polls, with one thread each, and runs the hints of readers unless
     *     {@link Builder#hintExecutor} sets another; belongs to the caller
     */
    public static Builder builder(MongoDatabase database, ScheduledExecutorService executor) {
        return new Builder(database, executor);
    }

    Executor executor() {
        return executor;
    }

    Duration retention() {
        return retention;
    }

    @Override
    public EventStream open(String streamId) {
        requireId(streamId);
        return new MongoEventStream(streamId);
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        requireId(streamId);
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch is less than 1: " + epoch);
        }
        // Nobody can have written before the first attempt.
        long next = epoch == 1 ? 0 : writeFence(streamId, epoch);
        return new MongoEventAppender(commit, streamId, epoch, next);
    }

    private static void requireId(String streamId) {
        // The id of an event checks that of its stream.
        new EventId(streamId, 0, 0);
    }

    /**
     * Returns the position after the fence. It is the same document at each try, so that one whose answer got lost is
     * recognized.
     */
    private long writeFence(String streamId, int epoch) {
        ObjectId id = new ObjectId();
        int lostAnswers = 0;
        while (true) {
            Minibatch last = lastOf(streamId);
            if (last != null && last.id().equals(id)) {
                tail.offer(last);
                return last.next();
            }
            if (last != null && last.end() != null) {
                throw new StaleWriterException("stream " + streamId + " has ended");
            }
            if (last != null && last.epoch() >= epoch) {
                throw new StaleWriterException("stream " + streamId + " has a writer with epoch " + last.epoch()
                        + ", so none can have " + epoch);
            }
            Minibatch fence = Minibatch.fence(id, streamId, last == null ? 0 : last.next(), epoch);
            try {
                Instant now = clock.instant();
                events.withWriteConcern(WriteConcern.MAJORITY).insertOne(fence.toDocument(now, now.plus(retention)));
                tail.offer(fence);
                return fence.next();
            } catch (MongoWriteException e) {
                // Somebody wrote meanwhile; look at the tail again.
                if (e.getError().getCategory() != ErrorCategory.DUPLICATE_KEY) {
                    throw e;
                }
            } catch (MongoSocketException e) {
                lostAnswers++;
                if (lostAnswers == MOST_LOST_ANSWERS) {
                    throw e;
                }
                logger.debug("the answer to a fence got lost, looking whether it is there", e);
            }
        }
    }

    private @Nullable Minibatch lastOf(String streamId) {
        Document last = events.find(Filters.eq("stream", streamId))
                .sort(Sorts.descending("seq"))
                .limit(1)
                .first();
        return last == null ? null : Minibatch.of(last);
    }

    private final class MongoEventStream implements EventStream {

        private final String id;
        private final AtomicInteger watches = new AtomicInteger();

        MongoEventStream(String id) {
            this.id = id;
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public Batch read(long after, int limit) {
            if (after < BEGINNING) {
                throw new IllegalArgumentException("position is less than -1: " + after);
            }
            if (limit < 1) {
                throw new IllegalArgumentException("limit is less than 1: " + limit);
            }
            TailedStream shared = watches.get() > 0 ? tail.get(id) : null;
            Batch known = shared == null ? null : shared.read(after, limit);
            if (known != null) {
                return known;
            }
            return fetch(after, limit, shared);
        }

        private Batch fetch(long after, int limit, @Nullable TailedStream shared) {
            long wanted = after + 1;
            List<Minibatch> found = minibatchesFrom(wanted, limit);
            long reached = found.isEmpty() ? 0 : wanted;
            if (wanted > 0 && (found.isEmpty() || found.get(0).seq() > wanted)) {
                // The first wanted event may stand in the middle of a minibatch.
                Minibatch before = lastBefore(wanted);
                if (before == null) {
                    // What the reader has had was there, and the rest alone would look like the whole.
                    throw new ProblemException(410, "stream_gone", "The stream is no longer kept.");
                }
                found.add(0, before);
                reached = before.next();
            }
            List<Event> events = new ArrayList<>();
            End end = null;
            for (Minibatch minibatch : found) {
                if (minibatch.seq() > reached) {
                    // Positions are dense: what is missing was dropped, and the rest would look like the whole.
                    throw new ProblemException(410, "stream_gone", "The stream is no longer kept.");
                }
                for (Event event : minibatch.events()) {
                    if (event.position() >= wanted) {
                        if (events.size() == limit) {
                            return new Batch(events, events.get(limit - 1).position(), null);
                        }
                        events.add(event);
                    }
                }
                reached = minibatch.next();
                end = minibatch.end();
            }
            // A reader may ask for what is beyond the tail: that is not where it is followed from.
            if (shared != null && end == null && reached >= wanted) {
                shared.follow(reached);
            }
            return new Batch(events, end == null ? Math.max(after, reached - 1) : reached - 1, end);
        }

        /** Those that begin there or later, until they hold more events than wanted, so that an end behind them is seen. */
        private List<Minibatch> minibatchesFrom(long seq, int limit) {
            List<Minibatch> found = new ArrayList<>();
            try (MongoCursor<Document> cursor = events.find(
                            Filters.and(Filters.eq("stream", id), Filters.gte("seq", seq)))
                    .sort(Sorts.ascending("seq"))
                    .batchSize(DOCUMENTS_PER_ANSWER)
                    .cursor()) {
                for (int count = 0; count <= limit && cursor.hasNext(); ) {
                    Minibatch minibatch = Minibatch.of(cursor.next());
                    found.add(minibatch);
                    count += minibatch.events().size();
                }
            }
            return found;
        }

        private @Nullable Minibatch lastBefore(long seq) {
            Document last = events.find(Filters.and(Filters.eq("stream", id), Filters.lt("seq", seq)))
                    .sort(Sorts.descending("seq"))
                    .limit(1)
                    .first();
            return last == null ? null : Minibatch.of(last);
        }

        @Override
        public Watch watch(Runnable hint) {
            watches.incrementAndGet();
            AtomicReference<@Nullable Watch> open = new AtomicReference<>(tail.watch(id, hint));
            return () -> {
                Watch watch = open.getAndSet(null);
                if (watch != null) {
                    watches.decrementAndGet();
                    watch.close();
                }
            };
        }

        @Override
        public long last() {
            Minibatch last = lastOf(id);
            return last == null ? BEGINNING : last.next() - 1;
        }

        @Override
        public long eventCount() {
            Minibatch last = lastOf(id);
            if (last == null) {
                return 0;
            }
            long entries = last.next() - (last.end() == null ? 0 : 1);
            // Only a second or later attempt begins with a fence.
            return last.epoch() == 1
                    ? entries
                    : entries - events.countDocuments(Filters.and(Filters.eq("stream", id), Filters.eq("fence", true)));
        }

        @Override
        public Optional<End> end() {
            TailedStream shared = watches.get() > 0 ? tail.get(id) : null;
            if (shared != null && shared.isFollowed()) {
                return Optional.ofNullable(shared.end());
            }
            Minibatch last = lastOf(id);
            End end = last == null ? null : last.end();
            if (shared != null && end == null) {
                // Who waits for the end alone is told by the poll, too.
                shared.follow(last == null ? 0 : last.next());
            }
            return Optional.ofNullable(end);
        }
    }

    /** The settings of a store. */
    public static final class Builder {

        private final MongoDatabase database;
        private final ScheduledExecutorService executor;
        private Clock clock = Clock.systemUTC();
        private Duration retention = Duration.ofHours(24);
        private Duration retryFor = Duration.ofSeconds(30);
        private Duration linger = Duration.ofMillis(6);
        private Duration shortestPoll = Duration.ofMillis(12);
        private Duration longestPoll = Duration.ofMillis(250);
        private WriteConcern writeConcern = WriteConcern.ACKNOWLEDGED;
        private @Nullable Executor hintExecutor;

        private Builder(MongoDatabase database, ScheduledExecutorService executor) {
            this.database = database;
            this.executor = executor;
        }

        /** The clock for the times in documents; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** How long a document is kept after it was written; 24 hours by default. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /** How long a write is repeated while the store cannot be reached; 30 seconds by default. */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requirePositive("retryFor", retryFor);
            return this;
        }

        /**
         * How long after the beginning of one write the next one begins at the earliest, be it of the same stream or of another;
         * 6 ms by default, so that this process makes no more than 167 writes a second. What comes meanwhile is written together.
         *
         * @throws IllegalArgumentException if it is negative, or more than a hundred years
         */
        public Builder linger(Duration linger) {
            this.linger = Durations.requireNotNegative("linger", linger);
            return this;
        }

        /**
         * How often streams are asked for that are read here: between these two, depending on whether something moves. 12 and
         * 250 ms by default.
         */
        public Builder poll(Duration shortest, Duration longest) {
            this.shortestPoll = Durations.requirePositive("shortest", shortest);
            this.longestPoll = Durations.requirePositive("longest", longest);
            return this;
        }

        /**
         * Sets the executor that runs the hints of readers, since these format and write and may block; that of the store by
         * default. A watch never has more than one job on it. It needs one thread more than hints may block at the same
         * time. The executor of the store needs them besides the threads that write and poll. It must not run
         * jobs in the thread that submits them. A hint that it rejects is dropped, and the reader looks again by itself.
         */
        public Builder hintExecutor(Executor hintExecutor) {
            this.hintExecutor = hintExecutor;
            return this;
        }

        /** How durable an event is when it is acknowledged; {@code w: 1} by default. Ends are always {@code majority}. */
        public Builder writeConcern(WriteConcern writeConcern) {
            this.writeConcern = writeConcern;
            return this;
        }

        /** The store. */
        public MongoEventStore build() {
            return new MongoEventStore(this);
        }
    }
}
