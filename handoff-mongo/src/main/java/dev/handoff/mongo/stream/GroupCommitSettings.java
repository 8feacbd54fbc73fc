// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import java.time.Duration;

/**
 * Holds the settings of {@link GroupCommit}.
 *
 * @param retryFor how long a batch whose outcome is unknown is retried
 * @param linger the shortest time between the beginnings of two writes
 * @param documentsPerSecond how many documents this process may write per second
 * @param maxPendingBytes how many bytes of events may wait to be written, for all streams of this process together
 */
record GroupCommitSettings(Duration retryFor, Duration linger, int documentsPerSecond, long maxPendingBytes) {

    /** Returns the default for {@code maxPendingBytes}: an eighth of the heap, but at least 4 and at most 64 MB. */
    static long defaultMaxPendingBytes() {
        return Math.max(4L << 20, Math.min(64L << 20, Runtime.getRuntime().maxMemory() / 8));
    }
}
