package dev.handoff.mongo.task;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;

/**
 * The threads of a worker that was started. Each repeats one step with a pause, so that no step waits for another. They are daemons: they do not
 * keep the process alive.
 */
final class WorkerThreads {

    private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long JOIN_MILLIS = 1000;

    private final Lock lock;
    private final Condition stop;
    private final List<Thread> threads;
    // Only under the lock.
    private boolean stopped;

    /**
     * @param steps what each thread repeats; a step throws nothing
     */
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

    /** Returns false when the threads are to stop. */
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

    /** Ends the threads after their current step. Waits for each of them for up to a second. */
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
