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
record GroupCommitSettings(Duration retryFor, Duration linger, int documentsPerSecond, long maxPendingBytes) {}
