// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The periodic work of one event loop: deadlines and heartbeats of its connections. Only that event loop uses it. */
final class Ticks implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(Ticks.class);

    private final Responses responses;
    private final List<RequestHandler> handlers = new ArrayList<>();

    Ticks(Responses responses) {
        this.responses = responses;
    }

    void add(RequestHandler handler) {
        handler.place = handlers.size();
        handlers.add(handler);
    }

    /** Removes a handler; does nothing if it was removed before. */
    void remove(RequestHandler handler) {
        int place = handler.place;
        if (place < 0) {
            return;
        }
        handler.place = -1;
        RequestHandler last = handlers.remove(handlers.size() - 1);
        if (last != handler) {
            handlers.set(place, last);
            last.place = place;
        }
    }

    @Override
    public void run() {
        long now = responses.now();
        // From the last to the first, since a handler may remove itself.
        for (int i = handlers.size() - 1; i >= 0; i--) {
            if (i >= handlers.size()) {
                continue;
            }
            try {
                handlers.get(i).onTick(now);
            } catch (RuntimeException e) {
                // An event loop cancels a periodic job that throws. Then no client would get another heartbeat.
                logger.error("the periodic work of a connection failed, the next tick tries again", e);
            }
        }
    }
}
