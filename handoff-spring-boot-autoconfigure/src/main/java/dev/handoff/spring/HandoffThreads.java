// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.core.task.VirtualThreadTaskExecutor;
import org.springframework.scheduling.concurrent.CustomizableThreadFactory;

/**
 * Creates the thread pools of handoff. The pools are not beans, because Spring Boot creates its own task executor and scheduler only if no
 * bean of the type {@code Executor} or {@code ScheduledExecutorService} exists.
 */
final class HandoffThreads implements AutoCloseable {

    private static final long IDLE_SECONDS = 30;

    /** A job with the time at which it began to wait. */
    private record Waiting(Runnable job, long sinceNanos) implements Runnable {

        @Override
        public void run() {
            job.run();
        }
    }

    private final boolean virtual;
    private final List<ExecutorService> pools = new ArrayList<>();
    private final CountDownLatch closed = new CountDownLatch(1);
    private @Nullable ThreadPoolExecutor handlers;

    /** @param virtual whether handlers and other jobs that block run on virtual threads */
    HandoffThreads(boolean virtual) {
        this.virtual = virtual;
    }

    /** Returns a new timer with some threads. */
    ScheduledExecutorService timer(String name, int threads) {
        return keep(new ScheduledThreadPoolExecutor(threads, platform(name)));
    }

    /** Returns a new executor that has a thread for each job. */
    Executor jobs(String name) {
        return keep(new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(), threads(name)));
    }

    /** Returns a new executor for handlers that run in this process. It rejects a job if all threads are busy and the queue is full. */
    Executor handlers(int maxRunning, int maxQueued) {
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                maxRunning,
                maxRunning,
                IDLE_SECONDS,
                TimeUnit.SECONDS,
                maxQueued == 0 ? new SynchronousQueue<>() : new LinkedBlockingQueue<>(maxQueued),
                threads("handoff-worker-"));
        pool.allowCoreThreadTimeOut(true);
        handlers = keep(pool);
        return job -> pool.execute(new Waiting(job, System.nanoTime()));
    }

    /** Returns how long the first job in the queue of the handlers has waited; null if the queue is empty. */
    @Nullable
    Duration oldestWaiting() {
        ThreadPoolExecutor pool = handlers;
        return pool != null && pool.getQueue().peek() instanceof Waiting waiting
                ? Duration.ofNanos(System.nanoTime() - waiting.sinceNanos())
                : null;
    }

    /** Keeps the process running until {@link #close}. The other threads of a process that has only a worker are daemons, which do not. */
    void keepProcess() {
        Thread thread = new Thread(
                () -> {
                    try {
                        closed.await();
                    } catch (InterruptedException e) {
                        Thread.currentThread().interrupt();
                    }
                },
                "handoff-keep-alive");
        thread.setDaemon(false);
        thread.start();
    }

    private ThreadFactory threads(String name) {
        return virtual ? new VirtualThreadTaskExecutor(name).getVirtualThreadFactory() : platform(name);
    }

    private static ThreadFactory platform(String name) {
        CustomizableThreadFactory factory = new CustomizableThreadFactory(name);
        factory.setDaemon(true);
        return factory;
    }

    private <P extends ExecutorService> P keep(P pool) {
        pools.add(pool);
        return pool;
    }

    /** Interrupts all threads. */
    @Override
    public void close() {
        closed.countDown();
        pools.forEach(ExecutorService::shutdownNow);
    }
}
