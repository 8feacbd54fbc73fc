// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the actions that cancel, release and end the runs of a worker. Each of these actions may wait for the database, for an {@code emit}
 * of the handler that waits for the database, and for actions of the application. They have threads of their own, so that nothing else
 * waits for them. There are at most 100 threads, and each ends after a second without work. The number of tasks that the worker runs limits
 * the number of actions that wait for a thread. The threads are daemons. Thread-safe.
 */
final class StopThreads implements Predicate<Runnable> {

    private static final Logger logger = LoggerFactory.getLogger(StopThreads.class);
    private static final int MOST_THREADS = 100;

    private final AtomicInteger numbers = new AtomicInteger();
    private final ThreadPoolExecutor threads = new ThreadPoolExecutor(
            MOST_THREADS, MOST_THREADS, 1, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), this::thread);

    StopThreads() {
        threads.allowCoreThreadTimeOut(true);
    }

    private Thread thread(Runnable actions) {
        Thread thread = new Thread(actions, "handoff-worker-stop-" + numbers.getAndIncrement());
        thread.setDaemon(true);
        return thread;
    }

    /** Submits an action. Returns false if no thread could be started. */
    @Override
    public boolean test(Runnable action) {
        try {
            threads.execute(action);
            return true;
        } catch (RuntimeException | Error e) {
            logger.warn("no thread could be started to stop a task", e);
            return false;
        }
    }
}
