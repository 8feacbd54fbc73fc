// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Writes a {@link Reply} to a servlet response. */
final class Replies {

    private static final Set<String> SHARED = Set.of("vary", "set-cookie", "link");

    private Replies() {}

    /** Sets the status and the headers and returns the bytes of the body. */
    static byte[] begin(HttpServletResponse response, Reply reply) {
        response.setStatus(reply.status());
        setHeaders(response, reply.headers());
        byte[] bytes = reply.bytes();
        if (reply.status() != HttpServletResponse.SC_NO_CONTENT) {
            response.setContentLength(bytes.length);
        }
        return bytes;
    }

    /** Writes a complete response. May block on the client. */
    static void write(Reply reply, HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getMethod().equals("HEAD") && reply.status() == HttpServletResponse.SC_OK && !reply.hasBody()) {
            setHeaders(response, reply.headers());
            // Without the flush the container would add Content-Length: 0.
            response.flushBuffer();
        } else {
            response.getOutputStream().write(begin(response, reply));
        }
    }

    /**
     * Sets header fields in place of those that the response has already. Values of {@code Vary}, {@code Set-Cookie} and {@code Link} are
     * added, because filters of the application set them as well.
     */
    static void setHeaders(HttpServletResponse response, Map<String, List<String>> headers) {
        headers.forEach((name, values) -> {
            int first = 0;
            if (!SHARED.contains(name.toLowerCase(Locale.ROOT))) {
                response.setHeader(name, values.get(0));
                first = 1;
            }
            values.subList(first, values.size()).forEach(value -> response.addHeader(name, value));
        });
    }
}
