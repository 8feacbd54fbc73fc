// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.observation.HandoffObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The pace of many streams at the limit of documents per second, in virtual time. An insert takes 4 ms. */
@Timeout(60)
class FairnessTest {

    private static final Duration STEP = Duration.ofMillis(1);

    private final VirtualCommit virtual = new VirtualCommit();
    private final GroupCommit commit = virtual.commit(VirtualCommit.settings(), HandoffObserver.NONE);

    /** What a run has shown: nanoseconds from append to acknowledgement, and the longest of each stream. */
    private record Run(long[] waits, long[] longest, double documentsPerSecond) {

        double millis(double quantile) {
            return waits[(int) (quantile * (waits.length - 1))] / 1e6;
        }
    }

    /**
     * Has each stream append at a rate.
     *
     * @param spread whether each stream appends at times of its own; else all at once
     */
    private Run run(int streams, int eventsPerSecond, boolean spread, Duration length) {
        return run(streams, eventsPerSecond, spread, length, Duration.ZERO);
    }

    /** Begins with a phase in which streams append a quarter more events, and counts only the events that are appended after twice this time. */
    private Run run(int streams, int eventsPerSecond, boolean spread, Duration length, Duration busy) {
        virtual.latency = Duration.ofMillis(4);
        Random random = new Random(1);
        List<MongoEventAppender> appenders = new ArrayList<>();
        long period = TimeUnit.SECONDS.toNanos(1) / eventsPerSecond;
        long[] due = new long[streams];
        List<List<Long>> appendedAt = new ArrayList<>();
        for (int i = 0; i < streams; i++) {
            appenders.add(virtual.appender(commit));
            due[i] = spread ? (long) (random.nextDouble() * period) : 0;
            appendedAt.add(new ArrayList<>());
        }
        long[] longest = new long[streams];
        List<Long> waits = new ArrayList<>();
        int seen = 0;
        int documents = 0;
        long settled = Duration.ofSeconds(2).toNanos();
        while (virtual.time.read() < length.toNanos()) {
            for (int i = 0; i < streams; i++) {
                while (due[i] <= virtual.time.read()) {
                    appenders.get(i).append(null, "x");
                    appendedAt.get(i).add(due[i]);
                    due[i] += due[i] < busy.toNanos() ? period * 4 / 5 : period;
                }
            }
            virtual.time.advance(STEP);
            for (; seen < virtual.acknowledged.size(); seen++) {
                EventBatch batch = virtual.acknowledged.get(seen);
                int stream = Integer.parseInt(batch.stream(), 16) - 1;
                documents += virtual.time.read() > settled ? 1 : 0;
                for (long p = batch.seq(); p < batch.next(); p++) {
                    long appended = appendedAt.get(stream).get((int) p);
                    if (appended < 2 * busy.toNanos()) {
                        continue;
                    }
                    long wait = virtual.time.read() - appended;
                    waits.add(wait);
                    longest[stream] = Math.max(longest[stream], wait);
                }
            }
        }
        long[] sorted = waits.stream().mapToLong(w -> w).sorted().toArray();
        return new Run(sorted, longest, documents / ((length.toNanos() - settled) / 1e9));
    }

    @Test
    @DisplayName("1,000 streams of 20 events/s write at most 5,000 documents/s, and all wait about equally long")
    void aboveTheLimit() {
        Run run = run(1000, 20, true, Duration.ofSeconds(20));
        assertThat(run.documentsPerSecond).isBetween(4500.0, 5000.0);
        assertThat(run.millis(0.99)).isLessThan(260);
        assertThat(Arrays.stream(run.longest).max().orElseThrow())
                .isLessThan(2 * Arrays.stream(run.longest).min().orElseThrow());
    }

    @Test
    @DisplayName("1,000 streams that append at the same time wait about equally long")
    void burstsAboveTheLimit() {
        Run run = run(1000, 20, false, Duration.ofSeconds(20));
        assertThat(run.documentsPerSecond).isBetween(4500.0, 5000.0);
        assertThat(run.millis(1)).isLessThan(400);
        assertThat(Arrays.stream(run.longest).max().orElseThrow())
                .isLessThan(2 * Arrays.stream(run.longest).min().orElseThrow());
    }

    @Test
    @DisplayName("500 streams of 10 events/s, just at the limit, are not delayed")
    void atTheLimit() {
        Run run = run(500, 10, true, Duration.ofSeconds(60));
        assertThat(run.millis(0.99)).isLessThan(15);
    }

    @Test
    @DisplayName("500 streams that append ten times a second at the same time are not delayed")
    void burstsAtTheLimit() {
        Run run = run(500, 10, false, Duration.ofSeconds(60));
        assertThat(run.millis(0.99)).isLessThan(15);
    }

    @Test
    @DisplayName("500 streams of 10 events/s, just at the limit, are not delayed any longer after they had more events")
    void recovers() {
        Run run = run(500, 10, true, Duration.ofSeconds(30), Duration.ofSeconds(3));
        assertThat(run.millis(0.99)).isLessThan(15);
    }

    @Test
    @DisplayName(
            "600 streams of 10 events/s, above the limit, write at most 5,000 documents/s, and most events wait for less than 0.1 s")
    void littleAboveTheLimit() {
        Run run = run(600, 10, true, Duration.ofSeconds(30));
        assertThat(run.documentsPerSecond).isBetween(4500.0, 5000.0);
        assertThat(run.millis(0.5)).isLessThan(100);
        assertThat(run.millis(1)).isLessThan(260);
    }
}
