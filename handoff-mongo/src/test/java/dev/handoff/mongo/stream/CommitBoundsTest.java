// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.http.Problem;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How much may wait to be written, and how large an entry may be. */
@Timeout(60)
class CommitBoundsTest extends CommitFixture {

    @Test
    @DisplayName("a writer with too many pending bytes blocks until the store is back")
    void bounded() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        String name = name();
        EventAppender appender = store.appender(name, 1);
        appender.append(null, "small");
        appender.flush();
        proxy.goAway();
        AtomicInteger appended = new AtomicInteger();
        String big = "x".repeat(100_000);
        Future<?> writer = threads.submit(() -> {
            for (int i = 0; i < 30; i++) {
                appender.append(null, big);
                appended.incrementAndGet();
            }
            appender.flush();
        });
        await().until(() -> appended.get() == 10);
        await().during(Duration.ofMillis(300)).until(() -> appended.get() == 10);
        proxy.comeBack();
        writer.get(20, TimeUnit.SECONDS);
        assertThat(stored(name)).hasSize(31);
    }

    @Test
    @DisplayName("writers below their own limit block at the limit of the process until the store is back")
    void boundedTogether() throws Exception {
        MongoEventStore store = MongoEventStore.builder(mongo.connect(proxy, commands), timer)
                .retryFor(Duration.ofSeconds(20))
                .maxPendingBytes(21 << 20)
                .build();
        int bound = 10;
        String big = "x".repeat(1 << 20);
        AtomicInteger appended = new AtomicInteger();
        List<String> names = IntStream.range(0, bound + 5).mapToObj(i -> name()).toList();
        List<EventAppender> appenders =
                names.stream().map(name -> store.appender(name, 1)).toList();
        proxy.goAway();
        List<Future<?>> writers = new ArrayList<>();
        for (EventAppender appender : appenders) {
            writers.add(threads.submit(() -> {
                appender.append(null, big);
                appended.incrementAndGet();
                appender.flush();
            }));
        }
        await().until(() -> appended.get() == bound);
        await().during(Duration.ofMillis(300)).until(() -> appended.get() == bound);
        proxy.comeBack();
        for (Future<?> writer : writers) {
            writer.get(20, TimeUnit.SECONDS);
        }
        assertThat(names).allSatisfy(n -> assertThat(stored(n)).hasSize(1));
    }

    @Test
    @DisplayName(
            "an event that is too large for a document is refused, and the stream continues; the largest event is accepted")
    void tooLarge() {
        MongoEventStore store = store();
        String name = name();
        EventAppender appender = store.appender(name, 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> appender.append(null, "x".repeat(MongoEventAppender.MAX_EVENT_CHARS + 1)));
        // Three bytes each in UTF-8.
        assertThat(appender.append(null, "\u20ac".repeat(MongoEventAppender.MAX_EVENT_CHARS)))
                .isZero();
        assertThat(appender.append(null, "small")).isEqualTo(1);
        appender.end(End.completed(null));
        assertThat(stored(name)).extracting(String::length).containsExactly(MongoEventAppender.MAX_EVENT_CHARS, 5);
    }

    @Test
    @DisplayName("a result that is too large for a document fails its writer and affects no other stream")
    void tooLargeResult() throws Exception {
        MongoEventStore store = proxied(Duration.ofSeconds(20));
        EventAppender other = store.appender(name(), 1);
        EventAppender another = store.appender(name(), 1);
        EventAppender large = store.appender(name(), 1);
        proxy.goAway();
        // Keeps the one insert busy, so that the others come together in the next.
        other.append(null, "event 0");
        await().until(() -> !threadsIdle());
        another.append(null, "event 0");
        AtomicReference<Throwable> told = new AtomicReference<>();
        Thread end = new Thread(() -> {
            try {
                large.end(End.completed("x".repeat(17 << 20)));
            } catch (RuntimeException e) {
                told.set(e);
            }
        });
        end.start();
        await().until(() -> end.getState() == Thread.State.WAITING || !end.isAlive());
        proxy.comeBack();
        end.join(20_000);
        assertThat(told.get()).isNotNull();
        other.flush();
        another.flush();
    }

    @Test
    @DisplayName("R2 a failure with a very long detail is stored with a shorter one, and affects no other stream")
    void tooLargeFailure() {
        MongoEventStore store = store();
        String name = name();
        EventAppender appender = store.appender(name, 1);
        EventAppender other = store.appender(name(), 1);
        other.append(null, "event 0");
        appender.end(End.failed(new Problem(502, "upstream_failed", "x".repeat(17 << 20))));
        other.flush();
        assertThat(store.open(name).end().orElseThrow()).isInstanceOfSatisfying(End.Failed.class, failed -> {
            assertThat(failed.problem().code()).isEqualTo("upstream_failed");
            assertThat(failed.problem().detail()).startsWith("xxx").hasSizeLessThan(70_000);
        });
    }

    @Test
    @DisplayName("the limit counts the characters of the type and of the data")
    void tooLargeType() {
        EventAppender appender = store().appender(name(), 1);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> appender.append("t".repeat(MongoEventAppender.MAX_EVENT_CHARS), "x"));
    }

    @Test
    @DisplayName("R15 the result of an end counts towards the pending bytes")
    void resultsCount() {
        VirtualCommit virtual = new VirtualCommit();
        List<Long> pending = new ArrayList<>();
        GroupCommit commit = virtual.commit(VirtualCommit.settings(), new HandoffObserver() {
            @Override
            public void pendingBytes(long bytes) {
                pending.add(bytes);
            }
        });
        virtual.insert = batches -> batches.stream()
                .map(b -> VirtualCommit.outcome(InsertOutcome.Kind.UNKNOWN))
                .toList();
        EventAppender appender = virtual.appender(commit);
        Future<?> end = threads.submit(() -> appender.end(End.completed("x".repeat(1 << 20))));
        await().until(() -> {
            commit.lock.lock();
            try {
                virtual.time.advance(Duration.ofMillis(50));
            } finally {
                commit.lock.unlock();
            }
            return !pending.isEmpty();
        });
        assertThat(pending.get(0)).isBetween(2L << 20, (2L << 20) + 1000);
        assertThat(end.isDone()).isFalse();
        virtual.insert = virtual::store;
        await().until(() -> {
            commit.lock.lock();
            try {
                virtual.time.advance(Duration.ofSeconds(1));
            } finally {
                commit.lock.unlock();
            }
            return end.isDone();
        });
        assertThat(pending.get(pending.size() - 1)).isZero();
    }
}
