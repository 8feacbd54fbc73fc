package dev.handoff.servlet;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Map;

/** Puts a {@link Reply} on a servlet response. */
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

    /** Sets header fields. {@code Vary} is added to what the response has already, since CORS sets it as well. */
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
