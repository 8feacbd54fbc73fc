// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Sorts;
import dev.handoff.Handoff;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bson.BsonInt32;
import org.bson.BsonNull;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class PythonStreamsTest {

    private static final String PATTERN = "omegaml.streams/..system/complete/{id}.stream";
    private static final Instant START = Instant.parse("2026-05-03T10:00:00Z");
    private static final End FAILED = End.failed(new Problem(500, "handler_failed", "The task failed."));

    private static Mongo mongo;
    private static ScheduledExecutorService executor;
    private static PythonStreams streams;
    private static MongoCollection<Document> buffer;

    private final String id = Task.of("python", "").id();
    private final String name = PythonStreams.named(PATTERN).apply(id);
    private final EventStream stream = streams.open(id);
    private final List<EventStream.Watch> watches = new ArrayList<>();

    @BeforeAll
    static void start() {
        mongo = Mongo.start();
        executor = Executors.newScheduledThreadPool(4);
        streams = reader(mongo.connect());
        buffer = mongo.database.getCollection(PythonStreams.COLLECTION);
    }

    private static PythonStreams reader(MongoDatabase database) {
        return PythonStreams.builder(database, executor, PythonStreams.named(PATTERN))
                .poll(Duration.ofMillis(5), Duration.ofMillis(50))
                .build();
    }

    @AfterAll
    static void stop() {
        executor.shutdownNow();
        mongo.close();
    }

    @AfterEach
    void closeWatches() {
        watches.forEach(EventStream.Watch::close);
    }

    @Test
    void namesContainTheStreamIdAsUuid() {
        assertThat(PythonStreams.named("a.{id}.b").apply("0123456789abcdef0123456789abcdef"))
                .isEqualTo("a.01234567-89ab-cdef-0123-456789abcdef.b");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PythonStreams.named("a.b"))
                .withMessageContaining("a.b");
    }

    @Test
    void aShortestPollIntervalAboveTheLongestIsRefused() {
        assertThatExceptionOfType(IllegalArgumentException.class)
                .isThrownBy(() -> PythonStreams.builder(mongo.connect(), executor, id -> id)
                        .poll(Duration.ofMillis(20), Duration.ofMillis(10)))
                .withMessageContaining("shortest");
    }

    @Test
    void aStreamWithoutRecordsIsEmpty() {
        assertThat(stream.id()).isEqualTo(id);
        assertThat(stream.read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(List.of(), EventStream.BEGINNING, null));
        assertThat(stream.last()).isEqualTo(EventStream.BEGINNING);
        assertThat(stream.end()).isEmpty();
        assertThatIllegalArgumentException().isThrownBy(() -> streams.open("none"));
        assertThatIllegalArgumentException().isThrownBy(() -> stream.read(-2, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> stream.read(EventStream.BEGINNING, 0));
    }

    @Test
    void recordsAfterManyOfOneMillisecondAreRead() {
        watch(stream, new AtomicInteger());
        int many = 600;
        buffer.insertMany(IntStream.range(0, many)
                .mapToObj(i -> record(new ObjectId(), START, chunk(i)))
                .toList());
        // Read to the tail, so that it is followed from there.
        long last = stream.read(EventStream.BEGINNING, 2 * many).last();
        assertThat(last).isEqualTo(many - 1);
        append(1, end("stop"));
        await().until(() -> stream.read(last, 10).end() != null);
    }

    @Test
    void recordsAreInTheOrderOfTheirTimesAndIds() {
        List<ObjectId> ids = IntStream.range(0, 6).mapToObj(i -> new ObjectId()).toList();
        // Three of one millisecond, written in the wrong order.
        write(ids.get(4), START.plusMillis(1), chunk(4));
        write(ids.get(2), START.plusMillis(1), chunk(2));
        write(ids.get(5), START.plusMillis(2), chunk(5));
        write(ids.get(3), START.plusMillis(1), chunk(3));
        // Time counts more than the id.
        write(new ObjectId(), START, chunk(1));

        assertThat(stream.read(EventStream.BEGINNING, 10).events())
                .extracting(Event::data)
                .containsExactly(json(1), json(2), json(3), json(4), json(5));
        assertThat(stream.read(EventStream.BEGINNING, 10).events())
                .extracting(Event::position)
                .containsExactly(0L, 1L, 2L, 3L, 4L);
        assertThat(stream.last()).isEqualTo(4);
    }

    @Test
    void readsFromEachPositionReturnTheRest() {
        for (int i = 0; i < 20; i++) {
            append(i, chunk(i));
        }
        append(20, end("stop"));

        for (int limit : new int[] {1, 3, 20, 1000, Integer.MAX_VALUE}) {
            for (int after = -1; after < 20; after++) {
                EventStream.Batch batch = stream.read(after, limit);
                int last = (int) Math.min(after + (long) limit, 19);
                assertThat(batch.events()).isEqualTo(events(after + 1, last + 1));
                boolean whole = last == 19;
                assertThat(batch.last()).isEqualTo(whole ? 20 : last);
                assertThat(batch.end()).isEqualTo(whole ? End.completed(null) : null);
            }
        }
        assertThat(stream.read(20, 1)).isEqualTo(new EventStream.Batch(List.of(), 20, End.completed(null)));
        assertThat(stream.last()).isEqualTo(20);
        assertThat(stream.end()).contains(End.completed(null));
    }

    @Test
    void nothingComesAfterTheEnd() {
        append(0, chunk(0));
        append(1, end("stop"));
        append(2, chunk(2));
        append(3, end("error"));

        assertThat(stream.read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(events(0, 1), 1, End.completed(null)));
        assertThat(stream.read(2, 10)).isEqualTo(new EventStream.Batch(List.of(), 1, End.completed(null)));
        assertThat(stream.last()).isEqualTo(1);
        assertThat(stream.end()).contains(End.completed(null));
    }

    @Test
    void aFailureIsTheEndAndItsMessageIsHidden() {
        append(0, chunk(0));
        append(1, end("error").append("message", "OperationFailure('mongodb://admin:pw@db')"));

        EventStream.Batch batch = stream.read(EventStream.BEGINNING, 10);
        assertThat(batch).isEqualTo(new EventStream.Batch(events(0, 1), 1, FAILED));
        assertThat(batch.toString()).doesNotContain("admin");
    }

    @Test
    void aRecordThatOnlyResemblesAnEndIsAnEvent() {
        append(0, new Document("stream_complete", "perhaps"));
        append(1, new Document("stream_complete", 1));
        append(2, new Document("inner", end("stop")));
        append(3, end("stop: length"));

        assertThat(stream.read(EventStream.BEGINNING, 10).events()).hasSize(3);
        assertThat(stream.end()).contains(End.completed(null));
        assertThat(stream.last()).isEqualTo(3);
    }

    @Test
    void dataIsPlainJson() {
        append(
                0,
                new Document("text", "a\n\"b\" \u2028 ü 😀")
                        .append("int", 1)
                        .append("long", 1L << 40)
                        .append("double", 0.5)
                        .append("flag", true)
                        .append("nothing", null)
                        .append("list", List.of(1, new Document("x", List.of()))));
        append(1, new Document("at", Date.from(START)).append("id", new ObjectId("0123456789abcdef01234567")));
        buffer.insertOne(record(new ObjectId(), START.plusMillis(2), chunk(0)).append("data", "text"));
        buffer.insertOne(record(new ObjectId(), START.plusMillis(3), chunk(0)).append("data", List.of(1, "x")));
        buffer.insertOne(record(new ObjectId(), START.plusMillis(4), chunk(0)).append("data", BsonNull.VALUE));
        buffer.insertOne(record(new ObjectId(), START.plusMillis(5), chunk(0)).append("data", new BsonInt32(7)));

        assertThat(stream.read(EventStream.BEGINNING, 10).events())
                .extracting(Event::data)
                .containsExactly(
                        "{\"text\": \"a\\n\\\"b\\\" \\u2028 ü \\ud83d\\ude00\", \"int\": 1, \"long\": 1099511627776, \"double\": 0.5,"
                                + " \"flag\": true, \"nothing\": null, \"list\": [1, {\"x\": []}]}",
                        "{\"at\": {\"$date\": \"2026-05-03T10:00:00Z\"}, \"id\": {\"$oid\":"
                                + " \"0123456789abcdef01234567\"}}",
                        "\"text\"",
                        "[1, \"x\"]",
                        "{}",
                        "7");
    }

    @Test
    void aStreamIsReadWhileItIsWritten() {
        List<String> seen = new ArrayList<>();
        AtomicInteger hints = new AtomicInteger();
        watch(stream, hints);
        long after = EventStream.BEGINNING;
        for (int i = 0; i < 50; i++) {
            // Several in each millisecond.
            append(i / 5, chunk(i));
            int told = hints.get();
            long before = after;
            if (i > 0) {
                await().until(() ->
                        hints.get() > told || !stream.read(before, 10).events().isEmpty());
            }
            EventStream.Batch batch = stream.read(after, 10);
            batch.events().forEach(event -> seen.add(event.data()));
            after = batch.last();
            assertThat(batch.end()).isNull();
        }
        append(60, end("stop"));
        append(61, chunk(61));
        long last = after;
        await().until(() -> stream.read(last, 10).end() != null);

        assertThat(seen)
                .containsExactlyElementsOf(
                        IntStream.range(0, 50).mapToObj(i -> json(i)).toList());
        assertThat(stream.read(last, 10)).isEqualTo(new EventStream.Batch(List.of(), 50, End.completed(null)));
        assertThat(stream.read(10, 100)).isEqualTo(streams.open(id).read(10, 100));
    }

    @Test
    void onePollServesAllReaders() {
        Commands commands = new Commands();
        PythonStreams counted = reader(mongo.connect(commands));
        List<EventStream> readers =
                IntStream.range(0, 30).mapToObj(i -> counted.open(id)).toList();
        AtomicInteger hints = new AtomicInteger();
        append(0, chunk(0));
        for (EventStream reader : readers) {
            watch(reader, hints);
            await().until(() -> reader.read(EventStream.BEGINNING, 10).last() == 0);
        }
        commands.clear();
        append(1, chunk(1));
        append(2, end("stop"));

        await().until(() -> readers.stream().allMatch(r -> r.read(0, 10).end() != null));
        // They are told after the tail has it.
        await().untilAsserted(() -> assertThat(hints).hasValueGreaterThanOrEqualTo(readers.size()));
        // Never by reader, but by the poll, which may have asked a few times meanwhile.
        assertThat(commands.started("find"))
                .allSatisfy(find -> assertThat(find.containsKey("limit")).isTrue())
                .allSatisfy(
                        find -> assertThat(find.getNumber("limit").intValue()).isEqualTo(500));
    }

    @Test
    void theHintOfAClosedWatchNoLongerRuns() {
        AtomicInteger hints = new AtomicInteger();
        AtomicInteger others = new AtomicInteger();
        EventStream.Watch watch = watch(stream, hints);
        EventStream other = streams.open(id);
        watch(other, others);
        other.read(EventStream.BEGINNING, 1);
        watch.close();
        watch.close();
        append(0, chunk(0));

        await().until(() -> others.get() > 0);
        assertThat(hints).hasValue(0);
    }

    @Test
    void aReaderReachesTheEndIfTheClockOfTheProducerIsSetBack() {
        append(1000, chunk(0));
        append(1001, chunk(1));
        watch(stream, new AtomicInteger());
        assertThat(stream.read(EventStream.BEGINNING, 10).last()).isEqualTo(1);
        append(500, end("error"));

        await().untilAsserted(() -> assertThat(stream.read(1, 10).end()).isEqualTo(FAILED));
    }

    @Test
    void aReaderGets410IfItsStreamIsDeleted() {
        append(0, chunk(0));
        append(1, chunk(1));
        watch(stream, new AtomicInteger());
        assertThat(stream.read(EventStream.BEGINNING, 10).last()).isEqualTo(1);
        buffer.deleteMany(Filters.eq("stream", name));

        await().untilAsserted(() -> assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> stream.read(1, 10))
                .satisfies(e -> assertThat(e.problem().status()).isEqualTo(410)));
    }

    @Test
    void aRecordThatMinibatchDidNotWriteAffectsNoOtherStream() {
        append(0, chunk(0));
        EventStream other = streams.open(Task.of("python", "").id());
        AtomicInteger hints = new AtomicInteger();
        watch(stream, hints);
        watch(other, new AtomicInteger());
        stream.read(EventStream.BEGINNING, 10);
        other.read(EventStream.BEGINNING, 10);
        buffer.insertOne(new Document("_id", "text")
                .append("stream", name)
                .append("data", chunk(1))
                .append("created", Date.from(START.plusMillis(1))));
        await().until(() -> hints.get() > 0);
        buffer.insertOne(record(new ObjectId(), START, chunk(7))
                .append("stream", PythonStreams.named(PATTERN).apply(other.id())));

        await().until(() -> other.read(EventStream.BEGINNING, 10).last() == 0);
        buffer.deleteMany(Filters.eq("stream", name));
    }

    @Test
    void readsWriteNothingToTheDatabase() {
        for (int i = 0; i < 10; i++) {
            append(i, chunk(i));
        }
        append(10, end("stop"));
        Commands commands = new Commands();
        PythonStreams counted = reader(mongo.connect(commands));
        List<Document> before = all();
        EventStream read = counted.open(id);
        watch(read, new AtomicInteger());
        for (long after = -1; after <= 10; after++) {
            read.read(after, 3);
        }
        read.end();
        read.last();
        TaskDispatcher dispatcher = counted.dispatcher(new NoTasks());
        dispatcher.status(id);
        dispatcher.cancel(id);

        assertThat(all()).isEqualTo(before);
        assertThat(commands.count("insert") + commands.count("update") + commands.count("delete"))
                .isZero();
        assertThat(commands.count("findAndModify") + commands.count("createIndexes"))
                .isZero();
        assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> counted.appender(id, 1));
    }

    @Test
    void theStatusFollowsTheRecords() {
        TaskDispatcher dispatcher = streams.dispatcher(new NoTasks());
        assertThat(dispatcher.status(id)).isEmpty();
        append(0, chunk(0));
        assertThat(dispatcher.status(id))
                .contains(new TaskStatus(id, null, "standard", TaskStatus.State.RUNNING, 0, START, START, null));
        append(9, end("stop"));
        assertThat(dispatcher.status(id))
                .contains(new TaskStatus(
                        id, null, "standard", TaskStatus.State.COMPLETED, 0, START, START, START.plusMillis(9)));
        append(8, end("error"));
        assertThat(dispatcher.status(id).orElseThrow().state()).isEqualTo(TaskStatus.State.FAILED);
        assertThat(dispatcher.cancel(id)).isFalse();
    }

    @Test
    void aStreamThatWasOpenedRecentlyCountsAsQueued() {
        MongoCollection<Document> opened = mongo.database.getCollection("stream");
        TaskDispatcher dispatcher = streams.dispatcher(new NoTasks());
        opened.insertOne(new Document("name", name).append("status", "open").append("created", new Date()));
        assertThat(dispatcher.status(id).orElseThrow().state()).isEqualTo(TaskStatus.State.QUEUED);

        opened.updateOne(
                Filters.eq("name", name),
                new Document(
                        "$set", new Document("created", Date.from(Instant.now().minusSeconds(3600)))));
        assertThat(dispatcher.status(id)).isEmpty();
    }

    @Test
    void oneServerServesStreamsOfJavaAndPython() {
        MongoEventStore own = MongoEventStore.builder(mongo.database, executor).build();
        MongoTaskQueue queue = MongoTaskQueue.builder(mongo.database, own, Runnable::run, List.of("java"))
                .build();
        EventStore store = streams.store(own);
        TaskDispatcher dispatcher = streams.dispatcher(queue);
        TokenSealer sealer = TokenSealer.of("q7Tz4mWb1xVn8RkJ5uLs2hYd9cGf6pEa");
        Handoff handoff = Handoff.builder(dispatcher, store, sealer).build();

        Task task = Task.of("java", "");
        assertThat(dispatcher.dispatch(task).state()).isEqualTo(TaskStatus.State.QUEUED);
        Task accepted = Task.of("java", "accepted");
        dispatcher.accept(accepted);
        assertThat(dispatcher.status(accepted.id())).isPresent();
        assertThat(dispatcher.latestLike(Task.of("java", ""), Duration.ofHours(1)))
                .map(TaskStatus::taskId)
                .contains(task.id());
        assertThat(store.open(task.id()).last()).isEqualTo(EventStream.BEGINNING);
        EventAppender appender = store.appender(task.id(), 1);
        appender.append(null, "ours");
        appender.flush();
        append(0, chunk(0));

        assertThat(open(handoff, sealer, task.id())
                        .read(EventStream.BEGINNING, 10)
                        .events())
                .extracting(Event::data)
                .containsExactly("ours");
        assertThat(open(handoff, sealer, id).read(EventStream.BEGINNING, 10).events())
                .isEqualTo(events(0, 1));
        dispatcher.reportReaders(List.of(id, task.id()));
        assertThat(dispatcher.cancel(id)).isFalse();
        assertThat(dispatcher.cancel(task.id())).isTrue();
        String unknown = Task.of("nobody", "").id();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> open(handoff, sealer, unknown))
                .satisfies(e -> assertThat(e.problem().status()).isEqualTo(410));
    }

    private static EventStream open(Handoff handoff, TokenSealer sealer, String id) {
        return handoff
                .open(sealer.seal(new Grant(
                        id,
                        Set.of(Grant.Right.READ),
                        "standard",
                        null,
                        Instant.now().plusSeconds(60))))
                .stream();
    }

    private EventStream.Watch watch(EventStream watched, AtomicInteger hints) {
        EventStream.Watch watch = watched.watch(hints::incrementAndGet);
        watches.add(watch);
        return watch;
    }

    private void append(int millis, Document data) {
        write(new ObjectId(), START.plusMillis(millis), data);
    }

    private void write(ObjectId recordId, Instant created, Document data) {
        buffer.insertOne(record(recordId, created, data));
    }

    private Document record(ObjectId recordId, Instant created, Document data) {
        return new Document("_id", recordId)
                .append("stream", name)
                .append("data", data)
                .append("processed", false)
                .append("created", Date.from(created));
    }

    private List<Document> all() {
        return buffer.find().sort(Sorts.ascending("_id")).into(new ArrayList<>());
    }

    private static Document chunk(int number) {
        return new Document("n", number);
    }

    private static Document end(String how) {
        return new Document("stream_complete", how);
    }

    private static String json(int number) {
        return "{\"n\": " + number + "}";
    }

    private static List<Event> events(long from, long to) {
        return LongStream.range(from, to)
                .mapToObj(i -> new Event(i, null, json((int) i)))
                .toList();
    }

    /** Knows no task. */
    private static final class NoTasks implements TaskDispatcher {
        @Override
        public TaskStatus dispatch(Task task) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<TaskStatus> status(String taskId) {
            return Optional.empty();
        }

        @Override
        public boolean cancel(String taskId) {
            return false;
        }
    }
}
