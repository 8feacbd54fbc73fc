// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs a limited number of jobs at a time on a shared executor, so that jobs that block leave threads free for other work of the executor.
 * The queue holds at most one job for each reader, because a {@link Hint} has at most one job. Thread-safe.
 */
final class HintLanes implements Executor {

    private final Executor executor;
    private final int lanes;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int running;

    HintLanes(Executor executor, int lanes) {
        this.executor = executor;
        this.lanes = lanes;
    }

    @Override
    public void execute(Runnable job) {
        lock.lock();
        try {
            waiting.add(job);
            if (running == lanes) {
                return;
            }
            running++;
        } finally {
            lock.unlock();
        }
        try {
            executor.execute(this::runOne);
        } catch (RuntimeException | Error e) {
            lock.lock();
            try {
                running--;
                waiting.remove(job);
            } finally {
                lock.unlock();
            }
            throw e;
        }
    }

    /** Runs one job and submits itself again, so that the executor can run other work in between. */
    private void runOne() {
        Runnable job = next();
        if (job == null) {
            return;
        }
        try {
            job.run();
        } finally {
            resubmit();
        }
    }

    private @Nullable Runnable next() {
        lock.lock();
        try {
            Runnable job = waiting.poll();
            if (job == null) {
                running--;
            }
            return job;
        } finally {
            lock.unlock();
        }
    }

    private void resubmit() {
        try {
            executor.execute(this::runOne);
        } catch (RuntimeException | Error e) {
            lock.lock();
            try {
                running--;
            } finally {
                lock.unlock();
            }
        }
    }
}
