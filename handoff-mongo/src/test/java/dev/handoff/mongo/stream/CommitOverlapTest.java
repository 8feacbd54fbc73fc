// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens when the end of one write overlaps with the next write. */
@Timeout(60)
class CommitOverlapTest {

    private final VirtualCommit store = new VirtualCommit();
    private final AtomicInteger jobs = new AtomicInteger();
    private final CountDownLatch secondBegan = new CountDownLatch(1);
    private final CountDownLatch firstEnded = new CountDownLatch(1);

    @Test
    @DisplayName(
            "R16 an observer that throws while the next write is in flight fails no writer and begins no other write")
    void observerThrows() throws Exception {
        ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(2) {
            @Override
            public ScheduledFuture<?> schedule(Runnable job, long delay, TimeUnit unit) {
                jobs.incrementAndGet();
                return super.schedule(job, delay, unit);
            }

            @Override
            protected void afterExecute(Runnable job, @Nullable Throwable thrown) {
                firstEnded.countDown();
            }
        };
        HandoffObserver observer = new HandoffObserver() {
            private boolean thrown;

            @Override
            public void committed(int batches, int events, long bytes, Duration took) {
                if (!thrown) {
                    thrown = true;
                    passed(secondBegan);
                    throw new OutOfMemoryError("a test of an observer for which there is no memory");
                }
            }
        };
        GroupCommit commit = store.commit(threads, Ticker.system(), VirtualCommit.settings(), observer);
        MongoEventAppender appender = store.appender(commit);
        MongoEventAppender other = store.appender(commit);
        AtomicInteger jobsOfThird = new AtomicInteger();
        store.insert = batches -> {
            if (store.inserts.size() == 1) {
                // While this write is in flight, the appender gathers the event of the next one.
                appender.append(null, "event 1");
            } else if (store.inserts.size() == 2) {
                secondBegan.countDown();
                passed(firstEnded);
                int before = jobs.get();
                other.append(null, "event 0");
                jobsOfThird.set(jobs.get() - before);
            }
            return batches.stream().map(b -> InsertOutcome.STORED).toList();
        };
        try {
            appender.append(null, "event 0");
            appender.flush();
            // The first flush may have begun before the second event was appended.
            appender.flush();
            other.flush();
            assertThat(jobsOfThird.get()).as("writes that begin beside another").isZero();
            assertThat(commit.hasRoomFor(Long.MAX_VALUE))
                    .as("nothing is pending")
                    .isTrue();
        } finally {
            threads.shutdownNow();
        }
    }

    private static void passed(CountDownLatch latch) {
        try {
            assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
