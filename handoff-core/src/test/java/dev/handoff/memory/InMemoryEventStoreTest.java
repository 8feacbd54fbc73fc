// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.testing.Refusal;
import dev.handoff.testing.TickingClock;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is peculiar to this store; the rest is in {@code EventStoreContract} of handoff-testkit. */
class InMemoryEventStoreTest {

    private static final Duration RETENTION = Duration.ofMinutes(10);
    private static final String DATA = "0123456789";
    /** The bytes that the store counts for an event with a text of ten characters. */
    private static final long EVENT_BYTES = 48 + 56 + 20;

    private static final long STREAM_BYTES = 896;

    private final TickingClock clock = new TickingClock();
    private final String one = Task.of("test", "").id();
    private final String two = Task.of("test", "").id();
    private final String three = Task.of("test", "").id();

    @Test
    @DisplayName("a stream that has ended is kept for the retention time, and then dropped")
    void retention() {
        EventStore store = storeOf(1000, 1000);
        ended(store, one, 1);
        EventStream stream = store.open(one);

        clock.tick(RETENTION.minusMillis(1));
        assertThat(store.open(one).read(EventStream.BEGINNING, 10).events()).hasSize(1);
        clock.tick(Duration.ofMillis(1));
        assertThat(store.open(one).read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(List.of(), EventStream.BEGINNING, null));
        assertGone(stream);
    }

    @Test
    @DisplayName("a stream is dropped in passing, when another is asked for, exactly when its time is over")
    void droppedInPassing() {
        EventStore store = storeOf(1000, 1000);
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
        EventStore store = storeOf(1000, 1000);
        EventAppender appender = store.appender(one, 1);
        appender.append(null, DATA);
        store.appender(two, 1);
        clock.tick(Duration.ofDays(10_000));

        assertThat(store.open(one).read(EventStream.BEGINNING, 10).events()).containsExactly(new Event(0, null, DATA));
        assertThat(appender.append(null, DATA)).isEqualTo(1);
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(() -> store.appender(two, 1));
    }

    @Test
    @DisplayName("R15 opening a stream that was never written keeps nothing, however often it is read")
    void openingKeepsNothing() {
        EventStore store = storeOf(1000, 1000);
        WeakReference<EventStream> stream = new WeakReference<>(store.open(one));
        assertThat(read(stream)).isEqualTo(new EventStream.Batch(List.of(), EventStream.BEGINNING, null));
        awaitCollected(stream);
    }

    @Test
    @DisplayName("R15 a watch on a stream that was never written keeps nothing once it is closed")
    void closedWatchKeepsNothing() {
        EventStore store = storeOf(1000, 1000);
        EventStream stream = store.open(one);
        Runnable hint = new Object()::hashCode;
        WeakReference<Runnable> kept = new WeakReference<>(hint);
        EventStream.Watch watch = stream.watch(hint);
        hint = () -> {};
        watch.close();
        awaitCollected(kept);
        // The reader that is still there sees the writer that comes later.
        EventStream.Watch again = stream.watch(hint);
        store.appender(one, 1).append(null, DATA);
        assertThat(stream.last()).isZero();
        again.close();
    }

    @Test
    @DisplayName("R6 of two watches on a stream that was never written, closing one leaves the other")
    void watchOutlivesAnother() {
        EventStore store = storeOf(1000, 1000);
        AtomicInteger hints = new AtomicInteger();
        EventStream.Watch first = store.open(one).watch(hints::incrementAndGet);
        EventStream reader = store.open(one);
        EventStream.Watch second = reader.watch(hints::incrementAndGet);
        first.close();
        store.appender(one, 1).append(null, DATA);
        assertThat(hints).hasValue(1);
        assertThat(reader.read(EventStream.BEGINNING, 10).events()).hasSize(1);
        second.close();
        second.close();
    }

    @Test
    @DisplayName("R15 handles, writers and watches of a dropped stream do not keep its events")
    void droppedEventsAreCollected() {
        EventStore store = storeOf(1000, 1000);
        EventAppender appender = store.appender(one, 1);
        appender.append(null, DATA.repeat(2));
        appender.end(End.completed(null));
        EventStream stream = store.open(one);
        EventStream.Watch watch = stream.watch(() -> {});
        WeakReference<Event> event = new WeakReference<>(
                stream.read(EventStream.BEGINNING, 10).events().get(0));
        clock.tick(RETENTION);
        store.open(two);
        awaitCollected(event);
        assertGone(stream);
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(() -> appender.append(null, DATA));
        watch.close();
        assertGone(stream);
    }

    @Test
    @DisplayName("a reader that has had events of a dropped stream is refused, and not shown an empty one")
    void resumedAfterDrop() {
        EventStore store = storeOf(1000, 1000);
        ended(store, one, 1);
        clock.tick(RETENTION);
        EventStream stream = store.open(one);
        assertThat(Refusal.of(() -> stream.read(0, 10)).status()).isEqualTo(410);
        assertThat(stream.read(EventStream.BEGINNING, 10).events()).isEmpty();
    }

    @Test
    @DisplayName("R15 a clock that is set back or forward does not change how long a stream is kept")
    void clockIsSet() {
        EventStore store = storeOf(1000, 1000);
        ended(store, one, 1);
        EventStream stream = store.open(one);
        clock.setClock(Duration.ofDays(1));
        store.open(two);
        assertThat(stream.end()).isPresent();
        clock.setClock(Duration.ofDays(-400));
        clock.tickTicker(RETENTION);
        store.open(two);
        assertGone(stream);
    }

    @Test
    @DisplayName("a dropped stream may be written anew, from the first epoch and position")
    void writtenAnew() {
        EventStore store = storeOf(1000, 1000);
        ended(store, one, 3);
        clock.tick(RETENTION);
        EventAppender appender = store.appender(one, 1);
        assertThat(appender.append(null, DATA)).isZero();
        assertThat(store.open(one).end()).isEmpty();
    }

    @Test
    @DisplayName("R5 a batch that a reader has is its own, also when the stream goes on or is dropped")
    void batchStays() {
        EventStore store = storeOf(1000, 1000);
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
        InMemoryEventStore store = InMemoryEventStore.builder()
                .maxStreamBytes(STREAM_BYTES + 2 * EVENT_BYTES)
                .build();
        EventAppender appender = store.appender(one, 1);
        appender.append(null, DATA);
        appender.append(null, DATA);

        Problem refusal = Refusal.of(() -> appender.append(null, ""));
        assertThat(refusal.status()).isEqualTo(507);
        assertThat(refusal.code()).isEqualTo("stream_full");
        assertThat(refusal.detail()).contains(Long.toString(STREAM_BYTES + 2 * EVENT_BYTES));
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
        InMemoryEventStore store = InMemoryEventStore.builder()
                .maxStreamBytes(STREAM_BYTES + EVENT_BYTES)
                .build();
        EventAppender appender = store.appender(one, 1);
        assertThat(Refusal.of(() -> appender.append(null, DATA + '0')).code()).isEqualTo("stream_full");
        assertThat(appender.append(null, DATA)).isZero();
    }

    @Test
    @DisplayName("R15 a type counts with its characters, but not again while it stays the same")
    void typesCount() {
        InMemoryEventStore store = InMemoryEventStore.builder()
                .maxStreamBytes(STREAM_BYTES + 3 * EVENT_BYTES + 56 + 2)
                .build();
        EventAppender appender = store.appender(one, 1);
        assertThat(Refusal.of(() -> appender.append("t".repeat(1000), DATA)).code())
                .isEqualTo("stream_full");
        appender.append("t", DATA);
        appender.append(new String("t"), DATA);
        appender.append("t", DATA);
        assertThat(store.open(one).read(EventStream.BEGINNING, 10).events())
                .extracting(Event::type)
                .containsExactly("t", "t", "t");
        assertThat(Refusal.of(() -> appender.append(null, "")).code()).isEqualTo("stream_full");
    }

    @Test
    @DisplayName(
            "a store that is full of streams which have not ended refuses, and drops none; each can still be ended")
    void storeFull() {
        EventStore store = storeOf(3, 3);
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
        EventStore store = storeOf(3, 3);
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
        // More than what was free and what the dropped stream took.
        writer.append(null, "x".repeat(450));
        assertGone(first);
        assertThat(Refusal.of(() -> writer.append(null, "x".repeat(500))).code())
                .isEqualTo("store_full");
        assertThat(store.open(three).last()).isEqualTo(2);
    }

    @Test
    @DisplayName("as many streams are dropped as the new event needs")
    void dropsSeveral() {
        EventStore store = storeOf(3, 3);
        ended(store, one, 1);
        ended(store, two, 1);
        EventStream first = store.open(one);
        EventStream second = store.open(two);
        // More than one of the two streams takes.
        store.appender(three, 1).append(null, "x".repeat(600));
        assertGone(first);
        assertGone(second);
    }

    @Test
    @DisplayName("room comes back when streams are dropped, time and again")
    void accounting() {
        EventStore store = storeOf(1, 3);
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
        EventStore store = storeOf(2, 3);
        ended(store, one, 1);
        EventStream kept = store.open(one);
        EventAppender writer = store.appender(two, 1);
        assertThat(Refusal.of(() -> writer.append(null, "x".repeat(10_000))).code())
                .isEqualTo("store_full");
        assertThat(kept.last()).isEqualTo(1);
    }

    static List<End> largeEnds() {
        String text = "x".repeat(100);
        return List.of(
                End.completed(text),
                End.failed(new Problem(500, "code", text)),
                End.failed(new Problem(500, text, "detail")));
    }

    @ParameterizedTest
    @MethodSource("largeEnds")
    @DisplayName("R15 results and problems count")
    void endsCount(End end) {
        EventStore store = storeOf(2, 3);
        store.appender(one, 1).end(end);
        EventStream ended = store.open(one);
        EventAppender other = store.appender(two, 1);
        assertThat(ended.end()).contains(end);
        other.append(null, DATA);
        assertGone(ended);
    }

    @Test
    @DisplayName("R15 a full store drops ended streams for a new end, and takes the end in any case")
    void endsMakeRoom() {
        EventStore store = storeOf(2, 3);
        store.appender(one, 1).end(End.completed("x".repeat(100)));
        EventStream first = store.open(one);
        EventAppender other = store.appender(two, 1);
        assertThat(first.end()).isPresent();
        other.end(End.completed("x".repeat(200)));
        assertGone(first);
        assertThat(store.open(two).end()).contains(End.completed("x".repeat(200)));
    }

    @Test
    @DisplayName("R15 a result that is larger than a stream may be is refused by its size, and another end is taken")
    void resultTooLarge() {
        EventStore store = storeOf(2, 3);
        EventAppender appender = store.appender(one, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> appender.end(End.completed("x".repeat(1000))))
                .withMessageContaining("2056");
        appender.end(End.failed(new Problem(500, "result_refused", "x")));
        assertThat(store.open(one).end()).isPresent();
    }

    @Test
    @DisplayName("R15 many writers at once do not exceed the bound together")
    void writersRaceForRoom() throws Exception {
        int writers = 8;
        EventStore store = storeOf(writers, 100);
        List<Thread> threads = new ArrayList<>();
        AtomicInteger taken = new AtomicInteger();
        for (int i = 0; i < writers; i++) {
            EventAppender appender = store.appender(Task.of("test", "").id(), 1);
            threads.add(new Thread(() -> {
                while (true) {
                    try {
                        appender.append(null, DATA);
                        taken.incrementAndGet();
                    } catch (ProblemException full) {
                        return;
                    }
                }
            }));
        }
        threads.forEach(Thread::start);
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(taken).hasValue(100);
    }

    @Test
    @DisplayName("the number of events does not count the end")
    void eventCount() {
        EventStore store = storeOf(2, 3);
        assertThat(store.open(one).eventCount()).isZero();
        ended(store, one, 2);
        assertThat(store.open(one).eventCount()).isEqualTo(2);
        EventStream stream = store.open(one);
        assertThat(stream.eventCount()).isEqualTo(2);
        clock.tick(RETENTION);
        store.open(two);
        assertThat(Refusal.of(stream::eventCount).status()).isEqualTo(410);
    }

    @Test
    @DisplayName("R5 nothing stands after the last position there can be")
    void readAfterTheLastPosition() {
        EventStore store = storeOf(1000, 1000);
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
        EventStore store = storeOf(1000, 1000);
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

    /** A store with room for so many streams, and events of {@link #DATA}. */
    private EventStore storeOf(int streams, int events) {
        return InMemoryEventStore.builder()
                .ticker(clock)
                .retention(RETENTION)
                .maxBytes(streams * STREAM_BYTES + events * EVENT_BYTES)
                .build();
    }

    private static EventStream.Batch read(WeakReference<EventStream> stream) {
        return Objects.requireNonNull(stream.get()).read(EventStream.BEGINNING, 10);
    }

    private static void awaitCollected(WeakReference<?> reference) {
        await().until(() -> {
            System.gc();
            return reference.get() == null;
        });
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
