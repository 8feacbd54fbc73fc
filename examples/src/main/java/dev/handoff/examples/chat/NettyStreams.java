// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.StreamEndpoint;
import dev.handoff.http.Reply;
import dev.handoff.netty.NettyStreamingServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Delivers streams on Netty, without servlets. */
final class NettyStreams implements StreamingWeb {

    /** Calls of the store that run at once. A stream needs no thread while it is open. */
    private static final int THREADS = 32;

    private static final int MAX_WAITING = 10_000;

    private final ThreadPoolExecutor executor = new ThreadPoolExecutor(
            THREADS,
            THREADS,
            1,
            TimeUnit.MINUTES,
            new LinkedBlockingQueue<>(MAX_WAITING),
            job -> new Thread(job, "streams"));
    private final ListenOptions listen;
    private final NettyStreamingServer server;

    NettyStreams(StreamEndpoint endpoint, ListenOptions listen, Duration drain, BooleanSupplier ready) {
        executor.allowCoreThreadTimeOut(true);
        this.listen = listen;
        this.server = NettyStreamingServer.builder(endpoint, executor)
                .address(new InetSocketAddress(listen.host, listen.port))
                .drainWindow(drain)
                .get("/healthz", request -> probe(true, "ok"))
                .get("/readyz", request -> probe(ready.getAsBoolean(), "ready"))
                .build();
    }

    private static Reply probe(boolean fine, String yes) {
        return Reply.of(fine ? 200 : 503, "text/plain;charset=utf-8", fine ? yes : "not " + yes)
                .with("X-Content-Type-Options", "nosniff");
    }

    @Override
    public void start() {
        try {
            server.start();
        } catch (IOException e) {
            executor.shutdownNow();
            String reason = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
            throw new StartException(1, "cannot listen on " + listen.host + " port " + listen.port + ": " + reason);
        }
    }

    @Override
    public String url() {
        return WebServer.url(listen.host, server.port());
    }

    @Override
    public void stop() {
        server.close();
        executor.shutdownNow();
    }
}
