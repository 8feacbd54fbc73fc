// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TestDocuments;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventStream;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A failover can roll back what readers have been shown, and a document can be deleted. */
@Timeout(60)
class LostEntriesTest {

    private static Mongo mongo;

    private final ScheduledExecutorService executor = Executors.newScheduledThreadPool(4);
    private final Commands commands = new Commands();
    private final MongoEventStore store =
            MongoEventStore.builder(mongo.connect(commands), executor).build();
    private final List<Reader> readers = new ArrayList<>();

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
        readers.forEach(r -> r.watch.close());
        executor.shutdownNow();
    }

    /** Reads when its hint has run, and not otherwise. */
    private final class Reader {

        private final EventStream stream;
        private final EventStream.Watch watch;
        private final AtomicBoolean hinted = new AtomicBoolean(true);
        private final List<Long> seen = new ArrayList<>();
        private long after = EventStream.BEGINNING;
        private @Nullable ProblemException cut;

        Reader(String streamId) {
            this.stream = store.open(streamId);
            this.watch = stream.watch(() -> hinted.set(true));
            readers.add(this);
        }

        Reader follow() {
            while (cut == null && hinted.compareAndSet(true, false)) {
                try {
                    EventStream.Batch batch = stream.read(after, 64);
                    batch.events().forEach(e -> seen.add(e.position()));
                    if (batch.last() > after) {
                        hinted.set(true);
                    }
                    after = batch.last();
                } catch (ProblemException e) {
                    cut = e;
                }
            }
            return this;
        }

        boolean isCut() {
            follow();
            return cut != null && cut.problem().status() == 410;
        }
    }

    private static String newId() {
        return Task.of("test", "").id();
    }

    private static MongoCollection<Document> collection() {
        return mongo.database.getCollection(MongoEventStore.COLLECTION);
    }

    private static void insert(String stream, long from, long to) {
        collection()
                .insertMany(LongStream.range(from, to)
                        .mapToObj(seq -> TestDocuments.of(new EventBatch(
                                new ObjectId(), stream, seq, 1, List.of(new Event(seq, null, "x")), null, false)))
                        .toList());
    }

    private static List<Long> positions(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    @Test
    @DisplayName("R5 a watched reader gets 410 when its tail is rolled back, and a new reader continues")
    void rolledBackTail() {
        String id = newId();
        insert(id, 0, 10);
        Reader reader = new Reader(id).follow();
        assertThat(reader.seen).isEqualTo(positions(0, 10));
        collection().deleteMany(Filters.and(Filters.eq("stream", id), Filters.gte("seq", 7)));
        await().atMost(Duration.ofSeconds(20)).until(reader::isCut);
        reader.watch.close();

        Reader next = new Reader(id).follow();
        insert(id, 7, 9);
        await().until(() -> next.follow().seen.size() == 9);
        assertThat(next.cut).isNull();
    }

    @Test
    @DisplayName("R1 a reader gets 410 at a missing document from any start position")
    void missingMiddle() {
        String id = newId();
        insert(id, 0, 200);
        collection().deleteOne(Filters.and(Filters.eq("stream", id), Filters.eq("seq", 100L)));
        Reader reader = new Reader(id);
        await().until(reader::isCut);
        assertThat(reader.seen).isEqualTo(positions(0, 100));
    }

    @Test
    @DisplayName("R1 a gap at the tail that is filled within a second does not affect readers")
    void transientGap() {
        String id = newId();
        insert(id, 0, 5);
        Reader reader = new Reader(id).follow();
        insert(id, 6, 8);
        commands.clear();
        await().until(() -> commands.count("find") > 3);
        insert(id, 5, 6);
        await().until(() -> reader.follow().seen.size() == 8);
        assertThat(reader.seen).isEqualTo(positions(0, 8));
        assertThat(reader.cut).isNull();
    }

    @Test
    @DisplayName("R16 500 documents after a gap delay no other stream and are fetched only a few times")
    void manyBehindGap() {
        String broken = newId();
        Reader cut = new Reader(broken).follow();
        List<Reader> good = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            good.add(new Reader(newId()).follow());
        }
        insert(broken, 1, 501);
        for (Reader reader : good) {
            insert(reader.stream.id(), 0, 5);
            await().atMost(Duration.ofSeconds(2))
                    .until(() -> reader.follow().seen.size() == 5);
        }
        await().atMost(Duration.ofSeconds(5)).until(cut::isCut);
        assertThat(cut.seen).isEmpty();
        // So is a reader that waits for the end alone.
        assertThatExceptionOfType(ProblemException.class).isThrownBy(cut.stream::end);
        assertThat(good).allMatch(r -> r.cut == null);
    }

    @Test
    @DisplayName("a read stops at a limit of bytes and reports that there is more, and returns a large event whole")
    void boundedRead() {
        String id = newId();
        String large = "x".repeat(400_000);
        List<Document> documents = new ArrayList<>();
        for (int seq = 0; seq < 6; seq++) {
            documents.add(TestDocuments.of(
                    new EventBatch(new ObjectId(), id, seq, 1, List.of(new Event(seq, null, large)), null, false)));
        }
        documents.add(TestDocuments.of(
                new EventBatch(new ObjectId(), id, 6, 1, List.of(new Event(6, null, large.repeat(10))), null, false)));
        collection().insertMany(documents);
        EventStream stream = store.open(id);
        EventStream.Batch first = stream.read(EventStream.BEGINNING, 100);
        assertThat(first.events()).hasSize(2);
        assertThat(first.last()).isEqualTo(1);
        assertThat(first.more()).isTrue();
        EventStream.Batch last = stream.read(5, 100);
        assertThat(last.events()).hasSize(1);
        assertThat(stream.read(6, 100).more()).isFalse();
    }
}
