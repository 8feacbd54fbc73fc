// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.StreamEndpoint;
import dev.handoff.servlet.EventStreamServlet;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BooleanSupplier;

/** Delivers streams on Jetty, by the servlet. */
final class JettyStreams implements StreamingWeb {

    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(r -> new Thread(r, "timer"));
    private final EventStreamServlet streams;
    private final WebServer web;

    JettyStreams(
            StreamEndpoint endpoint, ListenOptions listen, Duration drain, Executor executor, BooleanSupplier ready) {
        streams = EventStreamServlet.builder(endpoint, timer)
                .executor(executor)
                .drainWindow(drain)
                .build();
        web = new WebServer(listen.host, listen.port).ready(ready).serve(WebServer.STREAMS, streams);
    }

    @Override
    public void start() {
        web.start();
    }

    @Override
    public String url() {
        return web.url();
    }

    @Override
    public void stop() {
        streams.drain().join();
        web.close();
        timer.shutdownNow();
    }
}
