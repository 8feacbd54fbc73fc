// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the rules of {@link EventStore}. Each test uses its own streams, so all tests can share one store. */
public abstract class EventStoreContract extends WatchContract {

    @Test
    @DisplayName("R1 positions are dense in each part that a read returns")
    void positionsAreDense() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        for (int i = 0; i < 100; i++) {
            assertThat(appender.append(null, "event " + i)).isEqualTo(i);
        }
        appender.flush();

        for (int limit : new int[] {1, 7, 99, 100, 1000}) {
            assertThat(readAll(stream(), limit)).isEqualTo(events(0, 100));
        }
        for (int after = -1; after < 100; after += 9) {
            assertThat(stream().read(after, 5).events()).isEqualTo(events(after + 1, Math.min(after + 6, 100)));
        }
        assertThat(stream().last()).isEqualTo(99);
    }

    @Test
    @DisplayName("R1 a batch names the last position that it covers")
    void batchSaysWhereItEnds() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, "event 0");
        appender.append(null, "event 1");
        appender.flush();

        assertThat(stream().read(EventStream.BEGINNING, 1).last()).isZero();
        assertThat(stream().read(EventStream.BEGINNING, 10).last()).isEqualTo(1);
        assertThat(stream().read(1, 10).last()).isEqualTo(1);
        assertThat(stream().read(1, 10).events()).isEmpty();
        assertThat(stream().read(1, 10).end()).isNull();
    }

    @Test
    @DisplayName("R1 a batch with fewer events than asked for reaches the tail, or says that there may be more")
    void shortBatchSaysWhetherThereIsMore() {
        assertThat(stream().read(EventStream.BEGINNING, 10).more()).isFalse();
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        int count = 12;
        // A store that limits the bytes of a read returns fewer events than asked for.
        for (int i = 0; i < count; i++) {
            appender.append(null, "x".repeat(500_000));
        }
        appender.flush();

        for (int limit : new int[] {1, 5, count, 2 * count}) {
            long after = EventStream.BEGINNING;
            while (after < count - 1) {
                EventStream.Batch batch = stream().read(after, limit);
                assertThat(batch.last()).isGreaterThan(after);
                if (batch.events().size() < limit && !batch.more()) {
                    assertThat(batch.last()).isEqualTo(count - 1);
                }
                after = batch.last();
            }
            assertThat(stream().read(after, limit)).isEqualTo(new EventStream.Batch(List.of(), after, null));
        }
        appender.end(End.completed(null));
        assertThat(stream().read(count - 1, 10).more()).isFalse();
    }

    @Test
    @DisplayName("R2 a stream has one end, and every read that reaches it reports it")
    void endIsReportedForEver() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, "event 0");
        assertThat(stream().end()).isEmpty();
        appender.end(End.completed("{\"a\":1}"));

        assertThat(stream().read(EventStream.BEGINNING, 1))
                .isEqualTo(new EventStream.Batch(events(0, 1), 1, End.completed("{\"a\":1}")));
        assertThat(stream().read(0, 1)).isEqualTo(new EventStream.Batch(List.of(), 1, End.completed("{\"a\":1}")));
        assertThat(stream().read(1, 1)).isEqualTo(new EventStream.Batch(List.of(), 1, End.completed("{\"a\":1}")));
        assertThat(stream().last()).isEqualTo(1);
        assertThat(stream().end()).contains(End.completed("{\"a\":1}"));
    }

    @Test
    @DisplayName("R2 the end comes only with the last event")
    void endComesLast() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, "event 0");
        appender.append(null, "event 1");
        appender.end(End.cancelled());

        assertThat(stream().read(EventStream.BEGINNING, 1).end()).isNull();
        assertThat(stream().read(0, 1).end()).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R2 nothing comes after the end")
    void nothingAfterTheEnd() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, "event 0");
        End end = End.failed(new Problem(502, "upstream_failed", "The model did not answer."));
        appender.end(end);

        assertStale(() -> {
            appender.append(null, "late");
            appender.flush();
        });
        assertStale(() -> appender.end(End.completed(null)));
        assertThat(stream().read(EventStream.BEGINNING, 10)).isEqualTo(new EventStream.Batch(events(0, 1), 1, end));
    }

    @Test
    @DisplayName("R2 a stream may end without an event")
    void endOfAnEmptyStream() {
        store().appender(streamId, FIRST_EPOCH).end(End.completed(null));

        assertThat(stream().read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(List.of(), 0, End.completed(null)));
    }

    @Test
    @DisplayName("R3 a call of a stale writer changes nothing and throws StaleWriterException")
    void staleWriterIsFenced() {
        EventAppender old = store().appender(streamId, 1);
        old.append(null, "event 0");
        old.flush();
        EventAppender current = otherNode().appender(streamId, 2);

        assertStale(() -> {
            old.append(null, "stale");
            old.flush();
        });
        assertStale(() -> old.end(End.completed(null)));
        long next = current.append(null, "new");
        current.end(End.completed(null));

        EventStream.Batch batch = stream().read(EventStream.BEGINNING, 10);
        assertThat(batch.events()).extracting(Event::data).containsExactly("event 0", "new");
        // A fence may take a position of its own.
        assertThat(next).isBetween(1L, 2L);
        assertThat(batch.events().get(1).position()).isEqualTo(next);
        assertThat(batch.last()).isEqualTo(next + 1);
    }

    @Test
    @DisplayName("R3 an epoch is used once")
    void lowerEpochIsRefused() {
        EventAppender current = store().appender(streamId, 3);
        current.append(null, "event 0");
        current.flush();

        assertStale(() -> {
            EventAppender late = otherNode().appender(streamId, 2);
            late.append(null, "stale");
            late.flush();
        });
        current.append(null, "event 1");
        current.flush();
        assertThat(readAll(stream(), 10)).extracting(Event::data).containsExactly("event 0", "event 1");
    }

    @Test
    @DisplayName("R3 if writers race, each acknowledged event is in the stream once, and in order")
    void racingWriters() throws Exception {
        int writers = 6;
        CyclicBarrier start = new CyclicBarrier(writers);
        List<Callable<List<String>>> work = new ArrayList<>();
        for (int epoch = 1; epoch <= writers; epoch++) {
            int own = epoch;
            work.add(() -> {
                start.await();
                return appendUntilFenced(own);
            });
        }
        List<List<String>> acknowledged = inParallel(work);

        List<String> log = readAll(stream(), 50).stream().map(Event::data).toList();
        assertThat(log).doesNotHaveDuplicates();
        for (List<String> of : acknowledged) {
            assertThat(log.stream().filter(of::contains)).isEqualTo(of);
        }
        List<Long> positions =
                readAll(stream(), 50).stream().map(Event::position).toList();
        assertThat(positions).isSorted().doesNotHaveDuplicates();
        assertThat(log)
                .hasSizeGreaterThanOrEqualTo(
                        acknowledged.stream().mapToInt(List::size).sum());
    }

    private List<String> appendUntilFenced(int epoch) {
        List<String> acknowledged = new ArrayList<>();
        try {
            EventAppender appender = store().appender(streamId, epoch);
            for (int i = 0; i < 40; i++) {
                String data = "epoch " + epoch + " event " + i;
                appender.append(null, data);
                appender.flush();
                acknowledged.add(data);
            }
        } catch (StaleWriterException e) {
            // Chance decides which writers become stale. Only the events acknowledged before that count.
        }
        return acknowledged;
    }

    @Test
    @DisplayName("R4 every read that starts after a flush returns the flushed events, on every node")
    void flushedIsVisible() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        for (int i = 0; i < 50; i++) {
            appender.append(null, "event " + i);
            appender.flush();
            assertThat(otherNode().open(streamId).last()).isEqualTo(i);
        }
    }

    @Test
    @DisplayName("R5 all readers see the same events while a writer appends them")
    void readersSeeTheSame() throws Exception {
        // One of the readers reads one event at a time. Slow stores must answer that many reads, too.
        int count = 200;
        List<Callable<List<Event>>> work = new ArrayList<>();
        for (int reader = 0; reader < 4; reader++) {
            EventStream stream = reader % 2 == 0 ? stream() : otherNode().open(streamId);
            int limit = 1 + 50 * reader;
            work.add(() -> followToTheEnd(stream, limit));
        }
        work.add(() -> {
            EventAppender appender = store().appender(streamId, FIRST_EPOCH);
            for (int i = 0; i < count; i++) {
                appender.append(null, "event " + i);
            }
            appender.end(End.completed(null));
            return events(0, count);
        });

        assertThat(inParallel(work)).allMatch(events(0, count)::equals);
    }

    @Test
    @DisplayName("R5 a repeated read returns the same batch")
    void readingChangesNothing() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append("a", "event 0");
        appender.end(End.completed(null));

        EventStream.Batch first = stream().read(EventStream.BEGINNING, 10);
        assertThat(stream().read(EventStream.BEGINNING, 10)).isEqualTo(first);
        assertThat(otherNode().open(streamId).read(EventStream.BEGINNING, 10)).isEqualTo(first);
    }

    @Test
    @DisplayName("R15 reads of a dropped stream get 410, and its events leave the heap when no reader holds them")
    void droppedStreamIsForgotten() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, "event 0");
        appender.end(End.completed("result"));
        EventStream open = stream();
        EventStream.Watch watch = open.watch(() -> {});
        WeakReference<Event> event = new WeakReference<>(
                open.read(EventStream.BEGINNING, 10).events().get(0));
        EventStream.Batch held = open.read(EventStream.BEGINNING, 10);
        assumeTrue(dropEnded());
        assertGone(() -> open.read(EventStream.BEGINNING, 10));
        assertGone(() -> open.read(0, 10));
        assertGone(open::last);
        assertGone(open::end);
        assertGone(open::eventCount);
        // A client that resumes must not see an empty stream.
        assertGone(() -> stream().read(0, 10));
        assertThat(held.events()).isEqualTo(events(0, 1));
        assertThat(held.end()).isEqualTo(End.completed("result"));

        held = stream().read(EventStream.BEGINNING, 10);
        assertThat(held).isEqualTo(new EventStream.Batch(List.of(), EventStream.BEGINNING, null));
        await().until(() -> {
            System.gc();
            return event.get() == null;
        });
        // The test still holds the appender, the watch and the stream. They are of no more use.
        assertStale(() -> appender.append(null, "late"));
        watch.close();
        assertGone(open::end);
    }

    private static void assertGone(ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        e -> assertThat(e.problem().status()).isEqualTo(410));
    }

    @Test
    @DisplayName("the number of events counts neither the fences of writers that took over nor the end")
    void eventCount() {
        assertThat(stream().eventCount()).isZero();
        EventAppender first = store().appender(streamId, FIRST_EPOCH);
        first.append(null, "event 0");
        first.append(null, "event 1");
        first.flush();
        assertThat(stream().eventCount()).isEqualTo(2);
        EventAppender second = otherNode().appender(streamId, 2);
        assertThat(stream().eventCount()).isEqualTo(2);
        second.append(null, "event 2");
        second.flush();
        assertThat(stream().eventCount()).isEqualTo(3);
        otherNode().appender(streamId, 7).end(End.completed("result"));
        assertThat(stream().eventCount()).isEqualTo(3);
        assertThat(otherNode().open(streamId).eventCount()).isEqualTo(3);
    }

    @Test
    @DisplayName("a reader may come before the writer")
    void readerFirst() {
        EventStream early = stream();
        assertThat(early.read(EventStream.BEGINNING, 10))
                .isEqualTo(new EventStream.Batch(List.of(), EventStream.BEGINNING, null));
        assertThat(early.last()).isEqualTo(EventStream.BEGINNING);
        assertThat(early.end()).isEmpty();
        assertThat(early.id()).isEqualTo(streamId);

        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, "event 0");
        appender.flush();
        assertThat(early.read(EventStream.BEGINNING, 10).events()).isEqualTo(events(0, 1));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "\n",
                "\r",
                "\r\n",
                "a\nb\r\nc\rd\n",
                "\0",
                "\uD83D\uDE00 \uD834\uDD1E",
                "ü€",
                "{\"a\":1}",
                "data: x"
            })
    @DisplayName("data arrives as it was emitted")
    void dataIsKept(String data) {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append("type", data);
        appender.end(End.completed(data));

        EventStream.Batch batch = stream().read(EventStream.BEGINNING, 10);
        assertThat(batch.events()).containsExactly(new Event(0, "type", data));
        assertThat(batch.end()).isEqualTo(End.completed(data));
    }

    @Test
    @DisplayName("an event may have a megabyte of data")
    void largeEvent() {
        String data = "0123456789abcde\uD83D\uDE00".repeat(60_000);
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        appender.append(null, data);
        appender.append(null, "small");
        appender.flush();

        assertThat(readAll(stream(), 10)).extracting(Event::data).containsExactly(data, "small");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\nb", "a\rb", "a\0b", "\n"})
    @DisplayName("R14 a type that would break a frame is refused, and takes no position")
    void badTypeIsRefused(String type) {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        assertThatIllegalArgumentException().isThrownBy(() -> appender.append(type, "data"));
        appender.append("good", "data");
        appender.flush();
        assertThat(readAll(stream(), 10)).containsExactly(new Event(0, "good", "data"));
    }

    @Test
    @DisplayName("streams do not mix")
    void streamsDoNotMix() {
        String otherId = Task.of("contract", "").id();
        EventAppender one = store().appender(streamId, FIRST_EPOCH);
        EventAppender two = store().appender(otherId, FIRST_EPOCH);
        one.append(null, "event 0");
        two.append(null, "of another stream");
        one.append(null, "event 1");
        two.end(End.completed(null));
        one.flush();

        assertThat(readAll(stream(), 10)).isEqualTo(events(0, 2));
        assertThat(stream().end()).isEmpty();
        assertThat(readAll(store().open(otherId), 10)).extracting(Event::data).containsExactly("of another stream");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "abc", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef0123456789abcdeg"})
    @DisplayName("an invalid stream id is refused, and the message names it")
    void badId(String id) {
        assertThatIllegalArgumentException().isThrownBy(() -> store().open(id)).withMessageContaining(id);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> store().appender(id, FIRST_EPOCH))
                .withMessageContaining(id);
    }

    @Test
    @DisplayName("arguments out of range are refused")
    void badArguments() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> store().appender(streamId, 0))
                .withMessageContaining("0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> stream().read(-2, 1))
                .withMessageContaining("-2");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> stream().read(0, 0))
                .withMessageContaining("0");
    }

    private static List<Event> followToTheEnd(EventStream stream, int limit) {
        List<Event> all = new ArrayList<>();
        long[] after = {EventStream.BEGINNING};
        await().until(() -> {
            EventStream.Batch batch = stream.read(after[0], limit);
            while (batch.end() == null && batch.last() > after[0]) {
                all.addAll(batch.events());
                after[0] = batch.last();
                batch = stream.read(after[0], limit);
            }
            if (batch.end() != null) {
                all.addAll(batch.events());
            }
            return batch.end() != null;
        });
        return all;
    }

    private static <T> List<T> inParallel(List<Callable<T>> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(work.size());
        try {
            List<T> results = new ArrayList<>();
            for (Future<T> future : threads.invokeAll(work)) {
                results.add(future.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }
}
