package dev.handoff.servlet;

import dev.handoff.Reply;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;

/** Puts a {@link Reply} on a servlet response. */
final class Replies {

    private static final byte[] NOTHING = new byte[0];

    private Replies() {}

    /** Sets status and headers, and gives the bytes that are to follow. */
    static byte[] begin(HttpServletResponse response, Reply reply) {
        response.setStatus(reply.status());
        reply.headers().forEach(response::setHeader);
        String body = reply.body();
        byte[] bytes = body == null ? NOTHING : body.getBytes(StandardCharsets.UTF_8);
        if (reply.status() != HttpServletResponse.SC_NO_CONTENT) {
            response.setContentLength(bytes.length);
        }
        return bytes;
    }
}
