// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import com.mongodb.ReadConcern;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.Database;
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
 * Stores streams in the MongoDB collection {@code handoff_events}, with one document for each batch of entries and a unique index on
 * (stream, seq).
 *
 * <pre>{@code
 * MongoClient client = MongoClients.create("mongodb://localhost:27017");
 * MongoDatabase database = client.getDatabase("handoff");
 * MongoEventStore store = MongoEventStore.builder(database, Executors.newScheduledThreadPool(4))
 *         .retention(Duration.ofHours(6))
 *         .build();
 * }</pre>
 *
 * <ol>
 *   <li>An append adds an event to the next batch of its stream. One unordered {@code insertMany} with batches of all streams is in flight
 *     at a time. Events appended meanwhile form the next batch. The store repeats a write with an unknown outcome with the same {@code
 *     _id}. If the document at the position of the batch has that {@code _id}, the batch is stored. If the document has another {@code
 *     _id}, the writer is fenced.
 *   <li>A writer with an epoch above 1 begins with a fence, an entry at the tail. The unique index then refuses the next batch of an
 *     earlier writer. The first writer requires a stream without entries.
 *   <li>All readers of a watched stream in this process share its tail in memory. A few loops fetch the tails. Events that this process has
 *     stored are in the tail at once. A read from the tail shows the stream as of the last fetch. Other reads query the database.
 * </ol>
 *
 * <p>The store writes events with the configured write concern, and ends and fences with {@code majority}. It keeps a document for the
 * retention time after the write. The retention time must be longer than the longest task.
 *
 * <p>Thread-safe. Reads, {@code appender}, {@code flush} and {@code end} block; only reads from the tail do not. {@code append} blocks
 * while too many bytes wait to be written.
 */
public final class MongoEventStore implements EventStore {

    /** The name of the collection. */
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
                TailSettings.of(builder.executor, builder.hintExecutor, builder.ticker, builder.poll)
                        .withLoops(builder.fetchLoops)
                        .withObserver(observer));
        this.fence = new Fence(database, builder.ticker, locks.get(), tail::offer);
        GroupCommitSettings settings = new GroupCommitSettings(
                builder.retryFor, builder.linger, builder.documentsPerSecond, builder.maxPendingBytes);
        this.commit = new GroupCommit(
                database, builder.executor, builder.ticker, locks.get(), settings, observer, tail::offer);
    }

    /**
     * Starts a change stream in addition to the polls, so that readers see events sooner. Does not block. Replica sets and sharded clusters
     * have change streams; on other servers the store continues to poll only.
     *
     * @param executor runs one job. The job blocks its thread, and ends only when the thread is interrupted
     * @throws java.util.concurrent.RejectedExecutionException if the executor rejects the job
     */
    public void followChanges(Executor executor) {
        if (changes != null) {
            executor.execute(new ChangeFeed(changes, tail));
        }
    }

    /**
     * Returns a builder of a store in a database. {@link dev.handoff.mongo.MongoIndexes} must have created the indexes of the database.
     *
     * @param executor runs the writes and the fetch loops. It needs one thread for writes and one for each fetch loop. It also runs the
     *     hints of readers, on all its threads but two, unless {@link Builder#hintExecutor} sets another executor. The store does not shut
     *     it down
     */
    public static Builder builder(MongoDatabase database, ScheduledExecutorService executor) {
        return new Builder(database, executor);
    }

    /** Returns a builder without a database, for {@link Builder#build(Database, Supplier)}. */
    static Builder builder(ScheduledExecutorService executor) {
        return new Builder(null, executor);
    }

    /** Returns the poller of the streams that have readers in this process. */
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

    /** Opens the writer of a stream like {@link #appender(String, int, Duration)}, with the time of {@link Builder#retryFor}. Blocks. */
    @Override
    public EventAppender appender(String streamId, int epoch) {
        return appender(streamId, epoch, retryFor);
    }

    /**
     * Opens the writer of a stream and fences each writer with a lower epoch. Blocks. For a time, repeats operations whose outcome is
     * unknown.
     *
     * @param retryFor how long to repeat; zero for one attempt and one read of its outcome
     * @throws IllegalArgumentException if the id or the epoch is invalid, or the time is negative or more than a hundred years
     * @throws StaleWriterException if the stream has ended, if it has entries of this epoch or a higher one, or if the epoch is 1 and the
     *     stream has any entry
     * @throws ProblemException with status 503 if the database refused the fence, if its outcome stays unknown, or if the thread is
     *     interrupted before the outcome is known. The fence may be stored nevertheless, so the caller must not use this epoch again
     */
    public EventAppender appender(String streamId, int epoch, Duration retryFor) {
        return new MongoEventAppender(commit, streamId, epoch, fence.takeOver(streamId, epoch, retryFor));
    }

    /** Sets the options of a store. Not thread-safe. */
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

        /** Sets the source of monotonic time for the pauses, retries and budgets of this process; the JVM's by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets the time limit of one operation on the database; 5 seconds by default. If an operation exceeds it, its outcome is unknown.
         * The store then repeats a write.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder operationTimeout(Duration operationTimeout) {
            this.operationTimeout = Durations.requireMillis("operationTimeout", operationTimeout);
            return this;
        }

        /**
         * Sets how many loops fetch the streams that have readers in this process; 2 by default. Each loop needs a thread of the store's
         * executor.
         *
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder fetchLoops(int fetchLoops) {
            this.fetchLoops = Counts.requirePositive("fetchLoops", fetchLoops);
            return this;
        }

        /**
         * Sets how long a document is kept after it was written; 24 hours by default. The time must be longer than the longest task.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder retention(Duration retention) {
            this.retention = Durations.requireMillis("retention", retention);
            return this;
        }

        /**
         * Sets how long the store repeats a write whose outcome is unknown, for example because the database cannot be reached; 2 minutes
         * by default. The time of each batch begins with its first attempt. When the time is over, the writer fails with status 503.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
         */
        public Builder retryFor(Duration retryFor) {
            this.retryFor = Durations.requireMillis("retryFor", retryFor);
            return this;
        }

        /**
         * Sets the shortest time between the beginnings of two writes, regardless of their streams; 6 ms by default, so that this process
         * makes at most 167 writes per second. Events appended meanwhile are written together. If nothing was written for this time, the
         * next event does not wait.
         *
         * @throws IllegalArgumentException if it is negative, or more than a hundred years
         */
        public Builder linger(Duration linger) {
            this.linger = Durations.requireNotNegative("linger", linger);
            return this;
        }

        /**
         * Sets the shortest and the longest time between two fetches of the streams that have readers in this process; 12 and 250 ms by
         * default. The process fetches a stream more often while new entries arrive.
         *
         * @throws IllegalArgumentException if a time is less than a millisecond or more than a hundred years, or the shortest is longer than the
         *     longest
         */
        public Builder poll(Duration shortest, Duration longest) {
            this.poll = new PollInterval(shortest, longest);
            return this;
        }

        /**
         * Sets the executor that runs the hints of readers; the store's executor by default. Hints format events, write to clients, and may
         * block. Each watch has at most one job on the executor. The executor needs one thread more than the number of hints that block at
         * the same time. If the store's executor runs the hints, it needs these threads in addition to those for writes and polls. The
         * executor must not run jobs in the thread that submits them. If it rejects a hint, the store drops the hint; the reader reads
         * again at the latest a second later.
         */
        public Builder hintExecutor(Executor hintExecutor) {
            this.hintExecutor = hintExecutor;
            return this;
        }

        /**
         * Sets the write concern of events; by default the one of the connection string, or {@code majority} if the string names none. Ends
         * and fences are always written with {@code majority}. With a weaker concern, a failover can lose events that readers have seen.
         * {@link #build()} refuses {@code w=0}.
         */
        public Builder writeConcern(WriteConcern writeConcern) {
            this.writeConcern = writeConcern;
            return this;
        }

        /**
         * Sets the read concern of events; by default the one of the connection string. If the string names none, the default is {@code
         * majority} on a replica set or a sharded cluster. With {@code local}, readers can see events that a failover removes.
         */
        public Builder readConcern(ReadConcern readConcern) {
            this.readConcern = readConcern;
            return this;
        }

        /**
         * Sets how many documents this process may write per second; 5,000 by default. A document holds the events that one stream has
         * buffered since its previous document. Above this budget, streams wait longer and write larger documents. The first document of a
         * writer and the end of a stream do not wait.
         *
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder documentsPerSecond(int documentsPerSecond) {
            this.documentsPerSecond = Counts.requirePositive("documentsPerSecond", documentsPerSecond);
            return this;
        }

        /** Sets an observer that receives measurements of the writes and reads of this store; none by default. */
        public Builder observer(HandoffObserver observer) {
            this.observer = observer;
            return this;
        }

        /**
         * Sets how many bytes of events may wait to be written, for all streams of this process together; by default an eighth of the heap,
         * but at least 4 and at most 64 MB. One stream may have 2 MB waiting. Above these limits {@code append} blocks, and so does the
         * {@code emit} of a handler.
         *
         * @throws IllegalArgumentException if it is less than 1
         */
        public Builder maxPendingBytes(long maxPendingBytes) {
            this.maxPendingBytes = Counts.requirePositive("maxPendingBytes", maxPendingBytes);
            return this;
        }

        /**
         * Returns the store. Does not connect or block.
         *
         * @throws IllegalArgumentException if the write concern is {@code w=0}
         */
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

        /** Returns a store that uses these operations. Its threads wait on locks of this supplier. */
        MongoEventStore build(Database operations, Supplier<Lock> locks) {
            return new MongoEventStore(this, operations, locks);
        }
    }
}
