// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.StaleWriterException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a write goes on whose outcome is unknown, in virtual time. */
@Timeout(20)
class CommitRetryTest {

    private final VirtualCommit virtual = new VirtualCommit();
    private final GroupCommit commit = virtual.commit(VirtualCommit.settings(), HandoffObserver.NONE);
    private final MongoEventAppender bad = virtual.appender(commit);
    private final List<MongoEventAppender> good =
            List.of(virtual.appender(commit), virtual.appender(commit), virtual.appender(commit));

    private void pass(Duration time) {
        virtual.time.advance(time);
    }

    private static boolean isOf(EventBatch batch, int stream) {
        return batch.stream().equals(String.format("%032x", stream));
    }

    private void appendToAll() {
        good.get(0).append(null, "x");
        bad.append(null, "x");
        good.get(1).append(null, "x");
        good.get(2).append(null, "x");
    }

    private void badFails(Supplier<RuntimeException> exception) {
        virtual.insert = batches -> {
            if (batches.stream().anyMatch(b -> isOf(b, 1))) {
                throw exception.get();
            }
            return virtual.store(batches);
        };
        appendToAll();
        pass(Duration.ofSeconds(1));
        assertThatExceptionOfType(ProblemException.class).isThrownBy(bad::flush);
        good.forEach(MongoEventAppender::flush);
        assertThat(virtual.stored).hasSize(3);
    }

    @Test
    @DisplayName("R16 an exception of the driver fails only the stream that caused it")
    void driverFails() {
        badFails(() -> new IllegalStateException("cannot encode"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6})
    @DisplayName("R16 an error in any step of a write leaves no writer waiting, and later writes succeed")
    void errorInAnyStep(int step) {
        AtomicInteger left = new AtomicInteger();
        GroupCommitSettings settings = VirtualCommit.settings();
        GroupCommit failing = virtual.commit(
                () -> {
                    if (left.get() > 0 && left.decrementAndGet() == 0) {
                        throw new OutOfMemoryError("a test");
                    }
                    return virtual.time.read();
                },
                settings,
                HandoffObserver.NONE);
        MongoEventAppender first = virtual.appender(failing);
        first.append(null, "x");
        left.set(step);
        pass(Duration.ofSeconds(5));
        assertThat(left).hasValue(0);
        // There is room for so many bytes only if nothing waits, so the flush cannot block.
        assertThat(failing.hasRoomFor(settings.maxPendingBytes())).isTrue();
        Throwable told = catchThrowable(first::flush);
        if (told == null) {
            assertThat(virtual.stored).hasSize(1);
        } else {
            assertThat(told).isInstanceOf(ProblemException.class);
        }

        MongoEventAppender second = virtual.appender(failing);
        second.append(null, "x");
        pass(Duration.ofSeconds(5));
        assertThat(failing.hasRoomFor(settings.maxPendingBytes())).isTrue();
        second.flush();
    }

    @Test
    @DisplayName("R16 if the database refuses a whole insert, only the stream that caused it fails")
    void wholeInsertRefused() {
        badFails(() -> DatabaseException.refused("10334: too large", null));
    }

    @Test
    @DisplayName("R16 if the read of the stored batches fails, the batches are retried")
    void holdersFail() {
        AtomicInteger looks = new AtomicInteger();
        virtual.insert = batches -> {
            virtual.store(batches);
            virtual.insert = virtual::store;
            throw DatabaseException.unknown("the answer got lost", null);
        };
        virtual.visible = holders -> {
            if (looks.getAndIncrement() == 0) {
                throw new IllegalStateException("a test");
            }
            return holders;
        };
        appendToAll();
        pass(Duration.ofSeconds(1));
        good.forEach(MongoEventAppender::flush);
        bad.flush();
        assertThat(looks).hasValue(2);
    }

    @Test
    @DisplayName("a retried batch keeps its id and does not delay other streams")
    void besideOthers() {
        virtual.insert = batches -> batches.stream()
                .map(b -> isOf(b, 1) ? VirtualCommit.outcome(InsertOutcome.Kind.UNKNOWN) : virtual.store(b))
                .toList();
        bad.append(null, "x");
        for (int i = 0; i < 1000; i++) {
            good.get(0).append(null, "x");
            pass(Duration.ofMillis(12));
            good.get(0).flush();
        }
        List<ObjectId> ids = virtual.inserts.stream()
                .flatMap(List::stream)
                .filter(b -> isOf(b, 1))
                .map(EventBatch::id)
                .toList();
        // The pauses grow up to a second.
        assertThat(ids).hasSizeBetween(12, 25);
        assertThat(ids.stream().distinct()).hasSize(1);
    }

    @Test
    @DisplayName("a batch is retried for the retry time from its first attempt, and then its stream fails")
    void retryTime() {
        virtual.insert = batches -> {
            throw DatabaseException.unknown("away", null);
        };
        bad.append(null, "x");
        pass(Duration.ofSeconds(60));
        good.get(0).append(null, "x");
        pass(Duration.ofSeconds(59));
        assertThatCode(() -> bad.append(null, "y")).doesNotThrowAnyException();
        pass(Duration.ofSeconds(3));
        assertThatExceptionOfType(ProblemException.class).isThrownBy(bad::flush);
        virtual.insert = virtual::store;
        pass(Duration.ofSeconds(2));
        good.get(0).flush();
        assertThat(virtual.inserts.size()).isLessThan(150);
    }

    @Test
    @DisplayName(
            "R3 a duplicate of a batch without majority is retried until it is visible, and another writer's batch fences")
    void invisibleHolder() {
        EventBatch other = new EventBatch(new ObjectId(), String.format("%032x", 1), 0, 2, List.of(), null, true);
        virtual.stored.put(new Position(other.stream(), 0), other);
        virtual.visible = holders -> Map.of();
        bad.append(null, "x");
        pass(Duration.ofSeconds(30));
        assertThatCode(() -> bad.append(null, "y")).doesNotThrowAnyException();
        virtual.visible = holders -> holders;
        pass(Duration.ofSeconds(2));
        assertThatExceptionOfType(StaleWriterException.class).isThrownBy(bad::flush);
    }

    @Test
    @DisplayName("R1 while a batch of a stream is retried, no later batch of the stream is written")
    void inOrder() {
        List<Long> positions = new ArrayList<>();
        virtual.insert = batches -> batches.stream()
                .map(b -> {
                    positions.add(b.seq());
                    return positions.size() < 4 ? VirtualCommit.outcome(InsertOutcome.Kind.UNKNOWN) : virtual.store(b);
                })
                .toList();
        for (int i = 0; i < 100; i++) {
            bad.append(null, "x");
            pass(Duration.ofMillis(10));
        }
        pass(Duration.ofSeconds(1));
        bad.flush();
        assertThat(positions).startsWith(0L, 0L, 0L, 0L).isSorted();
    }

    @Test
    @DisplayName("an exception of an observer affects no stream")
    void observerThrows() {
        GroupCommit observed = virtual.commit(VirtualCommit.settings(), new HandoffObserver() {
            @Override
            public void committed(int batches, int events, long bytes, Duration took) {
                throw new IllegalStateException("a test");
            }

            @Override
            public void pendingBytes(long bytes) {
                throw new StackOverflowError("a test");
            }
        });
        MongoEventAppender appender = virtual.appender(observed);
        for (int i = 0; i < 3; i++) {
            appender.append(null, "x");
            pass(Duration.ofMillis(10));
            appender.flush();
        }
        assertThat(virtual.stored).hasSize(3);
    }

    @Test
    @DisplayName("the observer is told of writes, retries and pending bytes")
    void observed() {
        List<String> told = new ArrayList<>();
        GroupCommit observed = virtual.commit(VirtualCommit.settings(), new HandoffObserver() {
            @Override
            public void committed(int batches, int events, long bytes, Duration took) {
                told.add("committed " + batches + " batches, " + events + " events, " + took.toMillis() + " ms");
            }

            @Override
            public void commitRetried(int batches) {
                told.add("retried " + batches);
            }

            @Override
            public void pendingBytes(long bytes) {
                told.add("pending " + bytes);
            }
        });
        virtual.latency = Duration.ofMillis(5);
        virtual.insert = batches -> {
            virtual.insert = virtual::store;
            throw DatabaseException.unknown("away", null);
        };
        MongoEventAppender appender = virtual.appender(observed);
        appender.append(null, "x");
        appender.append(null, "y");
        pass(Duration.ofSeconds(1));
        assertThat(told)
                .containsExactly("retried 1", "pending 196", "committed 1 batches, 2 events, 50 ms", "pending 0");
    }
}
