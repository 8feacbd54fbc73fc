package dev.handoff.examples.chat;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Puts a {@link Reply} on a servlet response. */
final class Replies {

    private Replies() {}

    /** Writes all of it; a container leaves the content out if the request was a HEAD. */
    static void write(HttpServletResponse response, Reply reply) throws IOException {
        response.setStatus(reply.status());
        reply.headers().forEach(response::setHeader);
        String body = reply.body();
        if (body != null) {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            response.setContentLength(bytes.length);
            response.getOutputStream().write(bytes);
        }
    }
}
