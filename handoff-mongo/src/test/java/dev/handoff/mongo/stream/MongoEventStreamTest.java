package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TestDocuments;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.mongo.testing.TcpProxy;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.bson.BsonArray;
import org.bson.BsonDocument;
import org.bson.BsonInt32;
import org.bson.BsonValue;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two stores are two processes: what one writes, the other reads. */
@Timeout(60)
class MongoEventStreamTest {

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static Mongo mongo;

    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Commands commands = new Commands();
    private final List<Reader> readers = new ArrayList<>();
    private TcpProxy proxy;
    private MongoEventStore writing;
    private MongoEventStore reading;

    /** Reads as a connection does: when it is told to, and not otherwise. */
    private final class Reader implements AutoCloseable {

        private final EventStream stream;
        private final int limit;
        private final EventStream.Watch watch;
        private final AtomicBoolean hinted = new AtomicBoolean();
        private final List<Event> seen = new ArrayList<>();
        private long after;
        private End end;

        Reader(EventStore store, String name, long after, int limit) {
            this.stream = store.open(name);
            this.limit = limit;
            this.after = after;
            this.watch = stream.watch(() -> hinted.set(true));
            readers.add(this);
            hinted.set(true);
        }

        Reader(String name) {
            this(reading, name, EventStream.BEGINNING, 64);
        }

        /** Returns whether the end was reached. */
        boolean follow() {
            if (end == null && hinted.compareAndSet(true, false)) {
                long before;
                do {
                    before = after;
                    EventStream.Batch batch = stream.read(after, limit);
                    seen.addAll(batch.events());
                    after = batch.last();
                    end = batch.end();
                } while (end == null && after > before);
            }
            return end != null;
        }

        List<String> data() {
            return seen.stream().map(Event::data).toList();
        }

        @Override
        public void close() {
            watch.close();
        }
    }

    @BeforeAll
    static void startMongo() {
        mongo = Mongo.start();
    }

    @AfterAll
    static void stopMongo() {
        mongo.close();
    }

    @BeforeEach
    void start() throws Exception {
        collection().deleteMany(new Document());
        proxy = new TcpProxy(mongo.address());
        writing = store(mongo.database);
        reading = store(mongo.connect(commands));
    }

    @AfterEach
    void stop() throws Exception {
        readers.forEach(Reader::close);
        timer.shutdownNow();
        threads.shutdownNow();
        proxy.close();
    }

    private MongoEventStore store(MongoDatabase database) {
        return MongoEventStore.builder(database, timer)
                .retryFor(Duration.ofSeconds(10))
                .fetchLoops(1)
                .build();
    }

    private static MongoCollection<Document> collection() {
        return mongo.database.getCollection(MongoEventStore.COLLECTION);
    }

    private static String name() {
        return String.format("%032x", NAMES.incrementAndGet());
    }

    private static void insert(EventBatch minibatch) {
        collection().insertOne(TestDocuments.of(minibatch));
    }

    private static EventBatch minibatch(String name, long seq, int count, End end) {
        List<Event> events = IntStream.range(0, count)
                .mapToObj(i -> new Event(seq + i, null, "event " + (seq + i)))
                .toList();
        return new EventBatch(new ObjectId(), name, seq, 1, events, end, false);
    }

    private static List<String> numbered(long from, long to) {
        return LongStream.range(from, to).mapToObj(i -> "event " + i).toList();
    }

    /** The streams that a find asks for. */
    private static List<String> streams(BsonDocument find) {
        return streamsOf(find.getDocument("filter")).toList();
    }

    private static Stream<String> streamsOf(BsonDocument filter) {
        BsonValue stream = filter.getOrDefault("stream", new BsonDocument("$in", new BsonArray()));
        Stream<BsonValue> here = stream.isString() ? Stream.of(stream) : stream.asDocument().getArray("$in").stream();
        return Stream.concat(
                here.map(s -> s.asString().getValue()),
                Stream.of("$or", "$and")
                        .filter(filter::containsKey)
                        .flatMap(k -> filter.getArray(k).stream())
                        .flatMap(c -> streamsOf(c.asDocument())));
    }

    private long polls(String name) {
        return commands.started("find").stream()
                .filter(f -> streams(f).contains(name))
                .count();
    }

    @Test
    @DisplayName("a reader of a stream that has a document which is none is told so, and does not wait for ever")
    void unreadableDocument() {
        String name = name();
        EventAppender appender = writing.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        Reader reader = new Reader(name);
        assertThat(reader.follow()).isFalse();
        assertThat(reader.data()).containsExactly("event 0");
        collection()
                .insertOne(new Document("stream", name)
                        .append("seq", 1L)
                        .append("epoch", 1)
                        .append("data", "later version"));
        await().untilTrue(reader.hinted);
        assertThatThrownBy(reader::follow).isInstanceOf(RuntimeException.class);
        assertThatThrownBy(reader.stream::end).isInstanceOf(RuntimeException.class);
    }

    @Test
    @DisplayName("a reader under whom a whole stream expires is told that it is gone")
    void expiredUnderReader() {
        String name = name();
        EventAppender appender = writing.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        collection().deleteMany(new Document("stream", name));
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> reading.open(name).read(0, 10))
                .satisfies(e -> assertThat(e.problem().status()).isEqualTo(410));
        assertThat(reading.open(name).read(EventStream.BEGINNING, 10).events()).isEmpty();
    }

    @Test
    @DisplayName("those who wait for the end alone are told by the poll, and do not each ask the store")
    void waitsForTheEndAlone() {
        String name = name();
        List<EventStream> streams = new ArrayList<>();
        List<EventStream.Watch> watches = new ArrayList<>();
        AtomicBoolean hinted = new AtomicBoolean();
        for (int i = 0; i < 10; i++) {
            EventStream stream = reading.open(name);
            watches.add(stream.watch(() -> hinted.set(true)));
            streams.add(stream);
        }
        EventAppender appender = writing.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        assertThat(streams).allSatisfy(s -> assertThat(s.end()).isEmpty());
        long asked = byEnd();
        for (int i = 0; i < 20; i++) {
            assertThat(streams).allSatisfy(s -> assertThat(s.end()).isEmpty());
        }
        assertThat(byEnd()).as("the first of them asked").isEqualTo(asked).isEqualTo(1);

        hinted.set(false);
        appender.end(End.completed("1"));
        await().untilTrue(hinted);
        assertThat(streams).allSatisfy(s -> assertThat(s.end()).contains(End.completed("1")));
        assertThat(byEnd()).isEqualTo(1);
        watches.forEach(EventStream.Watch::close);
        assertThat(reading.open(name).end()).as("from the store").contains(End.completed("1"));
    }

    /** How often the store was asked for the last document of a stream. */
    private long byEnd() {
        return commands.started("find").stream()
                .filter(d -> d.getDocument("sort", new BsonDocument())
                                .getNumber("seq", new BsonInt32(0))
                                .intValue()
                        < 0)
                .count();
    }

    @Test
    @DisplayName(
            "R1 R5 three readers each of 200 streams that another process writes see all, in order, and few finds do it")
    void manyReaders() throws Exception {
        int streams = 200;
        int events = 10;
        List<String> names = IntStream.range(0, streams).mapToObj(i -> name()).toList();
        for (String name : names) {
            for (int i = 0; i < 3; i++) {
                new Reader(name);
            }
        }
        Map<String, EventAppender> appenders = new HashMap<>();
        names.forEach(n -> appenders.put(n, writing.appender(n, 1)));
        // The first reads ask the store, each by itself; from then on all is shared.
        readers.forEach(Reader::follow);
        commands.clear();
        long start = System.nanoTime();
        Future<?> writer = threads.submit(() -> {
            for (int i = 0; i < events; i++) {
                for (EventAppender appender : appenders.values()) {
                    appender.append(null, "event " + i);
                }
                appenders.values().forEach(EventAppender::flush);
            }
            appenders.values().forEach(a -> a.end(End.completed(null)));
        });
        await().atMost(Duration.ofSeconds(40)).until(() -> {
            boolean all = true;
            for (Reader reader : readers) {
                all &= reader.follow();
            }
            return all;
        });
        writer.get();
        double seconds = (System.nanoTime() - start) / 1e9;
        assertThat(readers).hasSize(3 * streams).allSatisfy(r -> {
            assertThat(r.data()).isEqualTo(numbered(0, events));
            assertThat(r.end).isEqualTo(End.completed(null));
        });
        assertThat(commands.count("find") + commands.count("getMore"))
                .as("finds in %s s", seconds)
                .isLessThan((int) (120 * seconds) + 10);
    }

    @Test
    @DisplayName("a silent stream is asked for ever more seldom, and often again as soon as something moves")
    void silence() {
        String name = name();
        Reader reader = new Reader(name);
        reader.follow();
        await().until(() -> polls(name) > 20);
        // After five seconds of silence.
        int[] quarter = new int[1];
        await().atMost(Duration.ofSeconds(30)).until(() -> {
            long before = System.nanoTime();
            long polls = polls(name);
            await().until(() -> polls(name) >= polls + 2);
            quarter[0] = (int) TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - before);
            return quarter[0] > 300;
        });
        insert(minibatch(name, 0, 1, null));
        await().atMost(Duration.ofSeconds(2)).until(() -> {
            reader.follow();
            return reader.data().size() == 1;
        });
        long polls = polls(name);
        long before = System.nanoTime();
        await().until(() -> polls(name) >= polls + 10);
        assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(2));
    }

    @Test
    @DisplayName("streams that have come as far as each other are asked for together, others each for itself")
    void asksTogether() {
        List<String> names = List.of(name(), name(), name());
        List<Reader> readers = names.stream().map(Reader::new).toList();
        readers.forEach(Reader::follow);
        await().until(() -> latestPollOf(names) == 1);
        insert(minibatch(names.get(0), 0, 3, null));
        await().until(() -> latestPollOf(names) == 2);
        insert(minibatch(names.get(1), 0, 2, null));
        await().until(() -> latestPollOf(names) == 3);
        readers.forEach(Reader::follow);
        assertThat(readers).extracting(r -> r.data().size()).containsExactly(3, 2, 0);
    }

    @Test
    @DisplayName("a query that cannot answer all at once does not leave the last streams behind")
    void asksForTheRest() {
        List<String> names =
                Stream.generate(MongoEventStreamTest::name).limit(4).toList();
        List<Reader> readers = names.stream().map(Reader::new).toList();
        readers.forEach(Reader::follow);
        await().until(() -> latestPollOf(names) == 1);
        List<Document> many = new ArrayList<>();
        for (String name : names) {
            for (int seq = 0; seq < 400; seq++) {
                many.add(TestDocuments.of(minibatch(name, seq, 1, null)));
            }
        }
        collection().insertMany(many);
        await().until(() -> readers.stream().allMatch(reader -> {
            reader.follow();
            return reader.data().size() == 400;
        }));
        // What did not fit of the last stream is asked for before the others are looked at again.
        assertThat(commands.started("find"))
                .anySatisfy(f -> assertThat(streams(f)).containsExactly(names.get(3)));
    }

    /** How many clauses the last query had that asked for these streams, each once; 0 if the last one asked for others. */
    private int latestPollOf(List<String> names) {
        List<BsonDocument> finds = commands.started("find");
        if (finds.isEmpty()) {
            return 0;
        }
        BsonDocument latest = finds.get(finds.size() - 1);
        boolean all = streams(latest).size() == names.size() && streams(latest).containsAll(names);
        BsonDocument filter = latest.getDocument("filter");
        return !all ? 0 : filter.containsKey("$or") ? filter.getArray("$or").size() : 1;
    }

    @Test
    @DisplayName("a stream that ended is polled no more, and one that nobody watches is not polled at all")
    void onlyWhatIsWanted() {
        String ended = name();
        String left = name();
        String watched = name();
        String unwatched = name();
        Reader one = new Reader(ended);
        Reader two = new Reader(left);
        Reader three = new Reader(watched);
        List.of(one, two, three).forEach(Reader::follow);
        insert(minibatch(ended, 0, 3, End.completed(null)));
        insert(minibatch(unwatched, 0, 3, null));
        await().until(one::follow);
        reading.open(unwatched).read(EventStream.BEGINNING, 10);
        two.close();
        long polls = polls(watched);
        await().until(() -> polls(watched) > polls + 2);
        commands.clear();
        await().until(() -> polls(watched) > 10);
        assertThat(polls(ended)).isZero();
        assertThat(polls(left)).isZero();
        assertThat(polls(unwatched)).isZero();
        three.close();
        await().until(() -> {
            commands.clear();
            return true;
        });
        // Nothing is watched any more: the loop stands still.
        await().during(Duration.ofMillis(200)).atMost(Duration.ofSeconds(5)).until(() -> {
            boolean still = commands.count("find") == 0;
            commands.clear();
            return still;
        });
        Reader four = new Reader(watched);
        four.follow();
        insert(minibatch(watched, 0, 1, End.cancelled()));
        await().until(four::follow);
    }

    @Test
    @DisplayName("R16 a poll that the executor refuses once does not make a stream stand still")
    void executorRefusesPoll() {
        AtomicBoolean broken = new AtomicBoolean(true);
        ScheduledExecutorService picky = new ScheduledThreadPoolExecutor(2) {
            @Override
            public ScheduledFuture<?> schedule(Runnable job, long delay, TimeUnit unit) {
                if (broken.get()) {
                    throw new OutOfMemoryError("a test of: unable to create native thread");
                }
                return super.schedule(job, delay, unit);
            }
        };
        try {
            String name = name();
            MongoEventStore store = MongoEventStore.builder(mongo.database, picky)
                    .hintExecutor(threads)
                    .build();
            Reader reader = new Reader(store, name, EventStream.BEGINNING, 10);
            reader.follow();
            broken.set(false);
            insert(minibatch(name, 0, 3, End.completed(null)));
            await().until(() -> {
                // As a reader does that looks again by itself.
                reader.hinted.set(true);
                return reader.follow();
            });
            assertThat(reader.data()).isEqualTo(numbered(0, 3));
        } finally {
            picky.shutdownNow();
        }
    }

    @Test
    @DisplayName("R4 what this process writes itself is read from the tail without a find")
    void ownWrites() {
        String name = name();
        Reader reader = new Reader(name);
        reader.follow();
        EventAppender appender = reading.appender(name, 1);
        for (int i = 0; i < 20; i++) {
            appender.append(null, "event " + i);
            appender.flush();
            // Hints come from another thread, but the events are there.
            reader.hinted.set(true);
            reader.follow();
            assertThat(reader.data()).isEqualTo(numbered(0, i + 1));
        }
        appender.end(End.completed(null));
        await().until(reader::follow);
    }

    @Test
    @DisplayName("R1 R4 a reader that joins while others follow sees all, wherever it begins")
    void joins() {
        String name = name();
        Reader first = new Reader(name);
        first.follow();
        insert(minibatch(name, 0, 5, null));
        insert(minibatch(name, 5, 5, null));
        await().until(() -> {
            first.follow();
            return first.data().size() == 10;
        });
        for (int after = -1; after < 10; after++) {
            Reader late = new Reader(reading, name, after, 3);
            late.follow();
            assertThat(late.data()).isEqualTo(numbered(after + 1, 10));
        }
        insert(minibatch(name, 10, 2, End.completed(null)));
        await().until(() -> readers.stream().filter(r -> !r.follow()).findAny().isEmpty());
        for (int i = 1; i < readers.size(); i++) {
            assertThat(readers.get(i).data()).isEqualTo(numbered(i - 1, 12));
        }
    }

    @Test
    @DisplayName("R1 R5 the tail survives an outage of the store, and goes on where it was")
    void outage() throws Exception {
        MongoEventStore far = store(mongo.connect(proxy, commands));
        String name = name();
        Reader reader = new Reader(far, name, EventStream.BEGINNING, 64);
        reader.follow();
        insert(minibatch(name, 0, 5, null));
        await().until(() -> {
            reader.follow();
            return reader.data().size() == 5;
        });
        proxy.goAway();
        insert(minibatch(name, 5, 5, null));
        await().during(Duration.ofMillis(500)).until(() -> reader.data().size() == 5 && !reader.follow());
        insert(minibatch(name, 10, 5, End.completed(null)));
        proxy.comeBack();
        await().until(reader::follow);
        assertThat(reader.data()).isEqualTo(numbered(0, 15));
    }

    @Test
    @DisplayName("R6 an answer that never comes, on a connection that stays, does not stop the tail for ever")
    void silentServer() throws Exception {
        MongoEventStore far = store(mongo.connect(proxy, commands));
        String name = name();
        Reader reader = new Reader(far, name, EventStream.BEGINNING, 64);
        reader.follow();
        proxy.swallowAnswer("find");
        await().until(() -> proxy.swallowed() == 1);
        insert(minibatch(name, 0, 1, End.completed(null)));
        await().atMost(Duration.ofSeconds(15)).until(reader::follow);
    }

    @Test
    @DisplayName("R6 a reader that asks for a position that nobody has written yet does not keep others from the tail")
    void positionFromNowhere() {
        String name = name();
        insert(minibatch(name, 0, 5, null));
        new Reader(reading, name, 100, 64).follow();
        Reader honest = new Reader(name);
        honest.follow();
        assertThat(honest.data()).isEqualTo(numbered(0, 5));
        insert(minibatch(name, 5, 5, null));
        await().atMost(Duration.ofSeconds(3)).until(() -> {
            honest.follow();
            return honest.data().size() == 10;
        });
        insert(minibatch(name, 10, 200, End.completed(null)));
        // Even one that looks again by itself.
        await().atMost(Duration.ofSeconds(3)).until(() -> {
            honest.hinted.set(true);
            return honest.follow();
        });
        assertThat(honest.data()).isEqualTo(numbered(0, 210));
    }

    @Test
    @DisplayName("a document that cannot be read does not keep the readers of other streams from theirs")
    void foreignDocument() {
        String broken = name();
        String good = name();
        new Reader(broken).follow();
        Reader reader = new Reader(good);
        reader.follow();
        collection().insertOne(new Document("stream", broken).append("seq", 0).append("data", "?"));
        insert(minibatch(good, 0, 1, End.completed(null)));
        await().atMost(Duration.ofSeconds(5)).until(reader::follow);
    }

    @Test
    @DisplayName("R7 a reader far behind the window reads through, while the window of large events is trimmed")
    void farBehind() {
        String name = name();
        Reader near = new Reader(name);
        near.follow();
        EventAppender appender = writing.appender(name, 1);
        String large = "x".repeat(50_000);
        int count = 60;
        for (int i = 0; i < count; i++) {
            appender.append(null, i + large);
        }
        appender.flush();
        await().until(() -> {
            near.follow();
            return near.seen.size() == count;
        });
        // The window holds a few of them by now, and each reader has another place to begin.
        for (int after = -1; after < count; after += 7) {
            Reader far = new Reader(reading, name, after, 2);
            far.follow();
            assertThat(far.seen).extracting(Event::position).isEqualTo(positions(after + 1, count));
            assertThat(far.data()).allMatch(d -> d.endsWith(large));
        }
        appender.end(End.completed(null));
        await().until(() -> readers.stream().filter(r -> !r.follow()).findAny().isEmpty());
    }

    private static List<Long> positions(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 64, MongoEventAppender.MAX_BATCH_EVENTS})
    @DisplayName("R1 R5 a read from any position, in the middle of a minibatch too, gives exactly the rest")
    void middleOfMinibatch(int size) {
        String name = name();
        int minibatches = size > 100 ? 2 : 4;
        for (int i = 0; i < minibatches; i++) {
            insert(minibatch(name, (long) i * size, size, i == minibatches - 1 ? End.completed(null) : null));
        }
        int total = size * minibatches;
        EventStream stream = reading.open(name);
        for (int after = -1; after < total; after += size > 100 ? 9 : 1) {
            EventStream.Batch batch = stream.read(after, total + 1);
            assertThat(batch.events()).extracting(Event::data).isEqualTo(numbered(after + 1, total));
            assertThat(batch.last()).isEqualTo(total);
            assertThat(batch.end()).isEqualTo(End.completed(null));
            if (after + 2 < total) {
                EventStream.Batch limited = stream.read(after, 1);
                assertThat(limited.events()).extracting(Event::data).isEqualTo(numbered(after + 1, after + 2));
                assertThat(limited.last()).isEqualTo(after + 1);
                assertThat(limited.end()).isNull();
            }
        }
        EventStream.Batch atEnd = stream.read(total, 10);
        assertThat(atEnd.events()).isEmpty();
        assertThat(atEnd.end()).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R1 a read behind fences, which take a position and are not shown, gives exactly the rest")
    void fences() {
        String name = name();
        insert(minibatch(name, 0, 2, null));
        insert(EventBatch.fence(new ObjectId(), name, 2, 2));
        insert(EventBatch.fence(new ObjectId(), name, 3, 3));
        insert(minibatch(name, 4, 2, null));
        Reader reader = new Reader(name);
        reader.follow();
        insert(EventBatch.fence(new ObjectId(), name, 6, 4));
        insert(minibatch(name, 7, 1, End.completed(null)));
        await().until(reader::follow);
        assertThat(reader.seen).extracting(Event::position).containsExactly(0L, 1L, 4L, 5L, 7L);
        for (int after = -1; after < 8; after++) {
            int from = after;
            EventStream.Batch batch = reading.open(name).read(after, 100);
            assertThat(batch.events())
                    .extracting(Event::position)
                    .isEqualTo(List.of(0L, 1L, 4L, 5L, 7L).stream()
                            .filter(p -> p > from)
                            .toList());
            assertThat(batch.end()).isNotNull();
            assertThat(reader.stream.read(after, 100).events()).isEqualTo(batch.events());
        }
    }

    @Test
    @DisplayName("a read with no limit to speak of is one, also from the tail")
    void noLimit() {
        String name = name();
        Reader reader = new Reader(name);
        reader.follow();
        EventAppender appender = reading.appender(name, 1);
        IntStream.range(0, 5).forEach(i -> appender.append(null, "event " + i));
        appender.flush();
        for (int after = -1; after < 5; after++) {
            assertThat(reader.stream.read(after, Integer.MAX_VALUE).events()).hasSize(4 - after);
        }
    }

    @Test
    @DisplayName("a stream whose beginning was dropped is gone: it is not shown shortened")
    void expiredHead() {
        String name = name();
        insert(minibatch(name, 0, 3, null));
        insert(minibatch(name, 3, 3, null));
        insert(minibatch(name, 6, 3, End.completed(null)));
        collection().deleteOne(Filters.and(Filters.eq("stream", name), Filters.eq("seq", 0L)));
        for (int after : new int[] {-1, 0, 1}) {
            assertThatExceptionOfType(ProblemException.class)
                    .isThrownBy(() -> reading.open(name).read(after, 100))
                    .satisfies(e -> assertThat(e.problem().status()).isEqualTo(410));
        }
        assertThat(reading.open(name).read(2, 100).events())
                .extracting(Event::data)
                .isEqualTo(numbered(3, 9));
    }

    @Test
    @DisplayName("a hint that throws does no harm to other readers")
    void throwingHint() {
        String name = name();
        try (EventStream.Watch ignored = reading.open(name).watch(() -> {
            throw new IllegalStateException("a reader's own fault");
        })) {
            Reader reader = new Reader(name);
            reader.follow();
            insert(minibatch(name, 0, 1, End.completed(null)));
            await().until(reader::follow);
        }
    }
}
