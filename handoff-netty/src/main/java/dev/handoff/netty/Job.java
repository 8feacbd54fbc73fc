// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.check.Errors;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Periodic work that may block. An event loop starts each run, and the executor runs it. A run begins after the previous one has ended. If
 * the previous run takes longer than {@link #PATIENCE_MILLIS}, another may run at the same time, up to a limit.
 */
final class Job {

    private static final Logger logger = LoggerFactory.getLogger(Job.class);
    private static final long PATIENCE_MILLIS = 1000;

    private final String name;
    private final int limit;
    private final Runnable work;
    private final AtomicInteger running = new AtomicInteger();
    /** Used only by the thread that starts runs. */
    private long startedAt;

    /**
     * Creates a job that is not running.
     *
     * @param limit how many runs may be active at the same time
     */
    Job(String name, int limit, Runnable work) {
        this.name = name;
        this.limit = limit;
        this.work = work;
    }

    /** Starts a run, unless it must wait for the previous one. Only one thread may call this. */
    void start(long now, Executor executor) {
        int before = running.get();
        if (before > 0 && (before >= limit || now - startedAt < PATIENCE_MILLIS)) {
            return;
        }
        running.incrementAndGet();
        startedAt = now;
        try {
            executor.execute(this::run);
        } catch (RejectedExecutionException e) {
            running.decrementAndGet();
            logger.debug("the executor rejected {}, the next tick tries again", name, e);
        }
    }

    private void run() {
        try {
            work.run();
        } catch (Throwable e) {
            logger.error("{} failed, the next run tries again", name, e);
            Errors.rethrowFatal(e);
        } finally {
            running.decrementAndGet();
        }
    }
}
