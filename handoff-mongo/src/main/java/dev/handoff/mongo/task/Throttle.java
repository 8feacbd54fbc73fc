// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** Allows an action at most once in an interval of monotonic time. The first one is allowed at once. Thread-safe. */
final class Throttle {

    private final Ticker ticker;
    private final long intervalNanos;
    private final AtomicLong due;

    Throttle(Ticker ticker, Duration interval) {
        this.ticker = ticker;
        this.intervalNanos = interval.toNanos();
        this.due = new AtomicLong(ticker.read());
    }

    /** Returns true to one caller after the interval has elapsed, and begins the next interval. */
    boolean tryAcquire() {
        long now = ticker.read();
        long next = due.get();
        return now - next >= 0 && due.compareAndSet(next, now + intervalNanos);
    }

    /** Ends the interval, so that a failed action can be repeated at once. */
    void reset() {
        due.set(ticker.read());
    }
}
