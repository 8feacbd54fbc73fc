package dev.handoff.examples.chat;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Puts a {@link Reply} on a servlet response. */
final class Replies {

    private Replies() {}

    /** Writes all of it; a container leaves the content out if the request was a HEAD. */
    static void write(HttpServletResponse response, Reply reply) throws IOException {
        response.setStatus(reply.status());
        reply.headers().forEach((name, values) -> {
            response.setHeader(name, values.get(0));
            values.stream().skip(1).forEach(value -> response.addHeader(name, value));
        });
        if (reply.hasBody()) {
            byte[] bytes = reply.bytes();
            response.setContentLength(bytes.length);
            response.getOutputStream().write(bytes);
        }
    }
}
