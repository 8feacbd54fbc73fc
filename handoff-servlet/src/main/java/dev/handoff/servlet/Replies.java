package dev.handoff.servlet;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;

/** Writes a {@link Reply} to a servlet response. */
final class Replies {

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
        if (request.getMethod().equals("HEAD") && reply.status() == HttpServletResponse.SC_OK && reply.body() == null) {
            setHeaders(response, reply.headers());
            // Without the flush the container would add Content-Length: 0.
            response.flushBuffer();
        } else {
            response.getOutputStream().write(begin(response, reply));
        }
    }

    /** Sets header fields. {@code Vary} is added instead, because a CORS filter may have set it too. */
    static void setHeaders(HttpServletResponse response, Map<String, String> headers) {
        headers.forEach((name, value) -> {
            if (name.equalsIgnoreCase("Vary")) {
                response.addHeader(name, value);
            } else {
                response.setHeader(name, value);
            }
        });
    }
}
