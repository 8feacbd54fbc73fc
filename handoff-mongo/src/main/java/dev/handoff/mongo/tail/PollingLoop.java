// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.Failures;
import dev.handoff.time.Ticker;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one job repeatedly, one run at a time, until the job returns {@link #STOP}. Pauses after a failure, longer after each failure in a
 * row, up to 2 s. Thread-safe.
 */
final class PollingLoop {

    /** The job. */
    interface Job {
        /** Runs once. Returns the pause until the next run in nanoseconds, or {@link #STOP}. */
        long run();
    }

    /** Returned by a job to stop the loop until {@link #begin} or {@link #wake} is called. */
    static final long STOP = -1;

    private static final Logger logger = LoggerFactory.getLogger(PollingLoop.class);
    private static final long SHORTEST_PAUSE_AFTER_FAILURE = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long LONGEST_PAUSE_AFTER_FAILURE = TimeUnit.SECONDS.toNanos(2);

    private enum State {
        STOPPED,
        WAITING,
        RUNNING
    }

    private final ScheduledExecutorService executor;
    private final Ticker ticker;
    private final Job job;

    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private State state = State.STOPPED;
    /** The number of the latest scheduled run. An earlier run that it replaced does nothing. */
    private long ticket;

    private long nextAt;
    /** Whether {@link #wake} was called during a run. {@link #wantedAt} is the time that it requested. */
    private boolean wanted;

    private long wantedAt;
    private long failurePause;

    PollingLoop(ScheduledExecutorService executor, Ticker ticker, Job job) {
        this.executor = executor;
        this.ticker = ticker;
        this.job = job;
    }

    /** Starts the loop if it has stopped. */
    void begin() {
        lock.lock();
        try {
            if (state != State.STOPPED) {
                return;
            }
        } finally {
            lock.unlock();
        }
        wake(0);
    }

    /**
     * Schedules a run after a time in nanoseconds, unless an earlier run is scheduled. Does nothing while the loop pauses after a failure.
     */
    void wake(long nanos) {
        long mine;
        lock.lock();
        try {
            long at = ticker.read() + nanos;
            if (state == State.RUNNING) {
                if (!wanted || at - wantedAt < 0) {
                    wanted = true;
                    wantedAt = at;
                }
                return;
            }
            if (state == State.WAITING && (nextAt - at <= 0 || failurePause > 0)) {
                return;
            }
            mine = await(at);
        } finally {
            lock.unlock();
        }
        submit(mine, nanos);
    }

    private long await(long at) {
        state = State.WAITING;
        nextAt = at;
        return ++ticket;
    }

    private void submit(long mine, long nanos) {
        try {
            executor.schedule(() -> run(mine), Math.max(0, nanos), TimeUnit.NANOSECONDS);
        } catch (RuntimeException | Error e) {
            lock.lock();
            try {
                if (ticket == mine) {
                    // The next read of a followed stream starts the loop again.
                    state = State.STOPPED;
                }
            } finally {
                lock.unlock();
            }
            logger.debug("the executor rejected a poll, the next read tries again", e);
        }
    }

    private void run(long mine) {
        lock.lock();
        try {
            if (state != State.WAITING || ticket != mine) {
                return;
            }
            state = State.RUNNING;
            wanted = false;
        } finally {
            lock.unlock();
        }
        long pause;
        boolean failed = false;
        try {
            pause = job.run();
        } catch (RuntimeException | Error e) {
            // Catches errors too, because readers would never see new entries if this loop ended.
            failed = true;
            pause = Math.min(Math.max(SHORTEST_PAUSE_AFTER_FAILURE, 2 * failurePause), LONGEST_PAUSE_AFTER_FAILURE);
            Failures.log(
                    logger,
                    e,
                    "new entries of streams could not be fetched, trying again in {} ms: {}",
                    TimeUnit.NANOSECONDS.toMillis(pause));
        }
        long ticketOfNext;
        lock.lock();
        try {
            failurePause = failed ? pause : 0;
            long now = ticker.read();
            if (wanted && !failed) {
                long early = Math.max(0, wantedAt - now);
                pause = pause == STOP ? early : Math.min(pause, early);
            }
            if (pause == STOP) {
                state = State.STOPPED;
                return;
            }
            ticketOfNext = await(now + pause);
        } finally {
            lock.unlock();
        }
        submit(ticketOfNext, pause);
    }
}
