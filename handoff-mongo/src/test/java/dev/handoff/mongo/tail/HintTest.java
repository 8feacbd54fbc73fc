// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.hamcrest.Matchers.is;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class HintTest {

    private final AtomicInteger runs = new AtomicInteger();
    private final Queue<Runnable> jobs = new ArrayDeque<>();

    @Test
    @DisplayName("R15 a hint that is requested often while it waits has one job and runs once")
    void waitsOnce() {
        Hint hint = new Hint(runs::incrementAndGet, jobs::add);
        for (int i = 0; i < 1000; i++) {
            hint.tell();
        }
        assertThat(jobs).hasSize(1);
        jobs.remove().run();
        assertThat(runs).hasValue(1);
        hint.tell();
        jobs.remove().run();
        assertThat(runs).hasValue(2);
    }

    @Test
    @DisplayName("R16 a hint that is requested while it blocks takes no second thread, and runs again")
    void blocks() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            CountDownLatch begun = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            AtomicInteger submitted = new AtomicInteger();
            Hint hint = new Hint(
                    () -> {
                        runs.incrementAndGet();
                        begun.countDown();
                        try {
                            goOn.await();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    },
                    job -> {
                        submitted.incrementAndGet();
                        threads.execute(job);
                    });
            hint.tell();
            begun.await();
            for (int i = 0; i < 1000; i++) {
                hint.tell();
            }
            goOn.countDown();
            await().untilAtomic(runs, is(2));
            assertThat(submitted).hasValue(1);
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    @DisplayName("R6 a hint that was closed while it waited does not run")
    void closed() {
        Hint hint = new Hint(runs::incrementAndGet, jobs::add);
        hint.tell();
        hint.close();
        jobs.remove().run();
        hint.tell();
        assertThat(jobs).isEmpty();
        assertThat(runs).hasValue(0);
    }

    @Test
    @DisplayName("R16 a hint runs again after it or its executor has thrown anything")
    void throwing() {
        AtomicInteger refusals = new AtomicInteger(2);
        Hint hint = new Hint(
                () -> {
                    if (runs.incrementAndGet() == 1) {
                        throw new AssertionError("a test of a reader that throws an Error");
                    }
                },
                job -> {
                    int left = refusals.getAndDecrement();
                    if (left == 2) {
                        throw new RejectedExecutionException("full");
                    }
                    if (left == 1) {
                        throw new OutOfMemoryError("a test of: unable to create native thread");
                    }
                    jobs.add(job);
                });
        hint.tell();
        hint.tell();
        assertThat(jobs).isEmpty();
        for (int i = 1; i <= 2; i++) {
            hint.tell();
            jobs.remove().run();
            assertThat(runs).hasValue(i);
        }
    }
}
