// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** Writes a {@link Reply} to a servlet response. */
final class ServletReplies {

    private ServletReplies() {}

    /** Writes the whole reply. For a HEAD request the container omits the content. */
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
