// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mongodb.client.model.Filters;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What readers of a stream that another process writes see, from the database and from the tail. */
@Timeout(60)
class MongoEventStreamTest extends StreamFixture {

    @Test
    @DisplayName("a reader of a stream with an invalid document gets an error and does not wait forever")
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
    @DisplayName("a reader gets 410 if the whole stream expires while it reads")
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
    @DisplayName("R4 events of this process are read from the tail without a query")
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
    @DisplayName("R1 R4 a reader that joins later sees all events from any position")
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
    @DisplayName("R7 a reader far behind the window reads all events while the window drops large ones")
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
    @DisplayName("R1 R5 a read from any position, even inside a batch, returns exactly the remaining entries")
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
    @DisplayName("R1 a read skips fences, which take a position, and returns exactly the remaining entries")
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
    @DisplayName("a read with the largest limit works, also from the tail")
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
    @DisplayName("a stream whose beginning was deleted answers 410 and is not shown shortened")
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
    @DisplayName("a hint that throws does not affect other readers")
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
