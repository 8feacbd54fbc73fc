package dev.handoff.servlet;

import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.SseWriter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.OutputStream;

/** A client that reads a stream as Server-Sent Events. */
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
        SseWriter heartbeat = feed.heartbeat();
        if (heartbeat != null && send(heartbeat)) {
            feed.heartbeatSent();
        }
    }

    @Override
    Produced produce(OutputStream out) throws IOException {
        return feed.produce(out);
    }
}
