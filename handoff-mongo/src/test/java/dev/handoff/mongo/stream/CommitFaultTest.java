// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** What writers see when the store, the connection or the executor fails. */
@Timeout(60)
class CommitFaultTest extends CommitFixture {

    @Test
    @DisplayName("R16 if the executor throws on a write, no writer waits forever")
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
    @DisplayName("a lone event is written at once with any linger, and a writer fails if its executor is shut down")
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
    @DisplayName("a writer whose executor was shut down gets an exception and does not wait forever")
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
    @DisplayName("an interrupted write fails or continues at its pace, but does not spin")
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

    @Test
    @DisplayName("R1 R4 a write whose answer was lost is repeated without duplicates")
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
    @DisplayName("R4 the wait for an answer on an open connection has a limit")
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
    @DisplayName("R1 R2 events written during an outage of the store are neither lost nor duplicated")
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
    @DisplayName("R2 if the store stays away, the writer gets store_unreachable and readers get no false end")
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
}
