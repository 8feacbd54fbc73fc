package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.EventBatch;
import java.util.concurrent.TimeUnit;

/**
 * A batch that is being written.
 *
 * @param since when it was written first
 * @param attempts how often it was written again
 * @param notBefore when it may be written again
 */
record Write(MongoEventAppender appender, EventBatch batch, long bytes, long since, int attempts, long notBefore) {

    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int MOST_DOUBLINGS = 6;

    /** Returns one that is tried again after a pause. */
    Write again(long now) {
        return new Write(appender, batch, bytes, since, attempts + 1, now + pauseNanos(attempts));
    }

    /** Returns how long to pause after so many attempts. */
    static long pauseNanos(int attempts) {
        return Math.min(FIRST_PAUSE_NANOS << Math.min(attempts, MOST_DOUBLINGS), LONGEST_PAUSE_NANOS);
    }
}
