// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.DatabaseSettings;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.MongoOperations;
import dev.handoff.mongo.testing.FaultyDatabase;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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

/** What becomes of a write whose outcome nobody knows. */
@Timeout(60)
class UnknownOutcomeTest {

    private static final AtomicInteger NAMES = new AtomicInteger(1000);
    private static Mongo mongo;

    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(3);
    private final FaultyDatabase faulty = new FaultyDatabase(
            new MongoOperations(mongo.database, DatabaseSettings.keeping(Duration.ofHours(1), Duration.ofHours(1))));
    private final AtomicInteger fenced = new AtomicInteger();
    private final AtomicInteger retried = new AtomicInteger();
    private final MongoEventStore store = MongoEventStore.builder(executor)
            .retryFor(Duration.ofSeconds(5))
            .observer(new HandoffObserver() {
                @Override
                public void fenced(String streamId) {
                    fenced.incrementAndGet();
                }

                @Override
                public void commitRetried(int batches) {
                    retried.addAndGet(batches);
                }
            })
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
    @DisplayName("R4 a batch that fails for a temporary reason is written again, and no event is lost")
    void passingError() {
        String stream = name();
        EventAppender appender = store.appender(stream, 1);
        faulty.once("insert", real -> outcomes(1, InsertOutcome.Kind.UNKNOWN));
        appender.append(null, "a");
        appender.flush();
        assertThat(data(stream)).containsExactly("a");
        assertThat(retried).hasValue(1);
    }

    @Test
    @DisplayName("R1 a batch that was stored although the server reports a failure is stored once")
    void storedAllTheSame() {
        String stream = name();
        EventAppender appender = store.appender(stream, 1);
        faulty.once("insert", real -> {
            real.call();
            return outcomes(1, InsertOutcome.Kind.UNKNOWN);
        });
        appender.append(null, "a");
        appender.append(null, "b");
        appender.end(End.completed(null));
        assertThat(data(stream)).containsExactly("a", "b");
        assertThat(fenced).hasValue(0);
    }

    @Test
    @DisplayName(
            "R3 a duplicate whose stored batch is not visible yet does not fence: the write repeats until it is visible")
    void invisibleHolder() {
        String stream = name();
        EventAppender appender = store.appender(stream, 1);
        faulty.once("insert", real -> {
            real.call();
            // From here on the batch is there, and no majority has it.
            AtomicInteger looks = new AtomicInteger();
            faulty.always("holders", look -> looks.incrementAndGet() < 3 ? Map.of() : look.call());
            throw DatabaseException.unknown("the answer got lost", null);
        });
        appender.append(null, "a");
        appender.flush();
        assertThat(data(stream)).containsExactly("a");
        assertThat(fenced).hasValue(0);
    }

    @Test
    @DisplayName("R3 a writer that collides with the batch of another is fenced")
    void otherWriter() {
        String stream = name();
        EventAppender first = store.appender(stream, 1);
        first.append(null, "a");
        first.flush();
        EventAppender second = store.appender(stream, 2);
        first.append(null, "b");
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(first::flush);
        second.append(null, "c");
        second.flush();
        assertThat(data(stream)).containsExactly("a", "c");
        assertThat(fenced).hasValue(1);
    }

    @Test
    @DisplayName("R16 a batch that the server refuses ends its own stream only")
    void refused() {
        String bad = name();
        String good = name();
        EventAppender one = store.appender(bad, 1);
        EventAppender other = store.appender(good, 1);
        faulty.once("insert", real -> outcomes(1, InsertOutcome.Kind.REFUSED));
        one.append(null, "a");
        await().until(() -> !faulty.isArmed());
        other.append(null, "b");
        other.flush();
        assertThatExceptionOfType(ProblemException.class).isThrownBy(one::flush);
        assertThat(data(good)).containsExactly("b");
    }
}
