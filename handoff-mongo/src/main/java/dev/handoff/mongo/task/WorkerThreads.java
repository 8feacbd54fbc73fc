// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * Runs the threads of a worker. Each thread repeats one step with a pause, so that no step waits for another. They are daemon threads, so
 * they do not keep the process alive.
 */
final class WorkerThreads {

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long JOIN_MILLIS = 1000;

    private final Lock lock;
    private final Condition stop;
    private final List<Thread> threads;
    // Guarded by the lock.
    private boolean stopped;

    /** @param steps the step that each thread repeats; a step must not throw */
    WorkerThreads(String name, Lock lock, List<Runnable> steps) {
        this.lock = lock;
        this.stop = lock.newCondition();
        this.threads = steps.stream()
                .map(step -> new Thread(() -> repeat(step), name + '-' + steps.indexOf(step)))
                .toList();
    }

    void start() {
        for (Thread thread : threads) {
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void repeat(Runnable step) {
        while (pause()) {
            step.run();
        }
    }

    /** Waits for a pause. Returns false if the threads must stop. */
    private boolean pause() {
        lock.lock();
        try {
            long left = PAUSE_NANOS;
            while (!stopped && left > 0) {
                left = stop.awaitNanos(left);
            }
            return !stopped;
        } catch (InterruptedException e) {
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the threads after their current step. Blocks for up to a second per thread. */
    void stop() {
        lock.lock();
        try {
            stopped = true;
            stop.signalAll();
        } finally {
            lock.unlock();
        }
        try {
            for (Thread thread : threads) {
                thread.join(JOIN_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
