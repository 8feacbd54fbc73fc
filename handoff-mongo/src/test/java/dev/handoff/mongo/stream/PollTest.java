// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.TestDocuments;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bson.BsonArray;
import org.bson.BsonDocument;
import org.bson.BsonInt32;
import org.bson.BsonValue;
import org.bson.Document;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Which streams the tail asks the database for, and how often. */
@Timeout(60)
class PollTest extends StreamFixture {

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
    @DisplayName("the poll wakes readers that wait only for the end, so they do not query the store")
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
            "R1 R5 three readers of each of 200 streams of another process see all events in order, with few queries")
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
    @DisplayName("a silent stream is polled less and less often, and often again after a new entry")
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
    @DisplayName("streams at the same position share a clause of the query, and others have their own")
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
    @DisplayName("a query with a truncated answer does not delay the last streams")
    void asksForTheRest() {
        List<String> names = Stream.generate(StreamFixture::name).limit(4).toList();
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
    @DisplayName("a stream that has ended or has no watch is not polled")
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
}
