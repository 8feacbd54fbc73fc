// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.testing.TickedExecutor;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Time passes only when a test says so. */
class TailPollerTest {

    private static final Duration SHORTEST = Duration.ofMillis(10);
    private static final Duration LONGEST = Duration.ofMillis(250);
    private static final Duration MOMENT = Duration.ofMillis(50);

    private final TickedExecutor executor = new TickedExecutor();
    private final Source source = new Source();
    private final TailPoller poller = poller(1, 1 << 20);

    private TailPoller poller(int loops, long windowBytes) {
        return new TailPoller(
                source,
                TailSettings.of(executor, executor, executor, new PollInterval(SHORTEST, LONGEST))
                        .withLoops(loops)
                        .withWindowBytes(windowBytes));
    }

    /** Streams in memory, and what was fetched of them. */
    private static final class Source implements TailSource {

        private final Map<String, TreeMap<Long, EventBatch>> streams = new TreeMap<>();
        private final List<Set<String>> fetches = new ArrayList<>();
        private int lengths;
        private Runnable beforeFetch = () -> {};

        void put(EventBatch batch) {
            streams.computeIfAbsent(batch.stream(), s -> new TreeMap<>()).put(batch.seq(), batch);
        }

        void put(String stream, long seq) {
            put(batch(stream, seq, 10, null));
        }

        void remove(String stream, long seq) {
            streams.get(stream).remove(seq);
        }

        @Override
        public TailFetch fetch(Map<String, Long> from, long maxBytes) {
            beforeFetch.run();
            fetches.add(new HashSet<>(from.keySet()));
            List<EventBatch> found = new ArrayList<>();
            long bytes = 0;
            for (Map.Entry<String, Long> each : new TreeMap<>(from).entrySet()) {
                for (EventBatch batch : streams.getOrDefault(each.getKey(), new TreeMap<>())
                        .tailMap(each.getValue())
                        .values()) {
                    if (bytes >= maxBytes) {
                        return new TailFetch(found, true, Set.of());
                    }
                    found.add(batch);
                    bytes += batch.bytes();
                }
            }
            return new TailFetch(found, bytes >= maxBytes, Set.of());
        }

        @Override
        public long length(String stream) {
            lengths++;
            TreeMap<Long, EventBatch> batches = streams.get(stream);
            return batches == null || batches.isEmpty()
                    ? 0
                    : batches.lastEntry().getValue().next();
        }

        long fetchesOf(String stream) {
            return fetches.stream().filter(f -> f.contains(stream)).count();
        }
    }

    private static EventBatch batch(String stream, long seq, int length, @Nullable End end) {
        return new EventBatch(
                new ObjectId(), stream, seq, 1, List.of(new Event(seq, null, "x".repeat(length))), end, false);
    }

    /** A reader that reads whenever its hint runs, also the source if the window does not have what it wants. */
    private final class Reader {

        private final String stream;
        private final TailWindow.Watch watch;
        private final List<Long> seen = new ArrayList<>();
        private long after;
        private int hints;
        private boolean cut;

        Reader(TailPoller poller, String stream, long from) {
            this.stream = stream;
            this.after = from - 1;
            this.watch = poller.watch(stream, () -> {
                hints++;
                read(poller);
            });
            poller.follow(watch, source.length(stream));
            read(poller);
        }

        void read(TailPoller poller) {
            EventStream.Batch batch = poller.read(watch, after, 1000);
            cut = watch.isGone(after);
            if (batch != null && !cut) {
                batch.events().forEach(e -> seen.add(e.position()));
                after = batch.last();
            } else if (!cut) {
                source.streams.getOrDefault(stream, new TreeMap<>()).tailMap(after + 1).values().stream()
                        .flatMap(b -> b.events().stream())
                        .forEach(e -> seen.add(e.position()));
                after = source.length(stream) - 1;
            }
        }
    }

    private Reader reader(String stream) {
        return new Reader(poller, stream, source.length(stream));
    }

    private static List<Long> positions(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    @Test
    @DisplayName("R1 a new entry arrives within the shortest pause, or the longest after five seconds of silence")
    void polls() {
        Reader reader = reader("a");
        source.put("a", 0);
        executor.pass(SHORTEST.multipliedBy(2));
        assertThat(reader.seen).containsExactly(0L);
        executor.pass(Duration.ofSeconds(20));
        source.fetches.clear();
        executor.pass(Duration.ofSeconds(10));
        assertThat(source.fetches).hasSizeBetween(35, 42);
        source.put("a", 1);
        executor.pass(LONGEST.plus(SHORTEST));
        assertThat(reader.seen).containsExactly(0L, 1L);
        source.fetches.clear();
        executor.pass(Duration.ofSeconds(1));
        assertThat(source.fetches).hasSizeBetween(90, 101);
    }

    @Test
    @DisplayName("a loop without streams stops and starts again with the next stream")
    void stops() {
        Reader reader = reader("a");
        executor.pass(MOMENT);
        reader.watch.close();
        executor.pass(Duration.ofSeconds(1));
        source.fetches.clear();
        executor.pass(Duration.ofSeconds(10));
        assertThat(source.fetches).isEmpty();
        Reader second = reader("a");
        source.put("a", 0);
        executor.pass(LONGEST);
        assertThat(second.seen).containsExactly(0L);
    }

    @Test
    @DisplayName("R1 a gap that is filled within a second affects no reader, and entries after it are not shown before")
    void transientGap() {
        Reader reader = reader("a");
        source.put("a", 1);
        executor.pass(Duration.ofMillis(800));
        assertThat(reader.seen).isEmpty();
        source.put("a", 0);
        executor.pass(Duration.ofSeconds(3));
        assertThat(reader.cut).isFalse();
        assertThat(reader.seen).containsExactly(0L, 1L);
    }

    @Test
    @DisplayName("R1 a gap from before an outage is observed for another second before readers fail")
    void gapBeforeOutage() {
        Reader filled = reader("a");
        Reader lost = reader("b");
        source.put("a", 1);
        source.put("b", 1);
        executor.pass(MOMENT);
        source.beforeFetch = () -> {
            throw new IllegalStateException("an outage");
        };
        executor.pass(Duration.ofSeconds(10));
        source.beforeFetch = () -> {};
        source.fetches.clear();
        while (source.fetchesOf("a") == 0 || source.fetchesOf("b") == 0) {
            executor.pass(SHORTEST);
        }
        executor.pass(Duration.ofMillis(500));
        assertThat(filled.cut).isFalse();
        source.put("a", 0);
        executor.pass(Duration.ofSeconds(3));
        assertThat(filled.cut).isFalse();
        assertThat(filled.seen).containsExactly(0L, 1L);
        assertThat(lost.cut).isTrue();
    }

    @Test
    @DisplayName("R1 a fetch that takes longer than two seconds does not count as observation of a gap")
    void gapDuringLateFetch() {
        Reader reader = reader("a");
        source.put("a", 1);
        executor.pass(MOMENT);
        source.beforeFetch = () -> {
            source.beforeFetch = () -> {};
            executor.pass(Duration.ofSeconds(3));
        };
        executor.pass(Duration.ofMillis(3500));
        assertThat(reader.cut).isFalse();
        source.put("a", 0);
        executor.pass(Duration.ofSeconds(3));
        assertThat(reader.cut).isFalse();
        assertThat(reader.seen).containsExactly(0L, 1L);
    }

    @Test
    @DisplayName("R1 readers of a stream with a lost entry fail after a second, and polling stops")
    void lostMiddle() {
        Reader reader = reader("a");
        source.put("a", 0);
        source.put("a", 2);
        executor.pass(Duration.ofMillis(900));
        assertThat(reader.cut).isFalse();
        executor.pass(Duration.ofSeconds(2));
        assertThat(reader.seen).containsExactly(0L);
        assertThat(reader.cut).isTrue();
        source.fetches.clear();
        executor.pass(Duration.ofSeconds(10));
        assertThat(source.fetches).isEmpty();
    }

    @Test
    @DisplayName(
            "R16 500 batches after a gap do not delay another stream, and the stream is polled less and less often")
    void manyBehindGap() {
        Reader broken = reader("a");
        Reader good = reader("b");
        LongStream.rangeClosed(1, 500).forEach(seq -> source.put(batch("a", seq, 20_000, null)));
        executor.pass(MOMENT);
        source.fetches.clear();
        for (int i = 0; i < 80; i++) {
            source.put("b", i);
            executor.pass(SHORTEST);
            assertThat(good.seen).hasSizeGreaterThanOrEqualTo(i);
        }
        assertThat(source.fetchesOf("a")).isLessThan(12);
        assertThat(source.fetches).filteredOn(f -> f.contains("a")).allMatch(f -> f.size() == 1);
        executor.pass(Duration.ofSeconds(2));
        assertThat(broken.cut).isTrue();
        assertThat(good.cut).isFalse();
        assertThat(good.seen).isEqualTo(positions(0, 80));
    }

    @Test
    @DisplayName("R5 after a rollback readers that have read more than the stream has fail, and others continue")
    void rolledBackTail() {
        Reader reader = reader("a");
        IntStream.range(0, 5).forEach(i -> source.put("a", i));
        executor.pass(MOMENT);
        assertThat(reader.seen).isEqualTo(positions(0, 5));
        source.remove("a", 3);
        source.remove("a", 4);
        executor.pass(Duration.ofSeconds(15));
        assertThat(reader.cut).isTrue();
        Reader second = new Reader(poller, "a", 3);
        source.put("a", 3);
        executor.pass(Duration.ofSeconds(1));
        assertThat(second.cut).isFalse();
        assertThat(second.seen).containsExactly(3L);
        assertThat(reader.cut).isTrue();
    }

    @Test
    @DisplayName("R5 a reader beyond the tail fails within seconds, and other readers of the stream continue")
    void beyondTail() {
        source.put("a", 0);
        Reader beyond = new Reader(poller, "a", 100);
        Reader honest = reader("a");
        executor.pass(Duration.ofSeconds(4));
        assertThat(beyond.cut).isTrue();
        assertThat(honest.cut).isFalse();
        source.put("a", 1);
        executor.pass(LONGEST);
        assertThat(honest.seen).containsExactly(1L);
    }

    @Test
    @DisplayName("R6 a reader that has read more on a server that is ahead does not fail")
    void aheadForAMoment() {
        source.put("a", 0);
        Reader reader = reader("a");
        reader.watch.noteShown(3);
        executor.pass(Duration.ofMillis(700));
        source.put("a", 1);
        source.put("a", 2);
        executor.pass(Duration.ofSeconds(5));
        assertThat(reader.cut).isFalse();
        assertThat(reader.seen).containsExactly(1L, 2L);
    }

    @Test
    @DisplayName("a loop reads the length of silent streams at most ten times a second")
    void boundedChecks() {
        IntStream.range(0, 500).forEach(i -> reader("stream " + i));
        executor.pass(Duration.ofSeconds(10));
        source.lengths = 0;
        executor.pass(Duration.ofSeconds(10));
        assertThat(source.lengths).isBetween(30, 101);
    }

    @Test
    @DisplayName("R15 all windows stay within the limit of bytes, and slower readers read the database")
    void totalBound() {
        long limit = 1 << 20;
        List<Reader> readers =
                IntStream.range(0, 100).mapToObj(i -> reader("stream " + i)).toList();
        for (int seq = 0; seq < 20; seq++) {
            for (int i = 0; i < readers.size(); i++) {
                source.put(batch("stream " + i, seq, 5000, null));
            }
            executor.pass(Duration.ofMillis(500));
            assertThat(poller.windowBytes()).isPositive().isLessThanOrEqualTo(limit);
        }
        assertThat(readers).allSatisfy(r -> assertThat(r.seen).isEqualTo(positions(0, 20)));
        assertThat(poller.read(readers.get(0).watch, EventStream.BEGINNING, 10)).isNull();
        readers.forEach(r -> r.watch.close());
        assertThat(poller.windowBytes()).isZero();
    }

    @Test
    @DisplayName("R15 a million empty events in one stream stay within the memory limit")
    void emptyEvents() {
        Reader reader = reader("a");
        for (int i = 0; i < 1000; i++) {
            long seq = i * 1000L;
            List<Event> events = LongStream.range(seq, seq + 1000)
                    .mapToObj(p -> new Event(p, null, ""))
                    .toList();
            poller.offer(new EventBatch(new ObjectId(), "a", seq, 1, events, null, false));
        }
        executor.pass(SHORTEST);
        assertThat(poller.windowBytes()).isPositive().isLessThan(RecentBatches.MAX_BYTES + 200_000);
        assertThat(reader.hints).isPositive();
    }

    @Test
    @DisplayName("R15 a large result of an end counts and is dropped with the other entries")
    void largeResults() {
        List<Reader> readers =
                IntStream.range(0, 100).mapToObj(i -> reader("stream " + i)).toList();
        for (int i = 0; i < readers.size(); i++) {
            source.put(new EventBatch(
                    new ObjectId(), "stream " + i, 0, 1, List.of(), End.completed("x".repeat(20_000)), false));
        }
        executor.pass(Duration.ofSeconds(1));
        assertThat(poller.windowBytes()).isPositive().isLessThanOrEqualTo(1 << 20);
        assertThat(readers.get(0).watch.window().isFollowed()).isFalse();
    }

    @Test
    @DisplayName("several loops share the streams, and each stream belongs to one")
    void loops() {
        TailPoller shared = poller(3, 1 << 20);
        List<Reader> readers = IntStream.range(0, 90)
                .mapToObj(i -> new Reader(shared, "stream " + i, 0))
                .toList();
        executor.pass(SHORTEST.multipliedBy(3));
        assertThat(source.fetches.stream().map(Set::size)).allMatch(size -> size < 60);
        IntStream.range(0, 90).forEach(i -> source.put("stream " + i, 0));
        executor.pass(MOMENT);
        assertThat(readers).allSatisfy(r -> assertThat(r.seen).containsExactly(0L));
    }

    @Test
    @DisplayName("polls are rare while a change feed delivers, and frequent as soon as it closes")
    void feedDelivers() {
        Reader reader = reader("a");
        poller.feedOpened();
        executor.pass(MOMENT);
        source.fetches.clear();
        feedDeliversHundredBatches();
        assertThat(reader.seen).isEqualTo(positions(0, 100));
        assertThat(source.fetches).hasSizeLessThan(8);
        poller.feedClosed();
        source.put("a", 100);
        executor.pass(SHORTEST);
        assertThat(reader.seen).hasSize(101);
    }

    @Test
    @DisplayName(
            "while a change feed delivers, streams that began at different times are fetched together about once a second")
    void feedGathersFetches() {
        poller.feedOpened();
        for (int i = 0; i < 100; i++) {
            reader("s" + i);
            poller.feedAnswered();
            executor.pass(Duration.ofMillis(30));
        }
        source.fetches.clear();
        for (int i = 0; i < 20; i++) {
            poller.feedAnswered();
            executor.pass(Duration.ofMillis(500));
        }
        assertThat(source.fetches).hasSizeLessThan(25);
        for (int i = 0; i < 100; i++) {
            assertThat(source.fetchesOf("s" + i)).isBetween(9L, 20L);
        }
    }

    @Test
    @DisplayName("a stream that the change feed names is fetched at once, without the other streams")
    void feedNames() {
        Reader reader = reader("a");
        reader("b");
        poller.feedOpened();
        executor.pass(MOMENT);
        source.fetches.clear();
        source.put("a", 0);
        poller.feedAnswered();
        poller.name("a");
        executor.pass(SHORTEST);
        assertThat(reader.seen).containsExactly(0L);
        assertThat(source.fetches).containsExactly(Set.of("a"));
    }

    /** Lets the change feed deliver positions 0 to 99 of stream a, one each moment. */
    private void feedDeliversHundredBatches() {
        for (int i = 0; i < 100; i++) {
            EventBatch batch = batch("a", i, 10, null);
            source.put(batch);
            poller.feedAnswered();
            poller.deliver(batch);
            executor.pass(MOMENT);
        }
    }

    @Test
    @DisplayName("R6 a stream is fetched only if the change feed has delivered none of its batches for a second")
    void feedDeliversAStream() {
        Reader fed = reader("a");
        reader("b");
        poller.feedOpened();
        executor.pass(MOMENT);
        source.fetches.clear();
        feedDeliversHundredBatches();
        assertThat(source.fetchesOf("a")).isZero();
        assertThat(source.fetchesOf("b")).isBetween(4L, 11L);

        source.put("a", 100);
        poller.feedAnswered();
        executor.pass(Duration.ofMillis(1100));
        assertThat(fed.seen).isEqualTo(positions(0, 101));
    }

    @Test
    @DisplayName("R6 polls are frequent again when the change feed misses a batch or does not answer")
    void feedIsSilent() {
        Reader reader = reader("a");
        poller.feedOpened();
        executor.pass(MOMENT);
        source.put("a", 0);
        executor.pass(Duration.ofMillis(1100));
        assertThat(reader.seen).containsExactly(0L);
        source.fetches.clear();
        executor.pass(Duration.ofSeconds(1));
        assertThat(source.fetches).hasSizeGreaterThan(80);

        poller.deliver(batch("other", 0, 1, null));
        executor.pass(MOMENT);
        source.fetches.clear();
        executor.pass(Duration.ofMillis(900));
        assertThat(source.fetches).hasSizeLessThan(3);
        executor.pass(Duration.ofSeconds(3));
        source.put("a", 1);
        executor.pass(Duration.ofMillis(500));
        assertThat(reader.seen).containsExactly(0L, 1L);
    }
}
