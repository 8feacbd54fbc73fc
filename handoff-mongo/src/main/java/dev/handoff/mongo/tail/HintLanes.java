// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs jobs in lanes. A lane is a task of a shared executor that takes one waiting job after the other. A lane that takes a job starts the
 * next lane if jobs are waiting, so a job that blocks does not delay the others. Short jobs that arrive together share a few lanes, because
 * a thread that wakes for a single job costs more than the job. The queue holds at most one job for each reader, because a {@link Hint} has
 * at most one job. Thread-safe.
 */
final class HintLanes implements Executor {

    private static final Logger logger = LoggerFactory.getLogger(HintLanes.class);

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
            if (!needsLane()) {
                return;
            }
            starting = true;
            running++;
        } finally {
            lock.unlock();
        }
        try {
            start();
        } catch (RuntimeException | Error e) {
            lock.lock();
            try {
                waiting.remove(job);
            } finally {
                lock.unlock();
            }
            throw e;
        }
    }

    private boolean needsLane() {
        return !starting && running < lanes && !waiting.isEmpty();
    }

    /** Submits a lane, which is counted already. */
    private void start() {
        try {
            executor.execute(this::begin);
        } catch (RuntimeException | Error e) {
            lock.lock();
            try {
                starting = false;
                running--;
            } finally {
                lock.unlock();
            }
            throw e;
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
            another = needsLane();
            if (another) {
                starting = true;
                running++;
            }
        } finally {
            lock.unlock();
        }
        if (another) {
            try {
                start();
            } catch (RuntimeException | Error e) {
                logger.debug("the executor rejected a lane, the running lanes take its jobs", e);
            }
        }
        return job;
    }
}
