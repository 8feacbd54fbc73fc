// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.StreamEndpoint;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;

/** Starts and stops a streaming server in this process that is not a servlet, for {@link ServletContainerContract}. */
public interface StreamServer extends AutoCloseable {

    /**
     * The settings of a streaming server under test.
     *
     * @param endpoint the streams to serve
     * @param path the path of the streams, such as {@code /events}
     * @param writeDeadline how long a client may take nothing before its response is aborted
     * @param drainWindow the time over which a drain interrupts the streams
     * @param executor runs the calls that may block
     */
    record Settings(
            StreamEndpoint endpoint, String path, Duration writeDeadline, Duration drainWindow, Executor executor) {}

    /**
     * Starts the server on a free port of the loopback interface. The server must accept HTTP/1.1, and an upgrade to HTTP/2 without TLS.
     *
     * @return the address of the server, without a path
     */
    URI start() throws Exception;

    /** Ends all open responses, and returns a future that completes when the last one has ended. */
    CompletableFuture<Void> drain();

    /** Serves streams again after a drain. */
    void reopen();

    /** Stops the server, as on a shutdown. Another call changes nothing. */
    @Override
    void close() throws Exception;
}
