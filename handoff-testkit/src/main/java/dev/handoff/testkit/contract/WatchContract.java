// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.greaterThanOrEqualTo;

import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import java.lang.ref.WeakReference;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Tests the watches of a stream: hints arrive, and a hint that fails or blocks affects no other reader (R6, R15, R16). */
abstract class WatchContract extends EventStoreFixture {

    @Test
    @DisplayName("R6 a watch runs its hint after an append and after the end, and may be closed twice")
    void watchTells() {
        AtomicInteger hints = new AtomicInteger();
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        EventStream.Watch watch = stream().watch(hints::incrementAndGet);

        appender.append(null, "event 0");
        await().untilAtomic(hints, greaterThanOrEqualTo(1));
        int before = hints.get();
        appender.end(End.completed(null));
        await().untilAtomic(hints, greaterThan(before));
        watch.close();
        watch.close();
    }

    @Test
    @DisplayName("R6 the hint of a closed watch no longer runs, and that of an open watch does")
    void closedWatchIsSilent() {
        AtomicInteger closed = new AtomicInteger();
        AtomicInteger open = new AtomicInteger();
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        stream().watch(closed::incrementAndGet).close();
        stream().watch(open::incrementAndGet);

        appender.append(null, "event 0");
        await().untilAtomic(open, greaterThanOrEqualTo(1));
        assertThat(closed).hasValue(0);
    }

    @Test
    @DisplayName("R6 a hint that throws affects neither the writer nor other readers")
    void throwingHint() {
        AtomicInteger others = new AtomicInteger();
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        stream().watch(() -> {
            throw new IllegalStateException("a broken reader");
        });
        stream().watch(() -> {
            throw new AssertionError("a broken reader that throws an Error");
        });
        stream().watch(others::incrementAndGet);

        appender.append(null, "event 0");
        appender.flush();
        await().untilAtomic(others, greaterThanOrEqualTo(1));
    }

    @Test
    @DisplayName("R15 nothing refers to the hint of a closed watch, even while the watch and the stream are kept")
    void closedWatchForgets() {
        EventAppender appender = store().appender(streamId, FIRST_EPOCH);
        AtomicInteger hints = new AtomicInteger();
        EventStream stream = stream();
        EventStream.Watch open = stream.watch(hints::incrementAndGet);
        WeakReference<AtomicInteger> reader = new WeakReference<>(new AtomicInteger());
        EventStream.Watch closed = stream.watch(countingIn(reader));
        appender.append(null, "event 0");
        await().until(() -> hints.get() > 0);

        closed.close();
        await().until(() -> {
            System.gc();
            return reader.get() == null;
        });
        closed.close();
        open.close();
    }

    private static Runnable countingIn(WeakReference<AtomicInteger> reader) {
        AtomicInteger hints = Objects.requireNonNull(reader.get());
        return hints::incrementAndGet;
    }

    @Test
    @DisplayName("R16 a hint that blocks delays neither the writers nor the readers of other streams")
    void blockingHint() throws Exception {
        String otherId = Task.of("contract", "").id();
        EventAppender one = store().appender(streamId, FIRST_EPOCH);
        EventAppender two = store().appender(otherId, FIRST_EPOCH);
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        AtomicInteger hints = new AtomicInteger();
        EventStream slow = otherNode().open(streamId);
        EventStream.Watch blocking = slow.watch(() -> {
            blocked.countDown();
            awaitLatch(goOn);
        });
        EventStream other = otherNode().open(otherId);
        EventStream.Watch watch = other.watch(hints::incrementAndGet);
        // Both readers have reached the tail.
        slow.read(EventStream.BEGINNING, 10);
        other.read(EventStream.BEGINNING, 10);
        Thread writer = new Thread(() -> one.append(null, "event 0"));
        writer.start();
        try {
            awaitLatch(blocked);
            for (int i = 0; i < 10; i++) {
                int before = hints.get();
                two.append(null, "event " + i);
                two.flush();
                await().until(() -> hints.get() > before);
            }
            two.end(End.completed(null));
            assertThat(readAll(other, 10)).isEqualTo(events(0, 10));
        } finally {
            goOn.countDown();
            writer.join();
            blocking.close();
            watch.close();
        }
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
