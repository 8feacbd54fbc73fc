// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.DatabaseSettings;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.MongoOperations;
import dev.handoff.mongo.testing.FaultyDatabase;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a fence is written when the database fails. */
@Timeout(60)
class FenceTest {

    private static final AtomicInteger NAMES = new AtomicInteger(2000);
    private static Mongo mongo;

    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(3);
    private final FaultyDatabase faulty = new FaultyDatabase(
            new MongoOperations(mongo.database, DatabaseSettings.keeping(Duration.ofHours(1), Duration.ofHours(1))));
    private final MongoEventStore store = MongoEventStore.builder(executor)
            .retryFor(Duration.ofSeconds(5))
            .build(faulty.database(), ReentrantLock::new);

    @BeforeAll
    static void startMongo() {
        mongo = Mongo.start();
    }

    @AfterAll
    static void stopMongo() {
        mongo.close();
    }

    @AfterEach
    void stop() {
        executor.shutdownNow();
    }

    private static String name() {
        return String.format("%032x", NAMES.incrementAndGet());
    }

    private static List<InsertOutcome> outcomes(int count, InsertOutcome.Kind kind) {
        List<InsertOutcome> outcomes = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            outcomes.add(new InsertOutcome(kind, "10107: not primary"));
        }
        return outcomes;
    }

    private List<String> data(String stream) {
        return store.open(stream).read(EventStream.BEGINNING, 100).events().stream()
                .map(Event::data)
                .toList();
    }

    @Test
    @DisplayName("R3 a fence whose answer was lost is recognized after each kind of failure")
    void lostFence() {
        String stream = name();
        EventAppender first = store.appender(stream, 1);
        first.append(null, "a");
        first.flush();
        faulty.once("insert", real -> {
            real.call();
            throw DatabaseException.unknown("the operation exceeded its time limit", null);
        });
        EventAppender second = store.appender(stream, 2);
        assertThat(second.append(null, "b")).isEqualTo(2);
        second.end(End.completed(null));
        assertThat(data(stream)).containsExactly("a", "b");
    }

    @Test
    @DisplayName("R3 a fence waits until a batch without majority is visible, and comes after it")
    void fenceBehindInvisible() {
        String stream = name();
        EventAppender first = store.appender(stream, 1);
        first.append(null, "a");
        first.flush();
        AtomicInteger looks = new AtomicInteger();
        faulty.always("last", real -> looks.incrementAndGet() < 4 ? Optional.empty() : real.call());
        EventAppender second = store.appender(stream, 2);
        assertThat(second.append(null, "b")).isEqualTo(2);
    }

    @Test
    @DisplayName("a fence with no time to retry gives up after one attempt")
    void oneAttempt() {
        String stream = name();
        AtomicInteger looks = new AtomicInteger();
        faulty.always("last", real -> {
            looks.incrementAndGet();
            throw DatabaseException.unknown("away", null);
        });
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> store.appender(stream, 2, Duration.ZERO))
                .satisfies(e -> assertThat(e.problem().status()).isEqualTo(503));
        assertThat(looks).hasValue(1);
    }

    @Test
    @DisplayName("R10 the first writer refuses a stream with entries of a deleted task")
    void leftovers() {
        String stream = name();
        EventAppender first = store.appender(stream, 1);
        first.append(null, "the answer to another question");
        first.flush();
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(() -> store.appender(stream, 1));
    }

    @Test
    @DisplayName("R3 a fence with no time to retry reads the outcome of its one attempt")
    void looksAfterItsOneAttempt() {
        String stream = name();
        faulty.once("insert", real -> {
            real.call();
            return outcomes(1, InsertOutcome.Kind.UNKNOWN);
        });
        EventAppender writer = store.appender(stream, 2, Duration.ZERO);
        assertThat(writer.append(null, "a")).isEqualTo(1);
        writer.flush();
    }

    @Test
    @DisplayName("a fence with no time to retry fails if its one attempt is not stored, and is not inserted again")
    void givesUpAfterItsOneAttempt() {
        String stream = name();
        AtomicInteger inserts = new AtomicInteger();
        faulty.always("insert", real -> {
            inserts.incrementAndGet();
            return outcomes(1, InsertOutcome.Kind.UNKNOWN);
        });
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> store.appender(stream, 2, Duration.ZERO));
        assertThat(inserts).hasValue(1);
    }

    @Test
    @DisplayName("R3 a fence with no time to retry still wins against a writer that was faster")
    void fasterWriter() {
        String stream = name();
        EventAppender first = store.appender(stream, 1);
        first.append(null, "a");
        first.flush();
        faulty.once("insert", fence -> {
            first.append(null, "b");
            first.flush();
            return fence.call();
        });
        EventAppender second = store.appender(stream, 2, Duration.ZERO);
        second.append(null, "c");
        second.flush();
        assertThat(data(stream)).containsExactly("a", "b", "c");
    }

    @Test
    @DisplayName("R3 a first writer that was suspended before its first write is fenced by the second")
    void lateFirstWrite() {
        String stream = name();
        EventAppender first = store.appender(stream, 1);
        EventAppender second = store.appender(stream, 2);
        first.append(null, "late");
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(first::flush);
        second.append(null, "a");
        second.end(End.completed(null));
        assertThat(data(stream)).containsExactly("a");
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(() -> store.appender(stream, 1));
    }

    @Test
    @DisplayName(
            "a thread that is interrupted while it waits for a fence gets a clear exception at once, and stays interrupted")
    void interrupted() {
        String stream = name();
        faulty.always("last", real -> {
            throw DatabaseException.unknown("away", null);
        });
        Thread.currentThread().interrupt();
        try {
            assertThatExceptionOfType(ProblemException.class)
                    .isThrownBy(() -> store.appender(stream, 2))
                    .withStackTraceContaining("interrupted while taking stream");
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
