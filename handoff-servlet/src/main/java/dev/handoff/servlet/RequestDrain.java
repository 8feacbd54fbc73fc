// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.function.LongSupplier;

/**
 * Reads the body of a request and discards it. A client that was redirected with 307 sends its prompt again. Some clients read the response
 * only after they have sent the whole body.
 */
final class RequestDrain implements ReadListener {

    /** How long a response that is complete waits for a request body of which nothing arrives. */
    private static final long PATIENCE_MILLIS = 1000;

    private static final long NEVER = Long.MIN_VALUE;

    private final ServletInputStream in;
    private final LongSupplier clock;
    private final Runnable atEnd;
    private final byte[] waste = new byte[4096];
    private volatile boolean ended;
    /** When the client last sent a part of the body. */
    private volatile long progressAt;
    /** When the response was complete. Only while the turn of the response is held. */
    private long completeAt = NEVER;

    /**
     * Creates a drain that has not begun.
     *
     * @param clock returns the time in milliseconds
     * @param atEnd runs when the whole body has been read, or when reading fails
     */
    RequestDrain(ServletInputStream in, LongSupplier clock, Runnable atEnd) {
        this.in = in;
        this.clock = clock;
        this.atEnd = atEnd;
        this.progressAt = clock.getAsLong();
    }

    /**
     * Returns whether a response that is complete need not wait for the body any more. Some containers close the connection of a client
     * that still sends, which then loses the response. A client that makes progress is waited for until a limit, which begins with the
     * first call.
     */
    boolean isOver(long limitMillis) {
        if (ended) {
            return true;
        }
        long now = clock.getAsLong();
        if (completeAt == NEVER) {
            completeAt = now;
        }
        return now - completeAt >= limitMillis || now - Math.max(completeAt, progressAt) >= PATIENCE_MILLIS;
    }

    /**
     * Returns whether the client sends a body. A client that sent {@code Expect} does not send it if it gets the response without an
     * interim response.
     */
    static boolean hasBody(HttpServletRequest request) {
        if (request.getHeader("Expect") != null) {
            return false;
        }
        return request.getContentLengthLong() > 0 || request.getHeader("Transfer-Encoding") != null;
    }

    @Override
    public void onDataAvailable() throws IOException {
        int count = 0;
        while (count >= 0 && in.isReady()) {
            count = in.read(waste);
            progressAt = clock.getAsLong();
        }
    }

    @Override
    public void onAllDataRead() {
        ended = true;
        atEnd.run();
    }

    @Override
    public void onError(Throwable e) {
        ended = true;
        atEnd.run();
    }
}
