// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/** Holds the settings of the streaming server under test: of its endpoint and of its servlet. */
final class ServerSettings {

    private static final Duration DRAIN_WINDOW = Duration.ofMillis(100);

    private final StreamEndpoint.Builder endpoint;
    private Duration writeDeadline = Duration.ofSeconds(30);
    private @Nullable Executor executor;

    ServerSettings(Handoff handoff) {
        this.endpoint = StreamEndpoint.builder(handoff);
    }

    ServerSettings ticker(Ticker ticker) {
        endpoint.ticker(ticker);
        return this;
    }

    ServerSettings heartbeat(Duration heartbeat) {
        endpoint.heartbeat(heartbeat);
        return this;
    }

    ServerSettings documentKeepAlive(Duration keepAlive) {
        endpoint.documentKeepAlive(keepAlive);
        return this;
    }

    ServerSettings retry(Duration retry) {
        endpoint.retry(retry);
        return this;
    }

    ServerSettings corsOrigins(String... origins) {
        endpoint.corsOrigins(origins);
        return this;
    }

    ServerSettings corsCredentials(boolean allowed) {
        endpoint.corsCredentials(allowed);
        return this;
    }

    ServerSettings writeDeadline(Duration writeDeadline) {
        this.writeDeadline = writeDeadline;
        return this;
    }

    ServerSettings executor(Executor executor) {
        this.executor = executor;
        return this;
    }

    /** Returns the settings of a streaming server that is not a servlet. */
    StreamServer.Settings streamServer(String path, Executor threads) {
        return new StreamServer.Settings(
                endpoint.build(), path, writeDeadline, DRAIN_WINDOW, executor == null ? threads : executor);
    }

    EventStreamServlet servlet(ScheduledExecutorService timer) {
        EventStreamServlet.Builder servlet = EventStreamServlet.builder(endpoint.build(), timer)
                .drainWindow(DRAIN_WINDOW)
                .writeDeadline(writeDeadline);
        return (executor == null ? servlet : servlet.executor(executor)).build();
    }
}
