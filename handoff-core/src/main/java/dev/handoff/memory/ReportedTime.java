// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.time.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Measures for how long streaming servers have reported which streams are read. Only a part of a long gap between two reports counts,
 * because the streams may have had readers while the servers could not report.
 */
final class ReportedTime {

    private static final long LONGEST_COUNTED_GAP_NANOS = TimeUnit.SECONDS.toNanos(2);

    private final Ticker ticker;
    private final long longestCountedGap;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private long reportedNanos;
    private long lastReportAt;

    /** Creates a time that begins now. Of a gap it counts 2 seconds, or half of the limit if that is less. */
    ReportedTime(Ticker ticker, long limitNanos) {
        this.ticker = ticker;
        this.longestCountedGap = Math.min(LONGEST_COUNTED_GAP_NANOS, limitNanos / 2);
        this.lastReportAt = ticker.read();
    }

    /** Returns the nanoseconds that count so far. */
    long read() {
        lock.lock();
        try {
            return reportedNanos + Math.min(ticker.read() - lastReportAt, longestCountedGap);
        } finally {
            lock.unlock();
        }
    }

    /** Notes that a report has come, and returns the nanoseconds that count so far. */
    long report() {
        lock.lock();
        try {
            reportedNanos = read();
            lastReportAt = ticker.read();
            return reportedNanos;
        } finally {
            lock.unlock();
        }
    }
}
