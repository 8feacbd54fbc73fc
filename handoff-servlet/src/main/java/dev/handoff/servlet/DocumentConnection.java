// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Sends one document to a client after the stream has ended. */
final class DocumentConnection extends Connection {

    private final DocumentFeed feed;

    // Used only in produce().
    private byte @Nullable [] document;
    private int written;

    DocumentConnection(
            StreamingServer server, DocumentFeed feed, HttpServletRequest request, HttpServletResponse response) {
        super(server, feed, request, response);
        this.feed = feed;
    }

    @Override
    void begin() {}

    @Override
    Produced produce(OutputStream out) throws IOException {
        byte[] bytes = document;
        if (bytes == null) {
            Optional<Reply> reply = feed.reply();
            if (reply.isEmpty()) {
                return Produced.NOTHING;
            }
            bytes = Replies.begin(response, reply.get());
            document = bytes;
        }
        int count = Math.min(EventFeed.SLICE_BYTES, bytes.length - written);
        out.write(bytes, written, count);
        written += count;
        return written < bytes.length ? Produced.PART : Produced.LAST;
    }
}
