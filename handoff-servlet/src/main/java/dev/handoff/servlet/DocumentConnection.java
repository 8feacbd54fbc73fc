// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.FrameWriter;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Sends one document to a client after the stream has ended, and spaces before that if the feed has them. The first space also sends the
 * status 200. If the document then is an error, the response is aborted after it.
 */
final class DocumentConnection extends Connection {

    private final DocumentFeed feed;
    /** The header fields of a response that begins with spaces; null if there are no spaces. */
    private final @Nullable Map<String, List<String>> headersBeforeSpaces;

    // Guarded by the turn.
    private boolean begun;
    private byte @Nullable [] document;
    private Produced last = Produced.LAST;
    private int written;

    DocumentConnection(
            StreamingServer server, DocumentFeed feed, HttpServletRequest request, HttpServletResponse response) {
        super(server, feed, request, response);
        this.feed = feed;
        this.headersBeforeSpaces =
                canAbort(server, request) ? feed.keepAliveHeaders().orElse(null) : null;
    }

    /** Returns whether the response can be aborted after its status was sent. */
    private static boolean canAbort(StreamingServer server, HttpServletRequest request) {
        try {
            server.container().requireReset(request);
            return !request.getProtocol().startsWith("HTTP/1.0");
        } catch (ProblemException e) {
            return false;
        }
    }

    @Override
    void begin() {
        if (headersBeforeSpaces != null) {
            server().container().prepare(request, response);
        }
    }

    @Override
    void tick() throws IOException {
        Map<String, List<String>> headers = headersBeforeSpaces;
        FrameWriter space = headers == null ? null : feed.keepAlive();
        if (headers == null || space == null) {
            return;
        }
        if (!begun) {
            Replies.setHeaders(response, headers);
        }
        if (send(space)) {
            begun = true;
            feed.keepAliveSent();
        }
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        byte[] bytes = document;
        if (bytes == null) {
            Optional<Reply> reply = feed.reply();
            if (reply.isEmpty()) {
                return Produced.NOTHING;
            }
            bytes = begin(reply.get());
            document = bytes;
        }
        int count = Math.min(EventFeed.SLICE_BYTES, bytes.length - written);
        out.write(bytes, written, count);
        written += count;
        return written < bytes.length ? Produced.PART : last;
    }

    /** Sets the status and the header fields, if they are not sent yet, and returns the bytes of the content. */
    private byte[] begin(Reply reply) {
        if (headersBeforeSpaces == null) {
            return Replies.begin(response, reply);
        }
        if (begun) {
            last = reply.status() == HttpServletResponse.SC_OK ? Produced.LAST : Produced.TRUNCATED;
        } else {
            // The response has no length, because it was prepared for spaces.
            response.setStatus(reply.status());
            Replies.setHeaders(response, reply.headers());
        }
        return reply.bytes();
    }
}
