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
    private final byte[] waste = new byte[4096];

    RequestDrain(ServletInputStream in) {
        this.in = in;
    }

    static boolean hasBody(HttpServletRequest request) {
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
    public void onAllDataRead() {}

    @Override
    public void onError(Throwable e) {
        // The connection is broken, and whoever writes to it will find out.
    }
}
