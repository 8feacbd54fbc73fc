// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class HintLanesTest {

    private final ExecutorService threads = Executors.newCachedThreadPool();
    /** The turns that the lanes have submitted to the executor. */
    private final Queue<Runnable> submitted = new ArrayDeque<>();

    private final List<Integer> ran = new ArrayList<>();

    @AfterEach
    void stop() {
        threads.shutdownNow();
    }

    private void add(HintLanes lanes, int from, int to) {
        for (int i = from; i < to; i++) {
            int job = i;
            lanes.execute(() -> ran.add(job));
        }
    }

    private int runSubmitted() {
        int count = 0;
        for (Runnable lane = submitted.poll(); lane != null; lane = submitted.poll()) {
            count++;
            lane.run();
        }
        return count;
    }

    @Test
    @DisplayName("short jobs that arrive together run in order, in a few turns of the executor")
    void sharesLanes() {
        HintLanes lanes = new HintLanes(submitted::add, 8);
        add(lanes, 0, 10);
        assertThat(submitted).hasSize(1);

        assertThat(runSubmitted()).isEqualTo(2);
        assertThat(ran).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
    }

    @Test
    @DisplayName("a lane lets the executor run other work after a number of jobs")
    void turns() {
        HintLanes lanes = new HintLanes(submitted::add, 1);
        add(lanes, 0, 40);
        submitted.remove().run();
        assertThat(ran).hasSize(16);
        assertThat(submitted).hasSize(1);

        runSubmitted();
        assertThat(ran).hasSize(40);
        add(lanes, 40, 41);
        runSubmitted();
        assertThat(ran).hasSize(41);
    }

    @Test
    @DisplayName("jobs that block do not delay other jobs while lanes are left")
    void blockingJobs() throws InterruptedException {
        HintLanes lanes = new HintLanes(threads, 4);
        CountDownLatch release = new CountDownLatch(1);
        CountDownLatch blocked = new CountDownLatch(3);
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < 3; i++) {
            lanes.execute(() -> {
                blocked.countDown();
                awaitUninterrupted(release);
            });
        }
        for (int i = 0; i < 50; i++) {
            lanes.execute(done::incrementAndGet);
        }
        blocked.await();
        await().until(() -> done.get() == 50);
        release.countDown();
    }

    @Test
    @DisplayName("no more jobs run at the same time than there are lanes")
    void limit() {
        HintLanes lanes = new HintLanes(threads, 2);
        AtomicInteger running = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        AtomicInteger done = new AtomicInteger();
        for (int i = 0; i < 200; i++) {
            lanes.execute(() -> {
                most.accumulateAndGet(running.incrementAndGet(), Math::max);
                Thread.yield();
                running.decrementAndGet();
                done.incrementAndGet();
            });
        }
        await().until(() -> done.get() == 200);
        assertThat(most.get()).isLessThanOrEqualTo(2);
    }

    @Test
    @DisplayName("a job that throws an exception does not end its lane")
    void failingJob() {
        HintLanes lanes = new HintLanes(submitted::add, 1);
        lanes.execute(() -> {
            throw new IllegalStateException("expected");
        });
        add(lanes, 0, 2);
        assertThatExceptionOfType(IllegalStateException.class).isThrownBy(this::runSubmitted);
        runSubmitted();
        assertThat(ran).containsExactly(0, 1);
    }

    @Test
    @DisplayName("a job that the executor rejects is not kept, and the next job runs")
    void rejected() {
        boolean[] accepts = {false};
        HintLanes lanes = new HintLanes(
                lane -> {
                    if (!accepts[0]) {
                        throw new RejectedExecutionException();
                    }
                    submitted.add(lane);
                },
                2);
        assertThatExceptionOfType(RejectedExecutionException.class).isThrownBy(() -> add(lanes, 0, 1));
        accepts[0] = true;
        add(lanes, 1, 4);
        accepts[0] = false;
        runSubmitted();
        assertThat(ran).containsExactly(1, 2, 3);
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
