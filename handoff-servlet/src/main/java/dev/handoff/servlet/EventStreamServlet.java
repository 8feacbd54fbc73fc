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
 * The streaming server: delivers a stream to any client that holds a token for it, as {@link StreamEndpoint} says. Map it to a prefix,
 * usually {@code /events/*}, with async support.
 *
 * <p>No thread is parked for an open stream, and no write blocks. A client that takes nothing for the write deadline is cut
 * off. A response ends cleanly only after the end of its stream; where it has to stop before, it says {@code interrupted} and
 * then aborts the connection, or resets the stream over HTTP/2, on Jetty, Tomcat and Undertow alike. The container never
 * answers with an error page of its own, which could name the token.
 *
 * <p>A container may close connections before it destroys servlets, so call {@link #drain} before you stop it. Some containers
 * create a servlet at its first request; set {@code loadOnStartup} if the dispatcher cancels tasks without readers,
 * because a servlet reports readers only after it has been created.
 */
public final class EventStreamServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    private static final Logger logger = LoggerFactory.getLogger(EventStreamServlet.class);

    private final transient StreamEndpoint endpoint;
    private final transient Connections connections;

    private EventStreamServlet(Builder builder) {
        this.endpoint = builder.endpoint;
        this.connections =
                new Connections(endpoint, builder.timer, builder.executor, builder.writeDeadline, builder.drainWindow);
    }

    /** Returns a builder of a servlet that serves the streams of a hand-off with the default settings of a {@link StreamEndpoint}. */
    public static Builder builder(Handoff handoff, ScheduledExecutorService timer) {
        return builder(StreamEndpoint.of(handoff), timer);
    }

    /**
     * Returns a builder of a servlet that serves an endpoint.
     *
     * @param timer is given a short job about once a second, which never waits for a client, the store or a format; one
     *     thread is enough for thousands of streams. It belongs to the caller, and must outlive the servlet
     */
    public static Builder builder(StreamEndpoint endpoint, ScheduledExecutorService timer) {
        return new Builder(endpoint, timer);
    }

    @Override
    public void init() {
        connections.start(Container.of(getServletContext()));
    }

    /**
     * Sends the clients away: the open streams are interrupted one after the other, spread over the drain window, so that
     * the clients do not all reconnect elsewhere at the same moment. New requests are answered as {@link StreamEndpoint#drain} says.
     * Calling it again changes nothing.
     *
     * @return is completed when the last client has gone; one that does not read is given up shortly after the window
     */
    public CompletableFuture<Void> drain() {
        return connections.drain();
    }

    /** Drains, and waits until that is done. */
    @Override
    public void destroy() {
        try {
            // Bounded, because the timer may have been stopped, and then nothing interrupts the streams.
            drain().get(connections.drainLimitMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            logger.warn("{} streams are still open", connections.size());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        connections.stop();
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        AsyncResponse aborted = AsyncResponse.abortedBy(request);
        if (aborted != null) {
            aborted.cut(connections.container(), request);
            return;
        }
        try {
            String path = request.getPathInfo() == null ? "" : request.getPathInfo();
            write(endpoint.answer(new StreamRequest(request), path), request, response);
        } catch (IOException e) {
            logger.debug("a client has left before it was answered", e);
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
            Map<String, String> headers,
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

    /** The settings of a servlet. */
    public static final class Builder {

        private final StreamEndpoint endpoint;
        private final ScheduledExecutorService timer;
        private @Nullable Executor executor;
        private Duration writeDeadline = Duration.ofSeconds(30);
        private Duration drainWindow = Duration.ofSeconds(5);

        private Builder(StreamEndpoint endpoint, ScheduledExecutorService timer) {
            this.endpoint = endpoint;
            this.timer = timer;
        }

        /**
         * Sets the executor of periodic calls: about once a second the server reads the open streams and calls {@link
         * StreamEndpoint#reportReaders}. These calls block for as long as the store and cancel actions do, so the executor must not
         * run them in the calling thread, which is the timer's. By default they run on threads of the container. While
         * no stream has readers, no such thread is available, and the timer reports the readers.
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /**
         * Sets how long a client may take nothing before it is cut off; 30 seconds by default. The time starts again with each
         * 16 KiB that the socket takes. Linux lets a full socket take more only when a third of its send buffer is free, and that
         * buffer can grow to 4 MB. To serve clients that read less than about 50 kB per second, limit the send buffer of
         * accepted connections in the container, or set a longer time.
         */
        public Builder writeDeadline(Duration writeDeadline) {
            this.writeDeadline = Durations.requirePositive("writeDeadline", writeDeadline);
            return this;
        }

        /** Sets the time over which {@link EventStreamServlet#drain} spreads the clients; 5 seconds by default. */
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
