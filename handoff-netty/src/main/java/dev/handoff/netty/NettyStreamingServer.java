// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.check.Durations;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Reply;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A streaming server on Netty, which delivers streams to the clients that hold a token. {@link StreamEndpoint} defines the requests and
 * responses. The server speaks HTTP/1.1 and HTTP/2, with TLS and without.
 *
 * <pre>{@code
 * NettyStreamingServer server = NettyStreamingServer.builder(StreamEndpoint.of(handoff), executor)
 *         .address(new InetSocketAddress("0.0.0.0", 8080))
 *         .build();
 * server.start();
 * }</pre>
 *
 * <p>An open stream occupies no thread, and no write blocks. The server aborts the response to a client that takes nothing for the write
 * deadline. A response ends cleanly only after the end of its stream. If the server has to stop earlier, it sends the event
 * {@code interrupted} and then closes the connection within the response, or resets the stream over HTTP/2.
 *
 * <p>{@link #start} creates event loops, one thread each, named {@code handoff-netty-1-1} and so on; {@link #close} ends them. They wait for
 * sockets by epoll on Linux, else by NIO. They never call the store, a format or other code of the application: that runs on the executor, or
 * in the thread that appends to a stream.
 *
 * <p>The server answers 400 to a request that is not valid HTTP, 414 if the request line has more than 8 KiB, and 431 if the header fields have
 * more than 16 KiB. It answers 503 if the executor rejects the request.
 *
 * <p>Thread-safe.
 */
public final class NettyStreamingServer implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(NettyStreamingServer.class);

    /** When a channel has more bytes than the first, it is not writable until it has less than the second. */
    static final WriteBufferWaterMark WATER_MARK = new WriteBufferWaterMark(8 << 10, 16 << 10);

    private static final long STOP_MILLIS = 2000;

    private final Responses responses;
    private final InetSocketAddress address;
    private final @Nullable SslContext tls;
    private final Transport transport;
    private final int eventLoops;
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);

    private volatile @Nullable MultiThreadIoEventLoopGroup group;
    private volatile @Nullable Channel listening;

    private NettyStreamingServer(Builder builder) {
        this.responses = new Responses(
                builder.endpoint,
                builder.executor,
                builder.path,
                builder.replies,
                builder.writeDeadline,
                builder.drainWindow,
                builder.requestTime);
        this.address = builder.address;
        this.tls = builder.tls;
        this.transport = builder.transport;
        this.eventLoops = builder.eventLoops;
    }

    /**
     * Returns a builder of a server that serves an endpoint.
     *
     * @param executor runs the calls that may block: of the store, of formats, and of the dispatcher. It must not run them in the calling
     *     thread, which is an event loop. A request takes a thread only until its response has begun. The server does not shut the executor
     *     down. Shut it down after the server is closed
     */
    public static Builder builder(StreamEndpoint endpoint, Executor executor) {
        return new Builder(endpoint, executor);
    }

    /** Returns a builder of a server that serves the streams of a {@link Handoff} through a {@link StreamEndpoint} with default settings. */
    public static Builder builder(Handoff handoff, Executor executor) {
        return builder(StreamEndpoint.of(handoff), executor);
    }

    /**
     * Starts the event loops and binds the address. Returns when the server accepts connections.
     *
     * @throws IOException if the address cannot be bound; the server is closed then
     * @throws IllegalStateException if the server was started before
     */
    public void start() throws IOException {
        if (group != null) {
            throw new IllegalStateException("the server was started before");
        }
        MultiThreadIoEventLoopGroup started = new MultiThreadIoEventLoopGroup(
                eventLoops, new DefaultThreadFactory("handoff-netty"), transport.handlers());
        group = started;
        Map<EventLoop, Ticks> ticks = new IdentityHashMap<>();
        for (EventExecutor loop : started) {
            ticks.put((EventLoop) loop, new Ticks(responses));
        }
        responses.start(ticks);
        ChannelFuture bound = new ServerBootstrap()
                .group(started)
                .channel(transport.channel())
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WATER_MARK)
                .childHandler(new ConnectionInitializer(responses, tls, connections))
                .bind(address)
                .awaitUninterruptibly();
        if (!bound.isSuccess()) {
            stopLoops();
            throw new IOException("cannot listen on " + address, bound.cause());
        }
        listening = bound.channel();
    }

    /**
     * Returns the bound port.
     *
     * @throws IllegalStateException if the server was not started
     */
    public int port() {
        Channel channel = listening;
        if (channel == null) {
            throw new IllegalStateException("the server was not started");
        }
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    /**
     * Ends all open responses, so that the clients reconnect to another server. Does not block. The server interrupts the streams one after the
     * other, spread over the drain window, so that the clients do not all reconnect at the same moment. {@link StreamEndpoint#drain} defines
     * how new requests are answered from then on. Another call changes nothing and returns the same future.
     *
     * @return a future that completes when the last response has ended. A response whose client does not read is aborted about one second
     *     after the window, and the future completes at the latest about two seconds after it
     */
    public CompletableFuture<Void> drain() {
        return responses.drain();
    }

    /**
     * Serves streams again after {@link #drain}. Call it after the future of the drain has completed. Streams that the drain has not reached
     * are still interrupted. Does nothing if there was no drain.
     */
    public void reopen() {
        responses.reopen();
    }

    /**
     * Calls {@link #drain}, waits until its future completes, closes all connections and ends the event loops. Blocks at most about five
     * seconds longer than the drain window. Another call changes nothing.
     */
    @Override
    public void close() {
        if (group == null) {
            return;
        }
        try {
            drain().get(responses.drainLimitMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            logger.warn("the drain did not end in time, {} streams are still open", responses.size());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        Channel channel = listening;
        if (channel != null) {
            channel.close().awaitUninterruptibly(STOP_MILLIS);
        }
        connections.close().awaitUninterruptibly(STOP_MILLIS);
        stopLoops();
    }

    private void stopLoops() {
        MultiThreadIoEventLoopGroup running = group;
        if (running != null) {
            running.shutdownGracefully(0, STOP_MILLIS, TimeUnit.MILLISECONDS).awaitUninterruptibly(STOP_MILLIS);
        }
    }

    /** Sets the options of a server. Not thread-safe. */
    public static final class Builder {

        private final StreamEndpoint endpoint;
        private final Executor executor;
        private final Map<String, Function<HandoffRequest, Reply>> replies = new HashMap<>();
        private InetSocketAddress address = new InetSocketAddress(InetAddress.getLoopbackAddress(), 8080);
        private String path = "/events";
        private @Nullable SslContext tls;
        private Duration writeDeadline = Duration.ofSeconds(30);
        private Duration drainWindow = Duration.ofSeconds(5);
        private Duration requestTime = Duration.ofSeconds(30);
        private int eventLoops = Runtime.getRuntime().availableProcessors();
        private Transport transport = Transport.best();

        private Builder(StreamEndpoint endpoint, Executor executor) {
            this.endpoint = endpoint;
            this.executor = executor;
        }

        /** Sets the address to bind; port 8080 of the loopback address by default. Port 0 binds a free port. */
        public Builder address(InetSocketAddress address) {
            this.address = address;
            return this;
        }

        /**
         * Sets the path of the streams; {@code /events} by default. Set {@link Handoff.Builder#eventsUrl} so that clients are sent there.
         *
         * @throws IllegalArgumentException if the path does not begin with a slash, or ends with one
         */
        public Builder path(String path) {
            if (!path.startsWith("/") || path.endsWith("/")) {
                throw new IllegalArgumentException("the path does not begin with a slash, or ends with one: " + path);
            }
            this.path = path;
            return this;
        }

        /** Makes the server speak TLS. It offers HTTP/2 if the context offers {@code h2} by ALPN. */
        public Builder tls(SslContext context) {
            this.tls = context;
            return this;
        }

        /**
         * Answers {@code GET} and {@code HEAD} of one more path, such as {@code /healthz}. The function runs on the executor. If it throws, the
         * client gets 500.
         */
        public Builder get(String path, Function<HandoffRequest, Reply> reply) {
            replies.put(path, reply);
            return this;
        }

        /**
         * Sets how long a client may take nothing before the server aborts its response; 30 seconds by default. The time starts again with each
         * byte that the socket accepts. On Linux a full socket accepts more only when a third of its send buffer is free, and that buffer can
         * grow to 4 MB.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder writeDeadline(Duration writeDeadline) {
            this.writeDeadline = Durations.requirePositive("writeDeadline", writeDeadline);
            return this;
        }

        /**
         * Sets the drain window: the time over which {@link NettyStreamingServer#drain} spreads the interruptions; 5 seconds by default.
         *
         * @throws IllegalArgumentException if the time is negative or more than a hundred years
         */
        public Builder drainWindow(Duration drainWindow) {
            this.drainWindow = Durations.requireNotNegative("drainWindow", drainWindow);
            return this;
        }

        /**
         * Sets how long a connection may take to send the head of a request, and may stay open without one; 30 seconds by default.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder requestTime(Duration requestTime) {
            this.requestTime = Durations.requirePositive("requestTime", requestTime);
            return this;
        }

        /**
         * Sets the number of event loops; by default one for each processor.
         *
         * @throws IllegalArgumentException if the number is not positive
         */
        public Builder eventLoops(int eventLoops) {
            if (eventLoops < 1) {
                throw new IllegalArgumentException("eventLoops is not positive: " + eventLoops);
            }
            this.eventLoops = eventLoops;
            return this;
        }

        /** Sets the way in which event loops wait for sockets. For tests. */
        Builder transport(Transport transport) {
            this.transport = transport;
            return this;
        }

        /** Returns the server, which is not started. */
        public NettyStreamingServer build() {
            return new NettyStreamingServer(this);
        }
    }
}
