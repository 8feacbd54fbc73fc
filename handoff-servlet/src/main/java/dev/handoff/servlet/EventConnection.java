// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.FrameWriter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;

/** Sends a stream to one client event by event. */
final class EventConnection extends Connection {

    private final EventFeed feed;

    EventConnection(StreamingServer server, EventFeed feed, HttpServletRequest request, HttpServletResponse response) {
        super(server, feed, request, response);
        this.feed = feed;
    }

    @Override
    void begin() throws IOException {
        server().container().prepare(request, response);
        response.flushBuffer();
    }

    @Override
    void onBlocked() {
        feed.onBlocked();
    }

    @Override
    boolean isSlow() {
        return feed.isSlow();
    }

    @Override
    void tick() throws IOException {
        FrameWriter heartbeat = feed.heartbeat();
        if (heartbeat != null && send(heartbeat)) {
            feed.heartbeatSent();
        }
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        return feed.produce(out);
    }
}
