package dev.handoff.mongo.stream;

import java.time.Duration;

/**
 * How streams are written.
 *
 * @param retryFor how long a batch whose outcome is unknown is written again
 * @param linger how long after the beginning of a write the next may begin
 * @param documentsPerSecond the budget of this process
 * @param maxPendingBytes how much all streams of this process may have waiting
 */
record GroupCommitSettings(Duration retryFor, Duration linger, int documentsPerSecond, long maxPendingBytes) {

    /** Returns an eighth of the heap, but at least 4 and at most 64 MB. */
    static long defaultMaxPendingBytes() {
        return Math.max(4L << 20, Math.min(64L << 20, Runtime.getRuntime().maxMemory() / 8));
    }
}
