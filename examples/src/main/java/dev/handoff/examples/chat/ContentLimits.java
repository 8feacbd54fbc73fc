// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;

/**
 * Holds the limits of a server for the bodies of requests.
 *
 * @param maxBytes the most bytes of one body
 * @param maxHeldBytes the most bytes of all bodies that are being read or handed off at the same time
 * @param grace the time before the minimum rate applies to a body
 * @param minBytesPerSecond the minimum average rate of a body after that
 * @param deadline the time within which a whole body must arrive
 */
record ContentLimits(int maxBytes, long maxHeldBytes, Duration grace, int minBytesPerSecond, Duration deadline) {

    private static final int MAX_BYTES = 16 << 20;

    /**
     * Returns the limits for a heap of this size. While a body is handed off, copies of its bytes and its text take about
     * four times its size, so all bodies together may be a sixteenth of the heap.
     */
    static ContentLimits ofHeap(long maxHeapBytes) {
        long held = maxHeapBytes / 16;
        return new ContentLimits(
                (int) Math.min(MAX_BYTES, held / 2), held, Duration.ofSeconds(5), 1000, Duration.ofMinutes(2));
    }

    /** Returns whether a body is too slow if this many bytes arrived in this time. */
    boolean isTooSlow(long bytes, Duration elapsed) {
        Duration allowed = grace.plusMillis(bytes * 1000 / minBytesPerSecond);
        return elapsed.compareTo(allowed) >= 0 || elapsed.compareTo(deadline) >= 0;
    }
}
