// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.function.Supplier;

/**
 * Repeats an operation whose outcome is unknown, with pauses of up to half a second, until a time is over. The operation must be
 * idempotent. Not thread-safe.
 */
final class Retry {

    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Ticker ticker;
    private final Lock lock;
    private final Condition pause;
    private final long deadline;
    private long nextPause = FIRST_PAUSE_NANOS;

    /** Creates a retry whose time begins now. */
    Retry(Ticker ticker, Lock lock, Duration time) {
        this.ticker = ticker;
        this.lock = lock;
        this.pause = lock.newCondition();
        this.deadline = ticker.read() + time.toNanos();
    }

    /**
     * Runs the operation until its outcome is known, and returns its result. Blocks.
     *
     * @throws DatabaseException if the database refuses the operation, or if its outcome is still unknown when the time is over
     */
    <T> T call(Supplier<T> operation) {
        while (true) {
            try {
                return operation.get();
            } catch (DatabaseException e) {
                if (e.refused() || !pause()) {
                    throw e;
                }
            }
        }
    }

    /** Waits, each time longer than before. Returns false if the time is over or the thread is interrupted. */
    boolean pause() {
        long left = deadline - ticker.read();
        if (left <= 0 || Thread.currentThread().isInterrupted()) {
            return false;
        }
        long nanos = Math.min(nextPause, left);
        nextPause = Math.min(2 * nextPause, LONGEST_PAUSE_NANOS);
        lock.lock();
        try {
            while (nanos > 0) {
                nanos = pause.awaitNanos(nanos);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
