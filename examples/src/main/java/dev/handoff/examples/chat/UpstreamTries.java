// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls an upstream for one answer. If a call fails before its first event, calls again up to two times. After the first event it never calls
 * again, because the model would generate another answer.
 *
 * <p>One thread reads. Any thread may close it, which ends a blocked read and a wait between two calls.
 */
final class UpstreamTries implements AutoCloseable {

    /** The longest time that the upstream can ask this server to wait. If it asks for more, the answer fails at once. */
    static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

    private static final int MAX_CALLS = 3;
    private static final long FIRST_WAIT_MILLIS = 500;

    private static final Logger logger = LoggerFactory.getLogger(UpstreamTries.class);

    private final Supplier<UpstreamCall> calls;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final ReentrantLock lock = new ReentrantLock();
    /** Guarded by the lock. */
    private @Nullable UpstreamCall current;

    /** @param calls each sends the request once more */
    UpstreamTries(Supplier<UpstreamCall> calls) {
        this.calls = calls;
    }

    /**
     * Returns a call with its first event.
     *
     * @throws UpstreamFailure the failure of the last call
     * @throws CancellationException if this was closed
     */
    Begun begin() throws InterruptedException, UpstreamFailure {
        for (int count = 1; true; count++) {
            UpstreamCall call = next();
            try {
                call.open();
                String first = call.nextData();
                if (first == null) {
                    throw UpstreamFailure.passing(
                            new Problem(502, "upstream_cut", "The upstream's answer ended before its first event."),
                            null,
                            null);
                }
                return new Begun(call, first);
            } catch (UpstreamFailure e) {
                call.close();
                Duration wait = waitAfter(count, e);
                if (wait == null) {
                    throw e;
                }
                logger.info("an upstream failed, and is called again in {} ms: {}", wait.toMillis(), e.getMessage());
                if (closed.await(wait.toMillis(), TimeUnit.MILLISECONDS)) {
                    throw new CancellationException("the answer was cancelled");
                }
            }
        }
    }

    /**
     * Holds a call that has begun.
     *
     * @param first the data of its first event
     */
    record Begun(UpstreamCall call, String first) {}

    /** Returns how long to wait for the next call; null if there should be none. */
    private static @Nullable Duration waitAfter(int count, UpstreamFailure failure) {
        if (count == MAX_CALLS || !failure.repeatable()) {
            return null;
        }
        Duration asked = failure.retryAfter();
        if (asked != null) {
            return asked.compareTo(LONGEST_WAIT) <= 0 ? asked : null;
        }
        // A random part spreads the calls of answers that have failed at the same time.
        long millis = FIRST_WAIT_MILLIS << (count - 1);
        return Duration.ofMillis(millis + ThreadLocalRandom.current().nextLong(millis / 4));
    }

    private UpstreamCall next() {
        lock.lock();
        try {
            if (closed.getCount() == 0) {
                throw new CancellationException("the answer was cancelled");
            }
            UpstreamCall call = calls.get();
            current = call;
            return call;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the running call, and prevents further ones. Another call of this method changes nothing. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed.countDown();
            if (current != null) {
                current.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
