// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.EventBatch;
import java.util.concurrent.TimeUnit;

/**
 * Holds a batch that is being written.
 *
 * @param since when the first attempt began, as a time of the ticker
 * @param attempts how many times the batch was queued for a retry
 * @param notBefore the earliest time of the next attempt
 */
record Write(MongoEventAppender appender, EventBatch batch, long bytes, long since, int attempts, long notBefore) {

    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int MOST_DOUBLINGS = 6;

    /** Returns the next attempt at the same batch, which may begin after a pause. */
    Write again(long now) {
        return new Write(appender, batch, bytes, since, attempts + 1, now + pauseNanos(attempts));
    }

    /** Returns the pause after this many attempts, in nanoseconds. */
    static long pauseNanos(int attempts) {
        return Math.min(FIRST_PAUSE_NANOS << Math.min(attempts, MOST_DOUBLINGS), LONGEST_PAUSE_NANOS);
    }
}
