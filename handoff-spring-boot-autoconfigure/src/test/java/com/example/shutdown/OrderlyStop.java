// SPDX-License-Identifier: Apache-2.0
package com.example.shutdown;

import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;

/** Stops a server that runs its tasks itself, without a framework. */
public final class OrderlyStop implements Runnable {

    private final EventStreamServlet events;
    private final InProcessTaskDispatcher dispatcher;
    private final ExecutorService handlers;
    private final AutoCloseable container;

    /** @param container stops the servlet container, such as {@code server::stop} on Jetty */
    public OrderlyStop(
            EventStreamServlet events,
            InProcessTaskDispatcher dispatcher,
            ExecutorService handlers,
            AutoCloseable container) {
        this.events = events;
        this.dispatcher = dispatcher;
        this.handlers = handlers;
        this.container = container;
    }

    /** Call this once, after the container has started. Do not let the container add a shutdown hook of its own. */
    public void atExit() {
        Runtime.getRuntime().addShutdownHook(new Thread(this, "orderly-stop"));
    }

    @Override
    public void run() {
        CompletableFuture<Void> drained = events.drain();
        dispatcher.drain(Duration.ofSeconds(5));
        drained.join();
        try {
            container.close();
        } catch (Exception e) {
            throw new IllegalStateException("the container did not stop", e);
        } finally {
            handlers.shutdownNow();
        }
    }
}
