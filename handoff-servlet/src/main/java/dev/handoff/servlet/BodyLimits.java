// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.time.Ticker;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Limits the size, time, memory and waiting threads of the request bodies that one filter reads. Thread-safe. */
final class BodyLimits {

    static final int DEFAULT_MAX_BYTES = 16 << 20;

    private static final long GRACE_MILLIS = 10_000;

    private final int maxBytes;
    private final long maxHeldBytes;
    private final long deadlineMillis;
    private final int minBytesPerSecond;
    private final Semaphore waiting;
    private final Ticker ticker;
    private final AtomicLong heldBytes = new AtomicLong();

    BodyLimits(
            int maxBytes,
            long maxHeldBytes,
            long deadlineMillis,
            int minBytesPerSecond,
            int maxWaiting,
            Ticker ticker) {
        this.maxBytes = maxBytes;
        this.maxHeldBytes = maxHeldBytes;
        this.deadlineMillis = deadlineMillis;
        this.minBytesPerSecond = minBytesPerSecond;
        this.waiting = new Semaphore(maxWaiting);
        this.ticker = ticker;
    }

    /** Returns limits for one request outside of a filter. They are those that a filter has by default, without those on many requests. */
    static BodyLimits ofOneRequest() {
        return new BodyLimits(DEFAULT_MAX_BYTES, 3L * DEFAULT_MAX_BYTES, 60_000, 1024, 1, Ticker.system());
    }

    int maxBytes() {
        return maxBytes;
    }

    /**
     * Reserves memory. The caller must {@link #release} it.
     *
     * @throws ProblemException with status 503 if the filter has reserved all of its memory; nothing is reserved then
     */
    void hold(long bytes) {
        if (heldBytes.addAndGet(bytes) > maxHeldBytes) {
            heldBytes.addAndGet(-bytes);
            throw ProblemCode.TOO_MUCH_CONTENT.exception(
                    "The server holds the content of too many requests. Try again later.");
        }
    }

    void release(long bytes) {
        heldBytes.addAndGet(-bytes);
    }

    /**
     * Reserves a permit for a thread that is about to wait for a client. The caller must call {@link #afterWait} after the wait.
     *
     * @throws ProblemException with status 503 if too many threads wait already; no permit is reserved then
     */
    void beforeWait() {
        if (!waiting.tryAcquire()) {
            throw ProblemCode.TOO_MANY_SLOW_REQUESTS.exception(
                    "The server waits for too many slow requests. Try again later.");
        }
    }

    void afterWait() {
        waiting.release();
    }

    long now() {
        return ticker.read();
    }

    /**
     * Returns whether a body missed the deadline or arrives below the minimum rate.
     *
     * @param since when reading began, as {@link #now} returned it
     * @param bytes how many bytes have arrived since then
     */
    boolean tooSlow(long since, long bytes) {
        long millis = TimeUnit.NANOSECONDS.toMillis(ticker.read() - since);
        return millis >= deadlineMillis || (millis >= GRACE_MILLIS && bytes < minBytesPerSecond * millis / 1000);
    }

    ProblemException refuseTooSlow(@Nullable Throwable cause) {
        String rate = minBytesPerSecond == 0
                ? ""
                : ", and after " + GRACE_MILLIS / 1000 + " s at least " + minBytesPerSecond
                        + " bytes per second on average";
        return ProblemCode.CONTENT_TOO_SLOW.exception(
                "The content has to arrive within " + deadlineMillis / 1000.0 + " s" + rate + '.', cause);
    }
}
