package dev.handoff.mongo.stream;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.DatabaseSettings;
import dev.handoff.mongo.database.MongoOperations;
import dev.handoff.mongo.tail.PollInterval;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.tail.TailSettings;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.store.StreamId;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.bson.Document;
import org.jspecify.annotations.Nullable;

/**
 * Streams in MongoDB, in the collection {@code handoff_events}: one document for each batch of entries, with a unique index on (stream, seq).
 *
 * <ol>
 *   <li>An append goes into the next batch of its stream. One unordered {@code insertMany} with batches of all streams is in flight at a time. What is
 *       appended meanwhile becomes the next batch. A write with an unknown outcome is repeated with the same {@code _id}. If that {@code _id} stands at
 *       its position, it is stored; if another one does, the writer is fenced.
 *   <li>A writer with an epoch above 1 begins with a fence at the tail. Whatever an earlier writer writes afterwards collides with the fence in the
 *       unique index. The first writer accepts only a stream without entries.
 *   <li>All readers of a watched stream in this process share a tail. A few loops fetch the tails. Events that this process writes are in
 *       them at once. Such a read shows the stream as of the last fetch. Other reads ask the database.
 * </ol>
 *
 * <p>Events are written with the write concern that is set, ends and fences with {@code majority}. A document is kept for the retention time after it
 * was written, which must be longer than any task runs.
 *
 * <p>Thread-safe. Reads block, and so do {@code appender}, {@code flush} and {@code end}; {@code append} blocks if too much waits to be written.
 */
public final class MongoEventStore implements EventStore {

    /** The collection. */
    public static final String COLLECTION = MongoOperations.EVENTS;

    private final Database database;
    private final @Nullable MongoCollection<Document> changes;
    private final GroupCommit commit;
    private final Fence fence;
    private final TailPoller tail;
    private final Executor executor;
    private final Duration retention;
    private final Duration retryFor;

    private MongoEventStore(Builder builder, Database database, Supplier<Lock> locks) {
        this.database = database;
        this.changes = builder.database == null ? null : builder.database.getCollection(COLLECTION);
        this.executor = builder.executor;
        this.retention = builder.retention;
        this.retryFor = builder.retryFor;
        HandoffObserver observer = GuardedObserver.of(builder.observer);
        this.tail = new TailPoller(
                new DatabaseTail(database),
                new TailSettings(
                        builder.executor,
                        builder.hintExecutor,
                        builder.ticker,
                        builder.poll,
                        builder.fetchLoops,
                        TailSettings.defaultWindowBytes(),
                        observer));
        this.fence = new Fence(database, builder.ticker, locks.get(), tail::offer);
        this.commit = new GroupCommit(
                database,
                builder.executor,
                builder.ticker,
                locks.get(),
                new GroupCommitSettings(
                        builder.retryFor, builder.linger, builder.documentsPerSecond, builder.maxPendingBytes),
                observer,
                tail::offer);
    }

    /**
     * Lets readers follow a change stream besides the polls. Readers then see events sooner if the server has change streams, which a replica set
     * and a sharded cluster have. With any other server nothing changes.
     *
     * @param executor runs one job, which blocks most of the time and ends only when its thread is interrupted
     */
    public void followChanges(Executor executor) {
        if (changes != null) {
            executor.execute(new ChangeFeed(changes, tail));
        }
    }

    /**
     * Returns a builder of a store in a database that has the indexes of {@link dev.handoff.mongo.MongoIndexes}.
     *
     * @param executor writes with one thread and polls with one thread for each fetch loop. Unless {@link Builder#hintExecutor} sets another, it also
     *     runs the hints of readers, with all threads but two. The caller owns it and shuts it down
     */
    public static Builder builder(MongoDatabase database, ScheduledExecutorService executor) {
        return new Builder(database, executor);
    }

    /** Returns a builder of a store whose operations go somewhere else, for {@link Builder#build(Database, Supplier)}. */
    static Builder builder(ScheduledExecutorService executor) {
        return new Builder(null, executor);
    }

    /** Returns what follows the streams that have readers in this process. */
    TailPoller tail() {
        return tail;
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
        StreamId.require(streamId);
        return new MongoEventStream(streamId, database, tail);
    }

    /** Opens a writer, and repeats operations whose outcome is unknown for {@link Builder#retryFor}. Blocks. */
    @Override
    public EventAppender appender(String streamId, int epoch) {
        return appender(streamId, epoch, retryFor);
    }

    /**
     * Opens a writer as {@link #appender(String, int)} does, and repeats operations whose outcome is unknown for a time. Blocks.
     *
     * @param retryFor zero for one attempt and a look at what became of it
     * @throws IllegalArgumentException if the id or the epoch is invalid, or the time is negative or more than a hundred years
     * @throws StaleWriterException if the stream has ended, has a writer with this epoch or a higher one, or has entries before epoch 1
     * @throws ProblemException with status 503 if the database refused the fence, or if its outcome stays unknown or the thread is interrupted
     *     before it is known. The caller must not use this epoch again, since the fence may exist
     */
    public EventAppender appender(String streamId, int epoch, Duration retryFor) {
        StreamId.require(streamId);
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch is less than 1: " + epoch);
        }
        Durations.requireNotNegative("retryFor", retryFor);
        long next;
        try {
            next = fence.write(streamId, epoch, retryFor);
        } catch (DatabaseException e) {
            throw new ProblemException(new Problem(503, "store_unreachable", "The event store cannot be reached."), e);
        }
        return new MongoEventAppender(commit, streamId, epoch, next);
    }

    /** The settings of a store. */
    public static final class Builder {

        private final @Nullable MongoDatabase database;
        private final ScheduledExecutorService executor;
        private Ticker ticker = Ticker.system();
        private Duration operationTimeout = Duration.ofSeconds(5);
        private Duration retention = Duration.ofHours(24);
        private Duration retryFor = Duration.ofMinutes(2);
        private Duration linger = Duration.ofMillis(6);
        private PollInterval poll = new PollInterval(Duration.ofMillis(12), Duration.ofMillis(250));
        private int fetchLoops = TailSettings.LOOPS;
        private @Nullable WriteConcern writeConcern;
        private @Nullable ReadConcern readConcern;
        private int documentsPerSecond = 5000;
        private long maxPendingBytes = GroupCommitSettings.defaultMaxPendingBytes();
        private HandoffObserver observer = HandoffObserver.NONE;
        private @Nullable Executor hintExecutor;

        private Builder(@Nullable MongoDatabase database, ScheduledExecutorService executor) {
            this.database = database;
            this.executor = executor;
        }

        /** Sets the monotonic time that pauses, retries and budgets of this process use; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets the time limit of one operation on the database; 5 seconds by default. When it is over, the outcome of the operation is unknown, and a
         * write is repeated.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder operationTimeout(Duration operationTimeout) {
            this.operationTimeout = Durations.requireMillis("operationTimeout", operationTimeout);
            return this;
        }

        /**
         * Sets how many loops fetch the streams that have readers here; 2 by default. Each needs a thread of the store's executor.
         *
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder fetchLoops(int fetchLoops) {
            Counts.requirePositive("fetchLoops", fetchLoops);
            this.fetchLoops = fetchLoops;
            return this;
        }

        /**
         * Sets how long a document is kept after it was written; 24 hours by default. It must be longer than any task runs.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder retention(Duration retention) {
            this.retention = Durations.requireMillis("retention", retention);
            return this;
        }

        /**
         * Sets how long a write is repeated while its outcome is unknown, for example while the database cannot be reached; 2 minutes by default. The
         * time of each batch counts from its first attempt. When it is over, the stream fails with status 503.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requireMillis("retryFor", retryFor);
            return this;
        }

        /**
         * Sets how long after the beginning of one write the next write begins at the earliest, whatever streams it has; 6 ms by default, so that this
         * process makes at most 167 writes a second. What is appended meanwhile is written together. A first event after a pause does not wait.
         *
         * @throws IllegalArgumentException if it is negative, or more than a hundred years
         */
        public Builder linger(Duration linger) {
            this.linger = Durations.requireNotNegative("linger", linger);
            return this;
        }

        /**
         * Sets how often this process fetches the streams that are watched here; every 12 to 250 ms by default. It fetches more often while new
         * entries arrive.
         *
         * @throws IllegalArgumentException if a time is less than a millisecond or more than a hundred years, or the shortest is longer than the
         *     longest
         */
        public Builder poll(Duration shortest, Duration longest) {
            this.poll = new PollInterval(shortest, longest);
            return this;
        }

        /**
         * Sets the executor that runs the hints of readers; that of the store by default. Hints format events and write to clients, and may block. A
         * watch has at most one job on it. It needs one thread more than the number of hints that block at the same time. If the executor of the
         * store runs hints, it needs these threads besides the threads that write and poll. The executor must not run jobs in the thread that submits
         * them. If it rejects a hint, the hint is dropped, and the reader looks again by itself.
         */
        public Builder hintExecutor(Executor hintExecutor) {
            this.hintExecutor = hintExecutor;
            return this;
        }

        /**
         * Sets how durable an event is when it is acknowledged; by default what the connection string says, or {@code majority} if it says nothing.
         * Ends and fences are always {@code majority}. With a weaker concern, a failover can lose events that readers have seen.
         */
        public Builder writeConcern(WriteConcern writeConcern) {
            this.writeConcern = writeConcern;
            return this;
        }

        /**
         * Sets the read concern; by default what the connection string says, or {@code majority} on a replica set and a sharded cluster if it says
         * nothing. With {@code local}, readers can see events that a failover removes.
         */
        public Builder readConcern(ReadConcern readConcern) {
            this.readConcern = readConcern;
            return this;
        }

        /**
         * Sets how many documents this process writes in a second at most; 5,000 by default. A document has the events that one stream has gathered
         * since its last document. Above the budget, streams wait longer and write larger documents. The first document of a stream and its end do
         * not wait.
         *
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder documentsPerSecond(int documentsPerSecond) {
            Counts.requirePositive("documentsPerSecond", documentsPerSecond);
            this.documentsPerSecond = documentsPerSecond;
            return this;
        }

        /** Sets an observer, which is told what this store writes and reads; by default none. */
        public Builder observer(HandoffObserver observer) {
            this.observer = observer;
            return this;
        }

        /**
         * Sets how many bytes of events all streams of this process may have waiting for the store; by default an eighth of the heap, but at least 4
         * and at most 64 MB. One stream may have 2 MB. Above that, {@code emit} blocks.
         *
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder maxPendingBytes(long maxPendingBytes) {
            this.maxPendingBytes = Counts.requirePositive("maxPendingBytes", maxPendingBytes);
            return this;
        }

        /** Returns the store. Does not connect. */
        public MongoEventStore build() {
            MongoDatabase own = Objects.requireNonNull(database, "database");
            return build(
                    new MongoOperations(
                            own,
                            DatabaseSettings.keeping(retention, retention)
                                    .withTimeout(operationTimeout)
                                    .withWriteConcern(writeConcern)
                                    .withReadConcern(readConcern)
                                    .withTicker(ticker)),
                    ReentrantLock::new);
        }

        /** Returns a store that reads and writes there, and whose threads wait on such locks. */
        MongoEventStore build(Database operations, Supplier<Lock> locks) {
            return new MongoEventStore(this, operations, locks);
        }
    }
}
