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

    private final ServletInputStream in;
    private final LongSupplier clock;
    private final Runnable atEnd;
    private final byte[] waste = new byte[4096];
    private volatile boolean ended;
    private volatile long progressAt;

    /**
     * Creates a drain that has not begun.
     *
     * @param clock returns the time in milliseconds, for {@link #progressAt}
     * @param atEnd runs when the whole body has been read, or when reading fails
     */
    RequestDrain(ServletInputStream in, LongSupplier clock, Runnable atEnd) {
        this.in = in;
        this.clock = clock;
        this.atEnd = atEnd;
        this.progressAt = clock.getAsLong();
    }

    boolean ended() {
        return ended;
    }

    /** Returns when the client last sent a part of the body, in milliseconds of the clock. */
    long progressAt() {
        return progressAt;
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
