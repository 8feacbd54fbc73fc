package dev.handoff.minibatch;

import com.mongodb.MongoException;
import com.mongodb.client.MongoDatabase;
import dev.handoff.check.Durations;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.tail.PollInterval;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.tail.TailSettings;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StreamId;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The streams that Python workers of omega-ml write through the package minibatch, for reading: its collection
 * {@code buffer}, one document for each chunk.
 *
 * <pre>
 * { _id: ObjectId, stream: string, data: document, processed: boolean, created: date }
 * </pre>
 *
 * <ol>
 *   <li>The records of a stream are in the order of (created, _id). The position of an event is its rank in it.
 *   <li>An event has no type. Its data is {@code data} as relaxed Extended JSON: plain JSON, with objects such as
 *       <code>{"$date": …}</code> for what JSON has no form for.
 *   <li>The first record with {@code stream_complete} is the end: completed without a result if the value begins with
 *       {@code stop}, failed if it begins with {@code error}. What stands after it is not shown. The {@code message} of a
 *       failure is not shown either: it is the {@code repr} of an exception, which may hold paths, addresses and
 *       credentials. The client is told what it is told when a handler in Java throws: 500, {@code handler_failed}.
 *   <li>Streams that are watched are read from a tail that all readers in this process share, and that one loop polls. Other
 *       reads ask the store.
 * </ol>
 *
 * <p>Nothing is changed or deleted, no index is made, and any number of readers see the same. minibatch's own consumers
 * delete what they have read, so none must be used on a stream that is read here, except one that is started with
 * {@code keep=True}. A reader that finds less than it has read is told that the stream is gone (410).
 *
 * <p>Records have no sequence number and their writers no lease, so this is less than what {@link MongoEventStore} promises:
 *
 * <ul>
 *   <li>A stream must be written by one thread of one process at a time. A position always means the same event as long as
 *       the clock of that process is not set back meanwhile. If it is, a reader may miss an event and see another one twice,
 *       but comes to the end in any case.
 *   <li>A producer that dies without an end record leaves a stream that does not end.
 *   <li>Nobody is fenced, and nothing expires.
 * </ul>
 *
 * <p>To serve these streams next to those of our own, give {@link dev.handoff.Handoff} what {@link #store} and
 * {@link #dispatcher} make.
 *
 * <p>Thread-safe.
 */
public final class PythonStreams implements EventStore {

    /** The collection of the records. */
    public static final String COLLECTION = "buffer";

    private final RecordReader records;
    private final Function<String, String> names;
    private final PythonTailSource source;
    private final TailPoller tail;
    private final Clock clock;
    private final Duration patience;

    private PythonStreams(Builder builder) {
        this.records = new RecordReader(builder.database);
        this.names = builder.names;
        this.source = new PythonTailSource(records.buffer(), builder.ticker);
        this.tail = new TailPoller(
                source, TailSettings.of(builder.executor, builder.hintExecutor, builder.ticker, builder.poll));
        this.clock = builder.clock;
        this.patience = builder.patience;
    }

    /**
     * Returns a builder of a reader of the streams in a database.
     *
     * @param executor polls, with one thread, and runs the hints of readers unless {@link Builder#hintExecutor} sets another;
     *     belongs to the caller
     * @param names gives what minibatch calls a stream, for our id of it; see {@link #named}
     */
    public static Builder builder(
            MongoDatabase database, ScheduledExecutorService executor, Function<String, String> names) {
        return new Builder(database, executor, names);
    }

    /**
     * Names that are made from a pattern, such as {@code omegaml.streams/..system/complete/{id}.stream}.
     *
     * @param pattern a name with <code>{id}</code>, which stands for our id written as a UUID: that of a Celery task
     * @throws IllegalArgumentException if there is no <code>{id}</code> in it
     */
    public static Function<String, String> named(String pattern) {
        if (!pattern.contains("{id}")) {
            throw new IllegalArgumentException("there is no {id} in the pattern of stream names: " + pattern);
        }
        return id -> pattern.replace("{id}", uuid(id));
    }

    private static String uuid(String id) {
        return String.join(
                "-",
                id.substring(0, 8),
                id.substring(8, 12),
                id.substring(12, 16),
                id.substring(16, 20),
                id.substring(20));
    }

    @Override
    public EventStream open(String streamId) {
        StreamId.require(streamId);
        return new PythonStream(streamId, names.apply(streamId), records, source, tail);
    }

    /** Not possible. */
    @Override
    public EventAppender appender(String streamId, int epoch) {
        throw new UnsupportedOperationException("streams of minibatch are written by Python");
    }

    /**
     * A store of both kinds of streams. A stream that has entries in the given store is read there; else one that minibatch
     * knows is read here; any other is left to the given store, and so are all writers.
     */
    public EventStore store(EventStore own) {
        return new EventStore() {
            @Override
            public EventStream open(String streamId) {
                EventStream stream = own.open(streamId);
                boolean foreign = stream.last() == EventStream.BEGINNING
                        && status(streamId).isPresent();
                return foreign ? PythonStreams.this.open(streamId) : stream;
            }

            @Override
            public EventAppender appender(String streamId, int epoch) {
                return own.appender(streamId, epoch);
            }
        };
    }

    /**
     * A dispatcher that also knows how the tasks stand whose streams are here. They cannot be cancelled, and are in the
     * format {@code standard} unless a token says otherwise; who asked for them is not known. Everything else is left to the
     * other dispatcher.
     *
     * <p>A stream that was opened by {@code minibatch.stream(name)} is known before its first record, for some time; see
     * {@link Builder#patience}. An application server should do so before it gives away a token, since the client may be
     * faster than the worker.
     */
    public TaskDispatcher dispatcher(TaskDispatcher own) {
        return new TaskDispatcher() {
            @Override
            public TaskStatus dispatch(Task task) {
                return own.dispatch(task);
            }

            @Override
            public Optional<TaskStatus> status(String taskId) {
                return own.status(taskId).or(() -> PythonStreams.this.status(taskId));
            }

            @Override
            public Optional<TaskStatus> latestLike(Task task, Duration within) {
                return own.latestLike(task, within);
            }

            @Override
            public boolean cancel(String taskId) {
                return own.cancel(taskId);
            }

            @Override
            public void reportReaders(Collection<String> taskIds) {
                own.reportReaders(taskIds);
            }
        };
    }

    private Optional<TaskStatus> status(String id) {
        String name = names.apply(id);
        try {
            PythonRecord first = records.first(name);
            if (first == null) {
                return records.openedAt(name)
                        .filter(at -> at.plus(patience).isAfter(clock.instant()))
                        .map(at -> status(id, TaskStatus.State.QUEUED, at, null, null));
            }
            Instant begun = first.key().time();
            PythonRecord end = records.end(name);
            if (end == null) {
                return Optional.of(status(id, TaskStatus.State.RUNNING, begun, begun, null));
            }
            TaskStatus.State state =
                    end.end() instanceof End.Completed ? TaskStatus.State.COMPLETED : TaskStatus.State.FAILED;
            return Optional.of(status(id, state, begun, begun, end.key().time()));
        } catch (MongoException e) {
            throw new ProblemException(
                    new Problem(503, "store_unreachable", "The task store cannot be reached at the moment."), e);
        }
    }

    private static TaskStatus status(
            String id, TaskStatus.State state, Instant created, @Nullable Instant started, @Nullable Instant ended) {
        return new TaskStatus(id, null, StreamFormat.standard().name(), state, 0, created, started, ended);
    }

    /** The settings of a reader. */
    public static final class Builder {

        private final MongoDatabase database;
        private final ScheduledExecutorService executor;
        private final Function<String, String> names;
        private Clock clock = Clock.systemUTC();
        private Ticker ticker = Ticker.system();
        private PollInterval poll = new PollInterval(Duration.ofMillis(20), Duration.ofMillis(250));
        private Duration patience = Duration.ofMinutes(10);
        private @Nullable Executor hintExecutor;

        private Builder(MongoDatabase database, ScheduledExecutorService executor, Function<String, String> names) {
            this.database = database;
            this.executor = executor;
            this.names = names;
        }

        /** The clock by which a stream was opened lately or not; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** Sets the ticker that measures when streams are fetched; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * How often streams are asked for that are read here: between these two, depending on whether something moves. 20 and
         * 250 ms by default.
         */
        public Builder poll(Duration shortest, Duration longest) {
            this.poll = new PollInterval(shortest, longest);
            return this;
        }

        /**
         * How long a stream that was opened but has no record counts as one that will have some; 10 minutes by default. After
         * that it is unknown, since minibatch keeps the note of a stream whose records were read and deleted.
         */
        public Builder patience(Duration patience) {
            this.patience = Durations.requireMillis("patience", patience);
            return this;
        }

        /** Sets the executor that runs the hints of readers, as {@link MongoEventStore.Builder#hintExecutor} does. */
        public Builder hintExecutor(Executor hintExecutor) {
            this.hintExecutor = hintExecutor;
            return this;
        }

        /** The reader. */
        public PythonStreams build() {
            return new PythonStreams(this);
        }
    }
}
