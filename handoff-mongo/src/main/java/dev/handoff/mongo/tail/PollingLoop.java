package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.Failures;
import dev.handoff.time.Ticker;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs one job again and again, one run at a time, until the job says that there is nothing to do. After a failure it pauses,
 * longer each time. Thread-safe.
 */
final class PollingLoop {

    /** The job. */
    interface Job {
        /** Runs once. Returns the pause until the next run in nanoseconds, or {@link #STOP}. */
        long run();
    }

    /** Stops the loop until it is woken. */
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
    /** The run that counts. An earlier one that was replaced does nothing. */
    private long ticket;

    private long nextAt;
    /** Whether a run was wanted while one was running, and when. */
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

    /** Has the job run after a time in nanoseconds, or earlier if it does so anyway. */
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
                    // The next read of a stream that is followed starts the loop again.
                    state = State.STOPPED;
                }
            } finally {
                lock.unlock();
            }
            logger.debug("the executor does not poll, streams are not followed", e);
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
            // Catches errors too: without this loop all readers would wait for ever.
            failed = true;
            pause = Math.min(Math.max(SHORTEST_PAUSE_AFTER_FAILURE, 2 * failurePause), LONGEST_PAUSE_AFTER_FAILURE);
            Failures.log(
                    logger,
                    e,
                    "streams could not be followed, trying again in {} ms: {}",
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
