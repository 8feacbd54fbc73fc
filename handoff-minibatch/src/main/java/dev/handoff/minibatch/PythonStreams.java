// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import com.mongodb.MongoException;
import com.mongodb.client.MongoDatabase;
import dev.handoff.check.Durations;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.ProblemCode;
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
 * Reads the streams that Python workers of omega-ml write through the package minibatch. minibatch stores one document for each chunk in
 * its collection {@code buffer}:
 *
 * <pre>
 * { _id: ObjectId, stream: string, data: document, processed: boolean, created: date }
 * </pre>
 *
 * <ol>
 *   <li>The records of a stream are in the order of (created, _id). The position of an event is its rank in this order, from 0.
 *   <li>An event has no type. Its data is {@code data} as relaxed Extended JSON: plain JSON, with objects such as <code>{"$date": …}</code>
 *     for types that JSON does not have.
 *   <li>The end is the first record whose {@code stream_complete} is a text that begins with {@code stop} or {@code error}. After {@code
 *       stop} the stream has completed without a result. After {@code error} it has failed. Readers do not see later records. They do not
 *       see the {@code message} of a failure either, because it is the {@code repr} of an exception, which may hold paths, addresses and
 *       credentials. The client gets the same problem as after an exception of a handler in Java: 500, {@code handler_failed}.
 *   <li>All readers of a watched stream in this process share its tail in memory. One of two loops polls the tail. Other reads query the
 *     database.
 * </ol>
 *
 * <p>This class does not change or delete records and creates no index. Any number of readers see the same stream. minibatch's own
 * consumers delete the records that they have read. On a stream that this class reads, use these consumers only with {@code keep=True}. A
 * reader that finds fewer records than it has read gets 410: the stream is gone.
 *
 * <p>Records have no sequence number and their writers have no lease. So this class promises less than {@link MongoEventStore}:
 *
 * <ul>
 *   <li>One thread of one process at a time must write a stream. A position always means the same event if nobody sets the clock of that
 *     process back meanwhile. If the clock is set back, a reader may miss an event and see another one twice, but it still reaches the end.
 *   <li>If a producer dies before it writes an end record, its stream never ends.
 *   <li>No writer is fenced, and no stream expires.
 * </ul>
 *
 * <p>To serve these streams together with those of another store, build the {@link dev.handoff.Handoff} with the results of {@link #store}
 * and {@link #dispatcher}.
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
     * @param executor needs two threads for polls. It also runs the hints of readers unless {@link Builder#hintExecutor} sets another
     *     executor. The reader does not shut it down
     * @param names returns minibatch's name of the stream with a given id; see {@link #named}
     */
    public static Builder builder(
            MongoDatabase database, ScheduledExecutorService executor, Function<String, String> names) {
        return new Builder(database, executor, names);
    }

    /**
     * Returns a function that creates names from a pattern, such as {@code omegaml.streams/..system/complete/{id}.stream}.
     *
     * @param pattern a name with <code>{id}</code>, which stands for the id of the stream written as a UUID, as Celery writes the id of a task
     * @throws IllegalArgumentException if the pattern has no <code>{id}</code>
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

    /** Throws {@link UnsupportedOperationException}, because only Python writes these streams. */
    @Override
    public EventAppender appender(String streamId, int epoch) {
        throw new UnsupportedOperationException("only Python workers can write streams of minibatch");
    }

    /**
     * Returns a store that reads these streams and those of another store. It reads a stream from the other store if that store has entries
     * of the stream, or if minibatch does not know the stream. All writes go to the other store. Opening a stream queries both stores, so
     * it blocks.
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
     * Returns a dispatcher that also knows the status of the tasks of these streams. The dispatcher cannot cancel these tasks and does not
     * know their subject. They have the format {@code standard} unless a token names another. The dispatcher passes all other calls to the
     * other dispatcher.
     *
     * <p>After a process has called {@code minibatch.stream(name)}, the dispatcher knows the task for the time of {@link Builder#patience},
     * even if the stream has no record. An application server should make sure of that call before it sends a token, because the client may
     * be faster than the worker.
     */
    public TaskDispatcher dispatcher(TaskDispatcher own) {
        return new TaskDispatcher() {
            @Override
            public TaskStatus dispatch(Task task) {
                return own.dispatch(task);
            }

            @Override
            public void accept(Task task) {
                own.accept(task);
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
            throw ProblemCode.STORE_UNREACHABLE.exception("The task store cannot be reached at the moment.", e);
        }
    }

    private static TaskStatus status(
            String id, TaskStatus.State state, Instant created, @Nullable Instant started, @Nullable Instant ended) {
        return TaskStatus.of(id, StreamFormat.standard().name(), state, created)
                .withStarted(started)
                .withEnded(ended);
    }

    /** Sets the options of a reader. Not thread-safe. */
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

        /** Sets the clock that decides whether the time of {@link #patience} is over; the system clock by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** Sets the source of monotonic time for the polls; the JVM's by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets the shortest and the longest time between two polls of the streams that have readers in this process; 20 and 250 ms by
         * default. The process polls a stream more often while new records arrive.
         *
         * @throws IllegalArgumentException if a time is less than a millisecond or more than a hundred years, or the shortest is longer than
         *     the longest
         */
        public Builder poll(Duration shortest, Duration longest) {
            this.poll = new PollInterval(shortest, longest);
            return this;
        }

        /**
         * Sets how long a stream that was opened but has no record counts as queued; 10 minutes by default. After that it counts as
         * unknown, because minibatch keeps the document of a stream even after a consumer has deleted its records.
         *
         * <p>The time begins when the stream was opened, by the clock of the Python process, because minibatch stores no other time. If that
         * clock and the clock of this process differ, a stream becomes unknown earlier or later. A stream with records never does.
         *
         * @throws IllegalArgumentException if it is less than a millisecond, or more than a hundred years
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

        /** Returns the reader. Does not connect or block. */
        public PythonStreams build() {
            return new PythonStreams(this);
        }
    }
}
