// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.check.Durations;
import dev.handoff.delivery.Feed;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers streams to the clients that hold a token. This servlet is the streaming server. {@link StreamEndpoint} defines the requests and
 * responses. Map the servlet to a prefix, usually {@code /events/*}, with async support.
 *
 * <pre>{@code
 * ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
 * EventStreamServlet events = EventStreamServlet.builder(handoff, timer)
 *         .writeDeadline(Duration.ofSeconds(20))
 *         .build();
 * HandoffServlets.register(servletContext, events, "/events/*");
 * }</pre>
 *
 * <p>An open stream occupies no thread, and no write blocks. The servlet aborts the response to a client that reads nothing for the write
 * deadline. A response ends cleanly only after the end of its stream. If the servlet has to stop earlier, it sends the event
 * {@code interrupted} and then aborts the connection, or resets the stream over HTTP/2. The abort is tested on Jetty, Tomcat and Undertow.
 * The container never sends its own error page, which could contain the token.
 *
 * <p>A container may close connections before it destroys servlets, so call {@link #drain} before you stop the container. Some containers
 * create a servlet at its first request, and the servlet reports readers only after that. Set {@code loadOnStartup} if the dispatcher
 * cancels tasks without readers.
 *
 * <p>Thread-safe.
 */
public final class EventStreamServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    private static final Logger logger = LoggerFactory.getLogger(EventStreamServlet.class);

    private final transient StreamEndpoint endpoint;
    private final transient Connections connections;
    /** The timer to shut down with the servlet; null if it belongs to the application. */
    private final transient @Nullable ScheduledExecutorService ownTimer;

    private EventStreamServlet(Builder builder) {
        this.endpoint = builder.endpoint;
        this.ownTimer = builder.ownsTimer ? builder.timer : null;
        this.connections =
                new Connections(endpoint, builder.timer, builder.executor, builder.writeDeadline, builder.drainWindow);
    }

    /**
     * Returns a builder of a servlet that serves the streams of a {@link Handoff} through a {@link StreamEndpoint} with default settings.
     *
     * @param timer see {@link #builder(StreamEndpoint, ScheduledExecutorService)}
     */
    public static Builder builder(Handoff handoff, ScheduledExecutorService timer) {
        return builder(StreamEndpoint.of(handoff), timer);
    }

    /**
     * Returns a builder of a servlet that serves an endpoint.
     *
     * @param timer runs a short job about once a second. The job never waits for a client, the store or a format, so one thread is enough
     *     for thousands of streams. The servlet does not shut the timer down. Shut it down after the servlet is destroyed
     */
    public static Builder builder(StreamEndpoint endpoint, ScheduledExecutorService timer) {
        return new Builder(endpoint, timer, false);
    }

    /**
     * Returns a builder of a servlet that serves an endpoint and has a timer of its own: one daemon thread, which starts when the container
     * initializes the servlet and ends when the container destroys it.
     */
    public static Builder builder(StreamEndpoint endpoint) {
        return new Builder(endpoint, OwnTimer.create(), true);
    }

    @Override
    public void init() {
        connections.start(Container.of(getServletContext()));
    }

    /**
     * Ends all open responses, so that the clients reconnect to another server. Does not block. The servlet interrupts the streams one
     * after the other, spread over the drain window, so that the clients do not all reconnect at the same moment. {@link
     * StreamEndpoint#drain} defines how new requests are answered from then on. Another call changes nothing and returns the same future.
     *
     * @return a future that completes when the last response has ended. A response whose client does not read is aborted about one second
     *     after the window, and the future completes at the latest about two seconds after it
     */
    public CompletableFuture<Void> drain() {
        return connections.drain();
    }

    /**
     * Serves streams again after {@link #drain}, for a server that starts again with this servlet. Call it after the future of the drain has
     * completed. Streams that the drain has not reached are still interrupted. Does nothing if there was no drain.
     */
    public void reopen() {
        connections.reopen();
    }

    /** Calls {@link #drain} and blocks until its future completes, at most about three seconds longer than the drain window. */
    @Override
    public void destroy() {
        try {
            // The wait is bounded, because a timer that was shut down interrupts no streams.
            drain().get(connections.drainLimitMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            logger.warn("the drain did not end in time, {} streams are still open", connections.size());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        connections.stop();
        if (ownTimer != null) {
            ownTimer.shutdownNow();
        }
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        AsyncResponse aborted = AsyncResponse.abortedBy(request);
        if (aborted != null) {
            aborted.cut(request);
            return;
        }
        try {
            String path = request.getPathInfo() == null ? "" : request.getPathInfo();
            write(endpoint.answer(new StreamRequest(request), path), request, response);
        } catch (IOException e) {
            logger.debug("a client disconnected before the response was written", e);
        }
    }

    private void write(StreamEndpoint.Answer answer, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        if (answer instanceof StreamEndpoint.Whole whole) {
            Replies.write(whole.reply(), request, response);
        } else if (answer instanceof StreamEndpoint.Events events) {
            start(events.headers(), events.feed(), request, response, () -> {
                connections.container().requireReset(request);
                new EventConnection(connections, events.feed(), request, response).start();
            });
        } else if (answer instanceof StreamEndpoint.Document document) {
            start(
                    document.headers(),
                    document.feed(),
                    request,
                    response,
                    () -> new DocumentConnection(connections, document.feed(), request, response).start());
        }
    }

    private void start(
            Map<String, List<String>> headers,
            Feed feed,
            HttpServletRequest request,
            HttpServletResponse response,
            Runnable connection)
            throws IOException {
        Replies.setHeaders(response, headers);
        try {
            connections.requireAsync(request, getServletName());
            connection.run();
        } catch (Throwable e) {
            response.getOutputStream().write(Replies.begin(response, feed.error(e)));
        }
    }

    /** Sets the options of a servlet. Not thread-safe. */
    public static final class Builder {

        private final StreamEndpoint endpoint;
        private final ScheduledExecutorService timer;
        private final boolean ownsTimer;
        private @Nullable Executor executor;
        private Duration writeDeadline = Duration.ofSeconds(30);
        private Duration drainWindow = Duration.ofSeconds(5);

        private Builder(StreamEndpoint endpoint, ScheduledExecutorService timer, boolean ownsTimer) {
            this.endpoint = endpoint;
            this.timer = timer;
            this.ownsTimer = ownsTimer;
        }

        /**
         * Sets the executor that runs the periodic calls. About once a second the servlet reads the open streams and calls {@link
         * StreamEndpoint#reportReaders}. These calls block while the store or a cancel action blocks, so the executor must not run them in
         * the calling thread, which is the timer's. By default they run on threads of the container. While no stream has readers, no such
         * thread is available, and the timer runs the report.
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /**
         * Sets how long a client may read nothing before the servlet aborts its response; 30 seconds by default. The time starts again with
         * each 16 KiB that the socket accepts. On Linux a full socket accepts more only when a third of its send buffer is free, and that
         * buffer can grow to 4 MB. To serve clients that read less than about 50 kB per second, limit the send buffer of accepted
         * connections in the container, or set a longer time.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder writeDeadline(Duration writeDeadline) {
            this.writeDeadline = Durations.requirePositive("writeDeadline", writeDeadline);
            return this;
        }

        /**
         * Sets the drain window: the time over which {@link EventStreamServlet#drain} spreads the interruptions; 5 seconds by default.
         *
         * @throws IllegalArgumentException if the time is negative or more than a hundred years
         */
        public Builder drainWindow(Duration drainWindow) {
            this.drainWindow = Durations.requireNotNegative("drainWindow", drainWindow);
            return this;
        }

        /** Returns the servlet. */
        public EventStreamServlet build() {
            return new EventStreamServlet(this);
        }
    }
}
