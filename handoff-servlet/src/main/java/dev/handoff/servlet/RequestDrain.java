package dev.handoff.servlet;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;

/**
 * Reads a body and forgets it. A client that was redirected with 307 sends its prompt again, and some do not read before
 * they have sent it all.
 */
final class RequestDrain implements ReadListener {

    private final ServletInputStream in;
    private final Runnable atEnd;
    private final byte[] waste = new byte[4096];
    private volatile boolean ended;

    /** Not begun yet; runs the action when the body is at its end, or broken. */
    RequestDrain(ServletInputStream in, Runnable atEnd) {
        this.in = in;
        this.atEnd = atEnd;
    }

    boolean ended() {
        return ended;
    }

    /** Whether a body comes. A client that first waits to be asked for it has been answered already, and keeps it. */
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
