// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.servlet.EventStreamServlet;
import java.net.URI;
import java.util.concurrent.CompletableFuture;

/**
 * The streaming server of a container: a servlet, which the container starts and stops.
 *
 * @param servlet the servlet
 */
record ServletStreams(EventStreamServlet servlet) implements StreamServer {

    @Override
    public URI start() {
        throw new UnsupportedOperationException("the container starts the servlet");
    }

    @Override
    public CompletableFuture<Void> drain() {
        return servlet.drain();
    }

    @Override
    public void reopen() {
        servlet.reopen();
    }

    @Override
    public void close() {
        servlet.destroy();
    }
}
