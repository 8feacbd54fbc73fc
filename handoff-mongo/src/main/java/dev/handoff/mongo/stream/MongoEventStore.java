package dev.handoff.mongo.stream;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import dev.handoff.EventAppender;
import dev.handoff.EventId;
import dev.handoff.EventStore;
import dev.handoff.EventStream;
import dev.handoff.StaleWriterException;
import dev.handoff.Ticker;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.DatabaseSettings;
import dev.handoff.mongo.database.Durations;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.MongoOperations;
import dev.handoff.mongo.tail.TailPoller;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Streams in MongoDB, in the collection {@code handoff_events}: one document for each minibatch, as {@link EventBatch} shows
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
    public static final String COLLECTION = MongoOperations.EVENTS;

    private static final int MOST_LOST_ANSWERS = 3;
    private static final Logger logger = LoggerFactory.getLogger(MongoEventStore.class);

    private final Database database;
    private final MongoCollection<Document> changes;
    private final GroupCommit commit;
    private final TailPoller tail;
    private final Executor executor;
    private final Duration retention;

    private MongoEventStore(Builder builder) {
        this.database = new MongoOperations(
                builder.database,
                new DatabaseSettings(
                        builder.retention,
                        builder.retention,
                        builder.operationTimeout,
                        builder.writeConcern,
                        builder.readConcern,
                        builder.ticker));
        this.changes = builder.database.getCollection(COLLECTION);
        this.executor = builder.executor;
        this.retention = builder.retention;
        Executor hints = builder.hintExecutor == null ? builder.executor : builder.hintExecutor;
        this.tail = new TailPoller(database::tails, builder.executor, hints, builder.shortestPoll, builder.longestPoll);
        this.commit = new GroupCommit(database, builder.executor, builder.retryFor, builder.linger, tail::offer);
    }

    /**
     * Has reads follow a change stream as well as the polls, which makes them quicker where the server has one (a replica set
     * or a sharded cluster), and changes nothing where it has none.
     *
     * @param executor is given one job that goes on, blocked most of the time, until its thread is interrupted
     */
    public void followChanges(Executor executor) {
        executor.execute(new ChangeFeed(changes, tail::wake));
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

    /** Returns the executor that writes and polls. */
    public Executor executor() {
        return executor;
    }

    /** Returns how long an event is kept after it was written. */
    public Duration retention() {
        return retention;
    }

    @Override
    public EventStream open(String streamId) {
        requireId(streamId);
        return new MongoEventStream(streamId, database, tail);
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

    /**
     * Returns a writer as {@link #appender(String, int)} does.
     *
     * @param retryFor how long it repeats a write that is not acknowledged
     */
    public EventAppender appender(String streamId, int epoch, Duration retryFor) {
        return appender(streamId, epoch);
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
            EventBatch last = database.last(streamId).orElse(null);
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
            EventBatch fence = EventBatch.fence(id, streamId, last == null ? 0 : last.next(), epoch);
            InsertOutcome outcome = database.insert(List.of(fence)).get(0);
            switch (outcome.kind()) {
                case STORED -> {
                    tail.offer(fence);
                    return fence.next();
                }
                case REFUSED -> throw DatabaseException.refused(outcome.detail(), null);
                case DUPLICATE -> logger.debug("another writer of stream {} was faster than its fence", streamId);
                case UNKNOWN -> {
                    lostAnswers++;
                    if (lostAnswers == MOST_LOST_ANSWERS) {
                        throw DatabaseException.unknown(outcome.detail(), null);
                    }
                }
            }
        }
    }

    /** The settings of a store. */
    public static final class Builder {

        private final MongoDatabase database;
        private final ScheduledExecutorService executor;
        private Ticker ticker = Ticker.system();
        private Duration operationTimeout = Duration.ofSeconds(5);
        private Duration retention = Duration.ofHours(24);
        private Duration retryFor = Duration.ofMinutes(2);
        private Duration linger = Duration.ofMillis(6);
        private Duration shortestPoll = Duration.ofMillis(12);
        private Duration longestPoll = Duration.ofMillis(250);
        private @Nullable WriteConcern writeConcern;
        private @Nullable ReadConcern readConcern;
        private @Nullable Executor hintExecutor;

        private Builder(MongoDatabase database, ScheduledExecutorService executor) {
            this.database = database;
            this.executor = executor;
        }

        /** Sets the ticker that measures when something is due in this process; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** Sets the time limit of one operation on the database; 5 seconds by default. */
        public Builder operationTimeout(Duration operationTimeout) {
            this.operationTimeout = Durations.requirePositive("operationTimeout", operationTimeout);
            return this;
        }

        /** How long a document is kept after it was written; 24 hours by default. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /** How long a write is repeated while the store cannot be reached; 2 minutes by default. */
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

        /**
         * Sets how durable an event is when it is acknowledged; by default what the connection string says, or {@code majority} if it says nothing.
         * Ends and fences are always {@code majority}. With less, a failover can lose events that readers have seen.
         */
        public Builder writeConcern(WriteConcern writeConcern) {
            this.writeConcern = writeConcern;
            return this;
        }

        /**
         * Sets the read concern; by default what the connection string says, or {@code majority} on a replica set and a sharded cluster if it says
         * nothing.
         */
        public Builder readConcern(ReadConcern readConcern) {
            this.readConcern = readConcern;
            return this;
        }

        /** The store. */
        public MongoEventStore build() {
            return new MongoEventStore(this);
        }
    }
}
