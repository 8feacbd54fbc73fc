// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.delivery.DocumentFeed;
import dev.handoff.http.Reply;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Sends one document to a client after the stream has ended. */
final class DocumentResponse extends StreamResponse {

    private final DocumentFeed feed;
    private final Map<String, List<String>> headers;

    DocumentResponse(
            Responses responses, RequestHandler handler, DocumentFeed feed, Map<String, List<String>> headers) {
        super(responses, handler, feed);
        this.feed = feed;
        this.headers = headers;
    }

    @Override
    void begin() {}

    @Override
    boolean produce() {
        Optional<Reply> found = feed.reply();
        caughtUp = found.isEmpty();
        if (found.isPresent()) {
            done = true;
            Reply reply = Replies.merge(headers, found.get());
            byte[] bytes = reply.bytes();
            handler.onLoop(
                    () -> {
                        if (!hasEnded()) {
                            handler.write(reply, bytes, this);
                        }
                    },
                    this::end);
        }
        return false;
    }

    @Override
    public void onWritable() {}
}
