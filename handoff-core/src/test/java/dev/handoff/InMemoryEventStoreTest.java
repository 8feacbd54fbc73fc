package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is peculiar to this store; the rest is in {@code EventStoreContract} of handoff-testkit. */
class InMemoryEventStoreTest {

    private static final Duration RETENTION = Duration.ofMinutes(10);
    /** Ten characters, which the store reckons as 64 + 20 bytes. */
    private static final String DATA = "0123456789";

    private static final int EVENT_BYTES = 84;

    private final TickingClock clock = new TickingClock();
    private final String one = Task.of("test", "").id();
    private final String two = Task.of("test", "").id();
    private final String three = Task.of("test", "").id();

    @Test
    @DisplayName("a stream that has ended is kept for the retention time, and then dropped")
    void retention() {
        EventStore store = storeOf(1000);
        ended(store, one, 1);
        EventStream stream = store.open(one);

        clock.tick(RETENTION.minusMillis(1));
        assertThat(store.open(one).read(EventStream.BEGINNING, 10).events()).hasSize(1);
        clock.tick(Duration.ofMillis(1));
        // A store is swept at most once a second.
        clock.tick(Duration.ofSeconds(1));
        assertThat(store.open(one).read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(List.of(), EventStream.BEGINNING, null));
        assertGone(stream);
    }

    @Test
    @DisplayName("a stream is dropped in passing, when another is asked for, exactly when its time is over")
    void droppedInPassing() {
        EventStore store = storeOf(1000);
        ended(store, one, 1);
        EventStream stream = store.open(one);
        clock.tick(RETENTION);
        assertThat(stream.end()).isPresent();
        store.open(two);
        assertGone(stream);
    }

    @Test
    @DisplayName("a stream that has not ended is never dropped")
    void unendedIsKept() {
        EventStore store = storeOf(1000);
        EventAppender appender = store.appender(one, 1);
        appender.append(null, DATA);
        store.appender(two, 1);
        clock.tick(Duration.ofDays(10_000));

        assertThat(store.open(one).read(EventStream.BEGINNING, 10).events()).containsExactly(new Event(0, null, DATA));
        assertThat(appender.append(null, DATA)).isEqualTo(1);
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(() -> store.appender(two, 1));
    }

    @Test
    @DisplayName("a stream that was opened for reading, and never written, is forgotten")
    void unusedIsForgotten() {
        EventStore store = storeOf(1000);
        EventStream stream = store.open(one);
        clock.tick(RETENTION.minusMillis(1));
        assertThat(store.open(one)).isSameAs(stream);
        clock.tick(Duration.ofSeconds(1));
        assertThat(store.open(one)).isNotSameAs(stream);
        assertGone(stream);
    }

    @Test
    @DisplayName("a stream that a reader is waiting for is not forgotten, until it stops waiting")
    void watchedIsKept() {
        EventStore store = storeOf(1000);
        EventStream stream = store.open(one);
        EventStream.Watch watch = stream.watch(() -> {});
        clock.tick(RETENTION.plusSeconds(1));
        assertThat(store.open(one)).isSameAs(stream);
        watch.close();
        clock.tick(Duration.ofSeconds(1));
        assertThat(store.open(one)).isNotSameAs(stream);
    }

    @Test
    @DisplayName("a dropped stream may be written anew, from the first epoch and position")
    void writtenAnew() {
        EventStore store = storeOf(1000);
        ended(store, one, 3);
        clock.tick(RETENTION);
        EventAppender appender = store.appender(one, 1);
        assertThat(appender.append(null, DATA)).isZero();
        assertThat(store.open(one).end()).isEmpty();
    }

    @Test
    @DisplayName("R5 a batch that a reader has is its own, also when the stream goes on or is dropped")
    void batchStays() {
        EventStore store = storeOf(1000);
        EventAppender appender = store.appender(one, 1);
        appender.append(null, "first");
        EventStream.Batch batch = store.open(one).read(EventStream.BEGINNING, 10);
        for (int i = 0; i < 100; i++) {
            appender.append(null, DATA);
        }
        appender.end(End.completed(null));
        clock.tick(RETENTION);
        store.open(two);
        assertThat(batch).isEqualTo(new EventStream.Batch(List.of(new Event(0, null, "first")), 0, null));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> batch.events().set(0, new Event(0, null, "forged")));
    }

    @Test
    @DisplayName("a stream is full at its limit, to the byte; it can still be read and ended")
    void streamFull() {
        InMemoryEventStore store =
                InMemoryEventStore.builder().maxStreamBytes(2 * EVENT_BYTES).build();
        EventAppender appender = store.appender(one, 1);
        appender.append(null, DATA);
        appender.append(null, DATA);

        Problem refusal = Refusal.of(() -> appender.append(null, ""));
        assertThat(refusal.status()).isEqualTo(507);
        assertThat(refusal.code()).isEqualTo("stream_full");
        assertThat(refusal.detail()).contains(Integer.toString(2 * EVENT_BYTES));
        assertThat(store.open(one).last()).isEqualTo(1);

        store.appender(two, 1).append(null, DATA);
        appender.end(End.completed(null));
        assertThat(store.open(one).read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(
                        List.of(new Event(0, null, DATA), new Event(1, null, DATA)), 2, End.completed(null)));
    }

    @Test
    @DisplayName("an event that is refused as too large leaves room for a smaller one")
    void smallerFits() {
        InMemoryEventStore store =
                InMemoryEventStore.builder().maxStreamBytes(EVENT_BYTES).build();
        EventAppender appender = store.appender(one, 1);
        assertThat(Refusal.of(() -> appender.append("t", DATA)).code()).isEqualTo("stream_full");
        assertThat(appender.append("t", "012345678")).isZero();
    }

    @Test
    @DisplayName(
            "a store that is full of streams which have not ended refuses, and drops none; each can still be ended")
    void storeFull() {
        EventStore store = storeOf(3);
        EventAppender first = store.appender(one, 1);
        EventAppender second = store.appender(two, 1);
        first.append(null, DATA);
        first.append(null, DATA);
        second.append(null, DATA);

        for (EventAppender appender : List.of(first, second, store.appender(three, 1))) {
            Problem refusal = Refusal.of(() -> appender.append(null, ""));
            assertThat(refusal.status()).isEqualTo(503);
            assertThat(refusal.code()).isEqualTo("store_full");
        }
        assertThat(store.open(one).last()).isEqualTo(1);
        assertThat(store.open(two).last()).isZero();
        second.end(End.completed("a result"));
        assertThat(store.open(two).end()).contains(End.completed("a result"));
    }

    @Test
    @DisplayName("when the store is full, the streams that ended first are dropped, and no more than is needed")
    void firstEndedGoesFirst() {
        EventStore store = storeOf(3);
        EventAppender longRunning = store.appender(one, 1);
        longRunning.append(null, DATA);
        clock.tick(Duration.ofSeconds(1));
        ended(store, two, 1);
        clock.tick(Duration.ofSeconds(1));
        longRunning.end(End.cancelled());
        clock.tick(Duration.ofSeconds(1));
        EventStream first = store.open(one);
        EventStream second = store.open(two);

        EventAppender writer = store.appender(three, 1);
        writer.append(null, DATA);
        assertThat(first.last()).isEqualTo(1);
        assertThat(second.last()).isEqualTo(1);
        writer.append(null, DATA);
        assertThat(first.end()).contains(End.cancelled());
        assertGone(second);
        writer.append(null, DATA);
        assertGone(first);
        assertThat(Refusal.of(() -> writer.append(null, DATA)).code()).isEqualTo("store_full");
        assertThat(store.open(three).last()).isEqualTo(2);
    }

    @Test
    @DisplayName("as many streams are dropped as the new event needs")
    void dropsSeveral() {
        EventStore store = storeOf(3);
        ended(store, one, 1);
        ended(store, two, 1);
        EventStream first = store.open(one);
        EventStream second = store.open(two);
        // 64 + 2 * 90 bytes: nearly three events.
        store.appender(three, 1).append(null, "x".repeat(90));
        assertGone(first);
        assertGone(second);
    }

    @Test
    @DisplayName("room comes back when streams are dropped, time and again")
    void accounting() {
        EventStore store = storeOf(3);
        for (int round = 0; round < 50; round++) {
            ended(store, one, 3);
            clock.tick(RETENTION);
        }
        for (int round = 0; round < 50; round++) {
            ended(store, Task.of("test", "").id(), 3);
            clock.tick(Duration.ofSeconds(1));
        }
        clock.tick(RETENTION);
        EventAppender appender = store.appender(two, 1);
        for (int i = 0; i < 3; i++) {
            appender.append(null, DATA);
        }
        assertThat(Refusal.of(() -> appender.append(null, DATA)).code()).isEqualTo("store_full");
    }

    @Test
    @DisplayName("an event that no eviction could make room for drops no stream")
    void noVainEviction() {
        EventStore store = storeOf(3);
        ended(store, one, 1);
        EventStream kept = store.open(one);
        EventAppender writer = store.appender(two, 1);
        assertThat(Refusal.of(() -> writer.append(null, "x".repeat(10_000))).code())
                .isEqualTo("store_full");
        assertThat(kept.last()).isEqualTo(1);
    }

    @Test
    @DisplayName("what streams end with counts, too: the store is bounded")
    void endsCount() {
        EventStore store = storeOf(3);
        EventAppender first = store.appender(one, 1);
        first.end(End.completed("x".repeat(10_000)));
        EventStream ended = store.open(one);
        // The store has taken the end, though it is larger than its bound; it goes as soon as there is other need.
        assertThat(ended.end()).isPresent();
        store.appender(two, 1).append(null, DATA);
        assertGone(ended);
    }

    @Test
    @DisplayName("R5 nothing stands after the last position there can be")
    void readAfterTheLastPosition() {
        EventStore store = storeOf(1000);
        store.appender(one, 1).append(null, DATA);
        assertThat(store.open(one).read(Long.MAX_VALUE, 10).events()).isEmpty();
        assertThat(store.open(one).read(Long.MAX_VALUE - 1, 10).events()).isEmpty();
        assertThat(store.open(one).read(0, Integer.MAX_VALUE).events()).isEmpty();
        assertThat(store.open(one)
                        .read(EventStream.BEGINNING, Integer.MAX_VALUE)
                        .events())
                .hasSize(1);
    }

    @Test
    @DisplayName("R3 a flush of a fenced writer is refused, that of one whose stream has ended is not")
    void flush() {
        EventStore store = storeOf(1000);
        EventAppender old = store.appender(one, 1);
        EventAppender current = store.appender(one, 2);
        assertThatExceptionOfType(StaleWriterException.class)
                .isThrownBy(old::flush)
                .withMessageContaining(one);
        current.end(End.completed(null));
        current.flush();
    }

    @Test
    @DisplayName("a store with the defaults takes events")
    void defaults() {
        InMemoryEventStore store = InMemoryEventStore.create();
        store.appender(one, 1).append(null, "x".repeat(100_000));
        assertThat(store.open(one).last()).isZero();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, Long.MIN_VALUE})
    @DisplayName("bounds that are not positive are refused by name")
    void badBounds(long bytes) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> InMemoryEventStore.builder().maxBytes(bytes))
                .withMessage("maxBytes is not positive: " + bytes);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> InMemoryEventStore.builder().maxStreamBytes(bytes))
                .withMessage("maxStreamBytes is not positive: " + bytes);
    }

    @Test
    @DisplayName("a retention that is not positive is refused by name")
    void badRetention() {
        for (Duration bad : List.of(Duration.ZERO, Duration.ofMillis(-1))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> InMemoryEventStore.builder().retention(bad))
                    .withMessage("retention is not positive: " + bad);
        }
    }

    /** A store with room for so many events of {@link #DATA}. */
    private EventStore storeOf(int events) {
        return InMemoryEventStore.builder()
                .clock(clock)
                .retention(RETENTION)
                .maxBytes((long) events * EVENT_BYTES)
                .build();
    }

    private static void ended(EventStore store, String streamId, int events) {
        EventAppender appender = store.appender(streamId, 1);
        for (int i = 0; i < events; i++) {
            appender.append(null, DATA);
        }
        appender.end(End.completed(null));
    }

    private static void assertGone(EventStream stream) {
        Problem gone = new Problem(410, "stream_gone", "The stream is no longer kept.");
        assertThat(Refusal.of(() -> stream.read(EventStream.BEGINNING, 10))).isEqualTo(gone);
        assertThat(Refusal.of(stream::last)).isEqualTo(gone);
        assertThat(Refusal.of(stream::end)).isEqualTo(gone);
    }
}
