package dev.handoff.mongo.stream;

import static dev.handoff.mongo.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.EventAppender;
import dev.handoff.EventStream;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import dev.handoff.StaleWriterException;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.mongo.testing.TcpProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.bson.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

@Timeout(60)
class GroupCommitTest {

    private static final AtomicInteger NAMES = new AtomicInteger();

    private static Mongo mongo;

    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Commands commands = new Commands();
    private TcpProxy proxy;

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
        mongo.database.getCollection(MongoEventStore.COLLECTION).deleteMany(new Document());
        proxy = new TcpProxy(mongo.address());
    }

    @AfterEach
    void stop() throws Exception {
        timer.shutdownNow();
        threads.shutdownNow();
        proxy.close();
    }

    private MongoEventStore store(MongoDatabase database, Duration retryFor) {
        return MongoEventStore.builder(database, timer).retryFor(retryFor).build();
    }

    private MongoEventStore store() {
        return store(mongo.connect(commands), Duration.ofSeconds(10));
    }

    private MongoEventStore proxied(Duration retryFor) {
        return store(mongo.connect(proxy, commands), retryFor);
    }

    private static String name() {
        return String.format("%032x", NAMES.incrementAndGet());
    }

    /** What is in the database, read without what is tested. */
    private static List<String> stored(String stream) {
        List<String> data = new ArrayList<>();
        long[] next = new long[1];
        mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .find(Filters.eq("stream", stream))
                .sort(new Document("seq", 1))
                .forEach(d -> {
                    assertThat(d.getLong("seq")).as("R1 positions are dense").isEqualTo(next[0]);
                    List<Document> entries = d.getList("data", Document.class);
                    entries.forEach(e -> data.add(e.getString("data")));
                    next[0] += entries.size() + (d.containsKey("end") ? 1 : 0);
                });
        return data;
    }

    private static List<String> numbered(int count) {
        return IntStream.range(0, count).mapToObj(i -> "event " + i).toList();
    }

    @Test
    @DisplayName("R16 if the executor throws when it is given a write, no writer waits for ever")
    void brokenExecutor() {
        ScheduledExecutorService broken = new ScheduledThreadPoolExecutor(1) {
            @Override
            public void execute(Runnable job) {
                throw new OutOfMemoryError("a test of: unable to create native thread");
            }
        };
        try {
            MongoEventStore store =
                    MongoEventStore.builder(mongo.database, broken).build();
            EventAppender appender = store.appender(name(), 1);
            assertThatThrownBy(() -> {
                        appender.append(null, "event 0");
                        appender.flush();
                    })
                    .isInstanceOfSatisfying(
                            ProblemException.class,
                            e -> assertThat(e.problem().status()).isEqualTo(503));
        } finally {
            broken.shutdownNow();
        }
    }

    @Test
    @DisplayName("many streams share one insert at a time, with at most one minibatch of each, and R1 all is dense")
    void groups() throws Exception {
        MongoEventStore store = store();
        int streams = 40;
        int events = 100;
        List<String> names = IntStream.range(0, streams).mapToObj(i -> name()).toList();
        CountDownLatch go = new CountDownLatch(1);
        List<Future<?>> writers = new ArrayList<>();
        for (String name : names) {
            writers.add(threads.submit(() -> {
                EventAppender appender = store.appender(name, 1);
                go.await();
                for (String data : numbered(events)) {
                    appender.append(null, data);
                }
                appender.end(End.completed(null));
                return null;
            }));
        }
        go.countDown();
        for (Future<?> writer : writers) {
            writer.get();
        }
        for (String name : names) {
            assertThat(stored(name)).isEqualTo(numbered(events));
            assertThat(store.open(name).last()).isEqualTo(events);
        }
        assertThat(commands.mostInserting()).isEqualTo(1);
        assertThat(commands.inserted())
                .allSatisfy(streamsOfOne -> assertThat(streamsOfOne).doesNotHaveDuplicates());
        assertThat(commands.count("insert")).isLessThan(streams * events / 20);
    }

    @Test
    @DisplayName("R4 a lone event leaves at once: nobody has to flush it, and no timer is waited for")
    void loneEvent() {
        MongoEventStore store = store();
        String name = name();
        EventAppender appender = store.appender(name, 1);
        for (int i = 0; i < 5; i++) {
            long before = System.nanoTime();
            appender.append(null, "event " + i);
            appender.flush();
            // Generous: the machine may be busy.
            assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(2));
            assertThat(stored(name)).isEqualTo(numbered(i + 1));
        }
        assertThat(commands.count("insert")).isEqualTo(5);
        appender.append(null, "event 5");
        await().until(() -> stored(name).size() == 6);
    }

    @Test
    @DisplayName("what comes soon after a write is written together, whatever stream it is of")
    void lingers() {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(commands), timer)
                .linger(Duration.ofSeconds(3))
                .build();
        EventAppender one = store.appender(name(), 1);
        EventAppender two = store.appender(name(), 1);
        one.append(null, "event 0");
        one.flush();
        for (String data : numbered(3)) {
            one.append(null, data);
            two.append(null, data);
        }
        one.flush();
        two.flush();
        assertThat(commands.inserted()).hasSize(2);
    }

    @Test
    @DisplayName("without a linger each write begins as soon as the one before is done")
    void doesNotLinger() {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(commands), timer)
                .linger(Duration.ofMinutes(1))
                .linger(Duration.ZERO)
                .build();
        EventAppender appender = store.appender(name(), 1);
        Future<?> writer = threads.submit(() -> {
            for (String data : numbered(5)) {
                appender.append(null, data);
                appender.flush();
            }
        });
        await().until(writer::isDone);
        assertThat(commands.inserted()).hasSize(5);
        assertThatThrownBy(() -> MongoEventStore.builder(mongo.database, timer).linger(Duration.ofMillis(-1)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("PT-0.001S");
    }

    @Test
    @DisplayName(
            "a lone event leaves at once, however long the linger; a writer whose executor is stopped meanwhile is told")
    void shutDownWhileLingering() {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(commands), timer)
                .linger(Duration.ofMinutes(1))
                .build();
        EventAppender appender = store.appender(name(), 1);
        appender.append(null, "event 0");
        appender.flush();
        appender.append(null, "event 1");
        Future<?> flush = threads.submit(appender::flush);
        timer.shutdownNow();
        await().until(flush::isDone);
        assertThatThrownBy(flush::get).hasCauseInstanceOf(ProblemException.class);
    }

    @Test
    @DisplayName("the end travels in the document of the last events")
    void endWithEvents() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(10));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        proxy.goAway();
        appender.append(null, "event 1");
        // Only then event 1 is in a document of its own, which event 2 cannot join any more.
        await().until(GroupCommitTest::isWriting);
        appender.append(null, "event 2");
        Thread end = new Thread(() -> appender.end(End.completed("3")));
        end.start();
        // Once it waits for the store, and not for the lock, it has been gathered.
        await().until(() -> Arrays.stream(end.getStackTrace())
                .anyMatch(f -> f.getMethodName().equals("awaitNanos")));
        proxy.comeBack();
        end.join(20_000);
        Document last = mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .find(Filters.and(Filters.eq("stream", name), Filters.exists("end")))
                .first();
        assertThat(last.getList("data", Document.class)).isNotEmpty();
        assertThat(stored(name)).isEqualTo(numbered(3));
    }

    @Test
    @DisplayName("R1 R4 a write whose answer got lost is repeated, and nothing is doubled")
    void lostAnswer() {
        MongoEventStore store = proxied(Duration.ofSeconds(10));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        for (int i = 0; i < 10; i++) {
            if (i % 3 == 1) {
                proxy.cutBeforeAnswer("insert");
            }
            appender.append(null, "event " + i);
            appender.flush();
        }
        proxy.cutBeforeAnswer("insert");
        appender.end(End.completed(null));
        assertThat(proxy.swallowed()).isEqualTo(4);
        assertThat(stored(name)).isEqualTo(numbered(10));
        assertThat(store.open(name).last()).isEqualTo(10);
        assertThat(store.open(name).end()).contains(End.completed(null));
    }

    @Test
    @DisplayName("R4 an answer that never comes, on a connection that stays, is not waited for for ever")
    void silentServer() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(2));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        proxy.swallowAnswer("insert");
        Future<?> told = threads.submit(() -> {
            appender.append(null, "event 1");
            appender.flush();
        });
        await().atMost(Duration.ofSeconds(8)).until(told::isDone);
        assertThat(stored(name)).isEqualTo(numbered(2));
    }

    @Test
    @DisplayName("R1 R2 what is written while the store is away for a while is neither lost nor doubled")
    void outage() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        List<String> names = List.of(name(), name(), name());
        List<Future<?>> writers = new ArrayList<>();
        AtomicInteger appended = new AtomicInteger();
        CyclicBarrier halfWay = new CyclicBarrier(names.size(), proxy::goAway);
        for (String name : names) {
            writers.add(threads.submit(() -> {
                EventAppender appender = store.appender(name, 1);
                for (int i = 0; i < 200; i++) {
                    if (i == 100) {
                        halfWay.await(10, TimeUnit.SECONDS);
                    }
                    appender.append(null, "event " + i);
                    appended.incrementAndGet();
                }
                appender.end(End.completed(null));
                return null;
            }));
        }
        // Writers do not wait for the store while they are within their bounds.
        await().until(() -> appended.get() == 600);
        assertThat(writers).noneMatch(Future::isDone);
        proxy.comeBack();
        for (Future<?> writer : writers) {
            writer.get(20, TimeUnit.SECONDS);
        }
        for (String name : names) {
            assertThat(stored(name)).isEqualTo(numbered(200));
            assertThat(store.open(name).end()).contains(End.completed(null));
        }
    }

    @Test
    @DisplayName("a writer that is ahead of the store by its bound is held back until the store is back")
    void bounded() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "small");
        appender.flush();
        proxy.goAway();
        AtomicInteger appended = new AtomicInteger();
        String big = "x".repeat(100_000);
        Future<?> writer = threads.submit(() -> {
            for (int i = 0; i < 30; i++) {
                appender.append(null, big);
                appended.incrementAndGet();
            }
            appender.flush();
        });
        await().until(() -> appended.get() == 10);
        await().during(Duration.ofMillis(300)).until(() -> appended.get() == 10);
        proxy.comeBack();
        writer.get(20, TimeUnit.SECONDS);
        assertThat(stored(name)).hasSize(31);
    }

    @Test
    @DisplayName(
            "all writers together are held back at the bound of the process, each below its own, until the store is back")
    void boundedTogether() throws Exception {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(proxy, commands), timer)
                .retryFor(Duration.ofSeconds(20))
                .maxPendingBytes(21 << 20)
                .build();
        int bound = 10;
        String big = "x".repeat(1 << 20);
        AtomicInteger appended = new AtomicInteger();
        List<String> names = IntStream.range(0, bound + 5).mapToObj(i -> name()).toList();
        List<EventAppender> appenders =
                names.stream().map(name -> store.appender(name, 1)).toList();
        proxy.goAway();
        List<Future<?>> writers = new ArrayList<>();
        for (EventAppender appender : appenders) {
            writers.add(threads.submit(() -> {
                appender.append(null, big);
                appended.incrementAndGet();
                appender.flush();
            }));
        }
        await().until(() -> appended.get() == bound);
        await().during(Duration.ofMillis(300)).until(() -> appended.get() == bound);
        proxy.comeBack();
        for (Future<?> writer : writers) {
            writer.get(20, TimeUnit.SECONDS);
        }
        assertThat(names).allSatisfy(n -> assertThat(stored(n)).hasSize(1));
    }

    @Test
    @DisplayName("R2 a store that stays away is told to the writer as store_unreachable, and readers get no false end")
    void awayTooLong() throws Exception {
        MongoEventStore store = proxied(Duration.ofMillis(600));
        MongoEventStore reader = store(mongo.connect(), Duration.ofSeconds(1));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        proxy.goAway();
        appender.append(null, "event 1");
        long before = System.nanoTime();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(appender::flush)
                .satisfies(e -> {
                    assertThat(e.problem().status()).isEqualTo(503);
                    assertThat(e.problem().code()).isEqualTo("store_unreachable");
                });
        assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(5));
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> appender.append(null, "more"));
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> appender.end(End.completed(null)));
        proxy.comeBack();
        EventStream.Batch batch = reader.open(name).read(EventStream.BEGINNING, 10);
        assertThat(batch.events()).extracting(Event::data).containsExactly("event 0");
        assertThat(batch.end()).isNull();
        assertThat(reader.open(name).end()).isEmpty();

        // The store serves others as before.
        EventAppender next = store.appender(name, 2);
        next.append(null, "other");
        next.end(End.completed(null));
        assertThat(reader.open(name).end()).contains(End.completed(null));
    }

    @Test
    @DisplayName("R3 a writer whose place was taken while the store was away is told that it is stale")
    void fencedAfterOutage() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        MongoEventStore other = store(mongo.connect(), Duration.ofSeconds(10));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "event 0");
        appender.flush();
        proxy.goAway();
        appender.append(null, "zombie");
        other.appender(name, 2).append(null, "event 1");
        await().until(() -> other.open(name).last() == 2);
        proxy.comeBack();
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(appender::flush);
        assertThat(other.open(name).read(EventStream.BEGINNING, 10).events())
                .extracting(Event::data)
                .containsExactly("event 0", "event 1");
    }

    @Test
    @DisplayName("R3 one fenced writer does not disturb the others in the same insert")
    void fencedAmongOthers() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        String fenced = name();
        EventAppender stale = store.appender(fenced, 1);
        List<String> names = List.of(name(), name(), name());
        List<EventAppender> others =
                names.stream().map(n -> store.appender(n, 1)).toList();
        store(mongo.connect(), Duration.ofSeconds(1)).appender(fenced, 2);
        proxy.goAway();
        others.get(0).append(null, "event 0");
        stale.append(null, "zombie");
        others.get(1).append(null, "event 0");
        others.get(2).append(null, "event 0");
        proxy.comeBack();
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(stale::flush);
        others.forEach(EventAppender::flush);
        assertThat(names).allSatisfy(n -> assertThat(stored(n)).containsExactly("event 0"));
    }

    @Test
    @DisplayName(
            "an event that is too large for a document is refused, and the stream goes on; the largest one is taken")
    void tooLarge() {
        MongoEventStore store = store();
        String name = name();
        EventAppender appender = store.appender(name, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> appender.append(null, "x".repeat(MongoEventAppender.MAX_EVENT_CHARS + 1)));
        // Three bytes each in UTF-8.
        assertThat(appender.append(null, "\u20ac".repeat(MongoEventAppender.MAX_EVENT_CHARS)))
                .isZero();
        assertThat(appender.append(null, "small")).isEqualTo(1);
        appender.end(End.completed(null));
        assertThat(stored(name)).extracting(String::length).containsExactly(MongoEventAppender.MAX_EVENT_CHARS, 5);
    }

    @Test
    @DisplayName("a result that is too large for a document is told to its writer, and does no harm to other streams")
    void tooLargeResult() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        EventAppender other = store.appender(name(), 1);
        EventAppender another = store.appender(name(), 1);
        EventAppender large = store.appender(name(), 1);
        proxy.goAway();
        // Keeps the one insert busy, so that the others come together in the next.
        other.append(null, "event 0");
        await().until(() -> !threadsIdle());
        another.append(null, "event 0");
        AtomicReference<Throwable> told = new AtomicReference<>();
        Thread end = new Thread(() -> {
            try {
                large.end(End.completed("x".repeat(17 << 20)));
            } catch (RuntimeException e) {
                told.set(e);
            }
        });
        end.start();
        await().until(() -> end.getState() == Thread.State.WAITING || !end.isAlive());
        proxy.comeBack();
        end.join(20_000);
        assertThat(told.get()).isNotNull();
        other.flush();
        another.flush();
    }

    /** Whether a commit has gathered its documents and tries to write them. */
    private static boolean isWriting() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .anyMatch(f -> f.getClassName().equals(GroupCommit.class.getName())
                        && f.getMethodName().equals("write"));
    }

    private boolean threadsIdle() {
        return ((ScheduledThreadPoolExecutor) timer).getActiveCount() == 0;
    }

    @Test
    @DisplayName(
            "R2 a failure with endless words is an end all the same, with fewer of them, and harms no other stream")
    void tooLargeFailure() {
        MongoEventStore store = store();
        String name = name();
        EventAppender appender = store.appender(name, 1);
        EventAppender other = store.appender(name(), 1);
        other.append(null, "event 0");
        appender.end(End.failed(new Problem(502, "upstream_failed", "x".repeat(17 << 20))));
        other.flush();
        assertThat(store.open(name).end().orElseThrow()).isInstanceOfSatisfying(End.Failed.class, failed -> {
            assertThat(failed.problem().code()).isEqualTo("upstream_failed");
            assertThat(failed.problem().detail()).startsWith("xxx").hasSizeLessThan(70_000);
        });
    }

    @Test
    @DisplayName("a type counts as the data does")
    void tooLargeType() {
        EventAppender appender = store().appender(name(), 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> appender.append("t".repeat(MongoEventAppender.MAX_EVENT_CHARS), "x"));
    }

    @Test
    @DisplayName("times that cannot be reckoned with are refused at the start")
    void endlessTimes() {
        assertThatIllegalArgumentException()
                .isThrownBy(() ->
                        MongoEventStore.builder(mongo.database, timer).retention(Duration.ofMillis(Long.MAX_VALUE)))
                .withMessageContaining("retention");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MongoEventStore.builder(mongo.database, timer).retryFor(Duration.ofDays(365_000)))
                .withMessageContaining("retryFor");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MongoEventStore.builder(mongo.database, timer).linger(Duration.ofDays(365_000)))
                .withMessageContaining("linger");
    }

    @Test
    @DisplayName("R4 a fence whose answer got lost is recognized, and its writer goes on")
    void lostFence() {
        MongoEventStore store = proxied(Duration.ofSeconds(10));
        String name = name();
        EventAppender first = store.appender(name, 1);
        first.append(null, "event 0");
        first.flush();
        proxy.cutBeforeAnswer("insert");
        EventAppender second = store.appender(name, 2);
        second.append(null, "event 1");
        second.end(End.completed(null));
        assertThat(proxy.swallowed()).isEqualTo(1);
        assertThat(store.open(name).read(EventStream.BEGINNING, 10).events())
                .extracting(Event::position)
                .containsExactly(0L, 2L);
    }

    @Test
    @DisplayName("a writer whose executor was shut down is told, and does not wait for ever")
    void shutDown() {
        MongoEventStore store = store();
        EventAppender appender = store.appender(name(), 1);
        appender.append(null, "event 0");
        appender.flush();
        timer.shutdownNow();
        Future<?> writer = threads.submit(() -> {
            for (int i = 0; i < 2; i++) {
                try {
                    appender.append(null, "event 1");
                } catch (RuntimeException e) {
                    // The first is told; and what of the end?
                }
            }
            appender.end(End.completed(null));
        });
        await().atMost(Duration.ofSeconds(3)).until(writer::isDone);
        assertThatThrownBy(writer::get).hasCauseInstanceOf(ProblemException.class);
    }

    @Test
    @DisplayName("an interrupted write gives up, or goes on at its pace, but does not spin")
    void interruptedWrite() throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger(GroupCommit.class);
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        logger.addAppender(log);
        logger.setAdditive(false);
        try {
            MongoEventStore store = proxied(Duration.ofMillis(1500));
            EventAppender appender = store.appender(name(), 1);
            appender.append(null, "event 0");
            appender.flush();
            proxy.goAway();
            appender.append(null, "event 1");
            await().until(() -> !threadsIdle());
            timer.shutdownNow();
            Future<?> flush = threads.submit(appender::flush);
            await().until(flush::isDone);
            assertThatThrownBy(flush::get).hasCauseInstanceOf(ProblemException.class);
            assertThat(log.list.size()).isLessThan(50);
        } finally {
            logger.detachAppender(log);
            logger.setAdditive(true);
        }
    }
}
