// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Runs jobs in lanes. A lane is a task of a shared executor that takes one waiting job after the other. A lane that takes a job starts the
 * next lane if jobs are waiting, so a job that blocks does not delay the others. Short jobs that arrive together share a few lanes, because
 * a thread that wakes for a single job costs more than the job. The queue holds at most one job for each reader, because a {@link Hint} has
 * at most one job. Thread-safe.
 */
final class HintLanes implements Executor {

    /** After this number of jobs a lane submits itself again, so that the executor can run other work. */
    private static final int JOBS_PER_TURN = 16;

    private final Executor executor;
    private final int lanes;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private int running;
    /** Whether a lane was submitted that has not begun yet. */
    private boolean starting;

    /**
     * Creates lanes that are not running.
     *
     * @param lanes how many lanes may run at the same time, so that jobs that block leave threads free for other work of the executor
     */
    HintLanes(Executor executor, int lanes) {
        this.executor = executor;
        this.lanes = lanes;
    }

    @Override
    public void execute(Runnable job) {
        lock.lock();
        try {
            waiting.add(job);
            if (!mayStart()) {
                return;
            }
        } finally {
            lock.unlock();
        }
        try {
            executor.execute(this::begin);
        } catch (RuntimeException | Error e) {
            notStarted(job);
            throw e;
        }
    }

    /** Returns whether the caller must start a lane, and counts the lane. */
    private boolean mayStart() {
        if (starting || running == lanes) {
            return false;
        }
        starting = true;
        running++;
        return true;
    }

    private void notStarted(@Nullable Runnable job) {
        lock.lock();
        try {
            starting = false;
            running--;
            waiting.remove(job);
        } finally {
            lock.unlock();
        }
    }

    private void begin() {
        lock.lock();
        try {
            starting = false;
        } finally {
            lock.unlock();
        }
        runTurn();
    }

    private void runTurn() {
        boolean ended = false;
        try {
            for (int i = 0; i < JOBS_PER_TURN && !ended; i++) {
                Runnable job = next();
                ended = job == null;
                if (job != null) {
                    job.run();
                }
            }
        } finally {
            // Also after a job that has thrown an exception.
            if (!ended) {
                runAnotherTurn();
            }
        }
    }

    private void runAnotherTurn() {
        try {
            executor.execute(this::runTurn);
        } catch (RuntimeException | Error e) {
            lock.lock();
            try {
                running--;
            } finally {
                lock.unlock();
            }
        }
    }

    /** Takes a job, and starts a lane for the other jobs that wait. Returns null, and ends this lane, if no job waits. */
    private @Nullable Runnable next() {
        Runnable job;
        boolean another;
        lock.lock();
        try {
            job = waiting.poll();
            if (job == null) {
                running--;
            }
            another = !waiting.isEmpty() && mayStart();
        } finally {
            lock.unlock();
        }
        if (another) {
            try {
                executor.execute(this::begin);
            } catch (RuntimeException | Error e) {
                // The running lanes take the jobs.
                notStarted(null);
            }
        }
        return job;
    }
}
