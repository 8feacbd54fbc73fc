package dev.handoff.mongo.tail;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs jobs on an executor that has other work, too, a few at a time, so that jobs which block leave threads for that work. The
 * number of waiting jobs is bounded by the number of readers, since a {@link Hint} has one job at most. Thread-safe.
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

    /** Runs one job and submits itself again, so that other work of the executor gets its turn. */
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
