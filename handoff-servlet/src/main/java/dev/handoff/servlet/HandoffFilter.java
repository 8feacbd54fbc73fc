// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.delivery.EventId;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.task.Task;
import dev.handoff.time.Ticker;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Answers the requests that its routes hand off with a redirect to the streaming server, and passes all other requests on. The application
 * registers this filter in front of its servlets.
 *
 * <pre>{@code
 * HandoffFilter filter = HandoffFilter.builder(handoff)
 *         .post("/reports", request -> Optional.of(Task.of("report", request.body())))
 *         .build();
 * HandoffServlets.register(servletContext, filter, EventStreamServlet.builder(handoff, timer).build());
 * }</pre>
 *
 * <p>The filter must run after the filters that authenticate the user; {@link HandoffServlets} describes the order. Register it with async
 * support. It starts no asynchronous processing itself, but without this support the servlets behind it could not start any.
 *
 * <p>A request with a {@code Last-Event-ID} on the path of a route resumes a stream and never starts a task; see {@link Handoff#resume}.
 * Its method does not matter, because clients reconnect to the address of their first request. If no route has the method, and the
 * {@code Last-Event-ID} does not have the form of an {@link EventId}, the id belongs to the application, and the filter passes the request
 * on.
 *
 * <p>The filter answers its own failures as problems: with status 503 if the dispatcher or its store fails, and with status 500 if a route,
 * the subject function, the claims function or the redirect policy throws an exception other than {@link ProblemException}. It logs the
 * exception. Exceptions of the rest of the chain pass through unchanged.
 *
 * <p>Thread-safe. Blocks while it reads a body, and while the dispatcher accepts the task. The filter reads a body only if the route calls
 * {@link ServletHandoffRequest#body} or {@link ServletHandoffRequest#bodyBytes}. If it answers a request, it discards the rest of the body.
 * If the rest is too slow or too large for that, the filter closes the connection after its response.
 *
 * <p>The filter checks the limits on slow bodies between two reads. A single read blocks until the client sends something or the
 * container's own limit ends the read, so set that limit to about 10 seconds: the idle timeout of the connector on Jetty (30 seconds by
 * default), {@code connectionTimeout} on Tomcat (60 seconds by default, 20 in its {@code server.xml}), and the socket option
 * {@code org.xnio.Options.READ_TIMEOUT} on Undertow (no limit by default).
 */
public final class HandoffFilter implements Filter {

    private final RouteTable routes;
    private final BodySettings bodies;
    private Container container = Container.OTHER;
    private BodyLimits limits;

    private HandoffFilter(Builder builder) {
        this.routes = new RouteTable(builder.routes.values().stream()
                .map(route -> route.complete(builder))
                .toList());
        this.bodies = new BodySettings(builder.bodies);
        this.limits = bodies.in(container);
    }

    /** Returns a builder of a filter that hands requests off with the given hand-off. */
    public static Builder builder(Handoff handoff) {
        return new Builder(handoff);
    }

    /**
     * Returns patterns for mappings of the container that contain the paths of all routes: paths, and for each path with variables the paths
     * below its literal beginning, such as {@code /threads/*}. Empty if there are no routes.
     */
    public Set<String> mappings() {
        return routes.mappings();
    }

    /**
     * Returns whether the path of a request is that of a route, whatever the method. The {@link #mappings} contain more paths if a route has
     * variables.
     */
    public boolean hasRoute(HttpServletRequest request) {
        return match(request).isPresent();
    }

    private Optional<RouteTable.Match> match(HttpServletRequest request) {
        return routes.match(request.getMethod(), ServletHandoffRequest.path(request), request.getRequestURI());
    }

    @Override
    public void init(FilterConfig config) {
        container = Container.of(config.getServletContext());
        limits = bodies.in(container);
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (!(request instanceof HttpServletRequest http) || !(response instanceof HttpServletResponse answer)) {
            chain.doFilter(request, response);
            return;
        }
        Optional<RouteTable.Match> match = match(http);
        if (match.isEmpty()) {
            chain.doFilter(request, response);
            return;
        }
        try (RequestBody body = new RequestBody(http, limits)) {
            ServletHandoffRequest asked = new ServletHandoffRequest(
                    http,
                    match.get().settings().subject(),
                    body,
                    container::formCharset,
                    match.get().variables());
            Optional<Reply> reply = reply(asked, body, match.get());
            if (reply.isPresent()) {
                write(http, answer, body, reply.get());
            } else {
                chain.doFilter(asked.forChain(), response);
            }
        }
    }

    private static Optional<Reply> reply(ServletHandoffRequest request, RequestBody body, RouteTable.Match match) {
        try {
            Optional<Reply> reply =
                    handOff(request, match.route(), match.settings().handoff());
            if (reply.isEmpty()) {
                body.requireIntact();
            }
            return reply;
        } catch (Throwable e) {
            // Code in other languages of the JVM also throws checked exceptions.
            return Optional.of(ErrorReplies.of(e, request, match.settings().errors()));
        }
    }

    private static Optional<Reply> handOff(
            ServletHandoffRequest request, @Nullable ConfiguredRoute route, Handoff handoff) {
        if (route == null && !isEventId(request.header("Last-Event-ID"))) {
            return Optional.empty();
        }
        Optional<Reply> resumed = handoff.resume(request);
        if (resumed.isPresent() || route == null) {
            return resumed;
        }
        Optional<Task> task = route.route().route(request);
        if (task.isEmpty()) {
            return Optional.empty();
        }
        request.release();
        return Optional.of(handoff.begin(request, task.get(), route.route().joinRetriesWithin()));
    }

    /** Returns whether the field has the form of an event id of this library. The application may use other ids. */
    private static boolean isEventId(@Nullable String field) {
        if (field == null) {
            return false;
        }
        try {
            EventId.parse(field.strip());
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private void write(HttpServletRequest request, HttpServletResponse response, RequestBody body, Reply reply)
            throws IOException {
        boolean close = !body.discardRest() && RequestBody.isHttp1(request);
        response.getOutputStream().write(Replies.begin(response, close ? reply.with("Connection", "close") : reply));
        if (close && container == Container.TOMCAT) {
            // Tomcat would wait for the rest of the body with this thread, for as long as the client likes.
            response.flushBuffer();
            container.closeAfterThis(request);
        }
    }

    /** Sets the options of a filter. Not thread-safe. */
    public static final class Builder {

        private final Handoff handoff;
        private final Map<String, AddedRoute> routes = new LinkedHashMap<>();
        private final BodySettings bodies = new BodySettings();
        private Function<HttpServletRequest, @Nullable String> subject = HttpServletRequest::getRemoteUser;
        private Function<Problem, Reply> errors = Problem::toReply;

        private Builder(Handoff handoff) {
            this.handoff = handoff;
        }

        /** Adds a route for POST requests; see {@link #route(String, String, HandoffRoute)}. */
        public Builder post(String path, HandoffRoute route) {
            return route("POST", path, route);
        }

        /** Adds a route for POST requests with its own settings; see {@link #route(String, String, HandoffRoute, Consumer)}. */
        public Builder post(String path, HandoffRoute route, Consumer<RouteSettings> settings) {
            return route("POST", path, route, settings);
        }

        /**
         * Adds a route for requests of one method on one path, or on the paths of one pattern, such as {@code /threads/{thread}/runs}.
         *
         * @param path the path within the application, without the context path; {@link HandoffRoute} describes patterns
         * @throws IllegalArgumentException if the path does not begin with a slash or is not a valid pattern, or if another route for the
         *     method matches the same paths
         */
        public Builder route(String method, String path, HandoffRoute route) {
            return route(method, path, route, settings -> {});
        }

        /**
         * Adds a route as {@link #route(String, String, HandoffRoute)} does, with its own settings.
         *
         * @param settings changes the settings that differ from those of the filter; called once, before this returns
         * @throws IllegalArgumentException as the other method does
         */
        public Builder route(String method, String path, HandoffRoute route, Consumer<RouteSettings> settings) {
            AddedRoute added = new AddedRoute(
                    method.toUpperCase(Locale.ROOT), PathPattern.parse(path), route, new RouteSettings());
            AddedRoute other =
                    routes.putIfAbsent(added.method() + ' ' + added.pattern().shape(), added);
            if (other != null) {
                throw new IllegalArgumentException("there is a route for " + added.method() + ' '
                        + other.pattern().path() + " already, which takes the same requests as " + path);
            }
            settings.accept(added.settings());
            return this;
        }

        /**
         * Sets the function that returns the user of a request; {@link HttpServletRequest#getRemoteUser} by default. The filter calls the
         * function at most once for a request, if it hands the request off or resumes a stream, or if the route calls
         * {@link ServletHandoffRequest#subject}. The function may throw a {@link ProblemException}. It returns null for an unknown user.
         *
         * <p>All unknown users count as one subject. If two of them send the same {@code Idempotency-Key} and the same content, both read
         * the same stream, and the task runs once. So the keys of unknown users must be hard to guess, such as random UUIDs.
         */
        public Builder subject(Function<HttpServletRequest, @Nullable String> subject) {
            this.subject = subject;
            return this;
        }

        /**
         * Sets the function that returns the reply for a problem; problem details (RFC 9457) by default. If the function throws or returns
         * null, the filter logs that and replies with problem details.
         */
        public Builder errors(Function<Problem, Reply> errors) {
            this.errors = errors;
            return this;
        }

        /**
         * Sets how many bytes a body may have if the route reads it; 16 MiB by default. A request with a larger body is refused with status
         * 413.
         *
         * @throws IllegalArgumentException if it is not positive, or is {@link Integer#MAX_VALUE}
         */
        public Builder maxBodyBytes(int maxBodyBytes) {
            bodies.maxBodyBytes(maxBodyBytes);
            return this;
        }

        /**
         * Sets how many bytes the bodies of all requests may take in memory at the same time, as bytes and as text; an eighth of the
         * maximum heap by default. The filter counts the buffers of a body until it has handed the request off or the rest of the chain
         * returns. A request for which there is no room is refused with status 503. A body that is larger than a third of this limit is
         * refused with status 413, because there might never be room for it.
         *
         * @throws IllegalArgumentException if it is less than 3
         */
        public Builder maxBodyBytesInFlight(long maxBodyBytesInFlight) {
            bodies.maxBodyBytesInFlight(maxBodyBytesInFlight);
            return this;
        }

        /**
         * Sets how long the filter reads a body, whatever its rate; 60 seconds by default. A body that takes longer is refused with status
         * 408.
         *
         * @throws IllegalArgumentException if it is less than a millisecond or more than a hundred years
         */
        public Builder bodyDeadline(Duration bodyDeadline) {
            bodies.bodyDeadline(bodyDeadline);
            return this;
        }

        /**
         * Sets how many bytes of a body must arrive per second on average, once the filter has read the body for 10 seconds; 1024 by
         * default, 0 for no limit. A slower body is refused with status 408.
         *
         * @throws IllegalArgumentException if it is negative
         */
        public Builder minBodyRate(int bytesPerSecond) {
            bodies.minBodyRate(bytesPerSecond);
            return this;
        }

        /**
         * Sets how many threads of the container may wait for bodies at the same time. If so many threads wait and the read of another body
         * would block, that request is refused at once with status 503, and its connection is closed. A read of bytes that the container
         * has already received does not count. The default is half of the container's default thread pool: 100 on Jetty and Tomcat; 4 per
         * processor, but at least 8, on Undertow and other containers. Keep the limit below the size of your pool, so that threads are left
         * for streams and health checks.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxWaitingBodies(int maxWaitingBodies) {
            bodies.maxWaitingBodies(maxWaitingBodies);
            return this;
        }

        /** Sets the source of time for the deadline and the rate of bodies; {@link Ticker#system} by default. */
        public Builder ticker(Ticker ticker) {
            bodies.ticker(ticker);
            return this;
        }

        /** Returns the filter. */
        public HandoffFilter build() {
            return new HandoffFilter(this);
        }
    }

    /** A route as the application has added it. */
    private record AddedRoute(String method, PathPattern pattern, HandoffRoute route, RouteSettings settings) {

        ConfiguredRoute complete(Builder filter) {
            return settings.complete(method, pattern, route, filter.handoff, filter.subject, filter.errors);
        }
    }
}
