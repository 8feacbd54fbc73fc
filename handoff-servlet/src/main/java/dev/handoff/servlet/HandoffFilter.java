package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.check.Errors;
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
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the requests that its routes take with a redirect to the streaming server, and passes all others on unchanged. It is
 * the application's side of a hand-off.
 *
 * <pre>{@code
 * HandoffFilter filter = HandoffFilter.builder(handoff)
 *         .post("/reports", request -> Optional.of(Task.of("report", request.body())))
 *         .build();
 * HandoffServlets.register(servletContext, filter, EventStreamServlet.builder(handoff, timer).build());
 * }</pre>
 *
 * <p>The filter has to run after the filters that authenticate the user; {@link HandoffServlets} registers it in this
 * order. It needs async support although it starts no asynchronous processing itself, because the servlets behind it
 * could not start any.
 *
 * <p>A request on the path of a route that carries a {@code Last-Event-ID} of this server resumes a stream, whatever its
 * method, since clients reconnect to the address where they started; see {@link Handoff#resume}. It never starts a task.
 * Where the method has no route, a {@code Last-Event-ID} of another form belongs to the application, and the request passes.
 *
 * <p>All failures before the first byte are answered as problems: by status 503 if the dispatcher or its store fails, by
 * status 500 if a route, the subject function or the redirect policy throws an exception that is not a {@link
 * ProblemException}. The exception is logged. Exceptions of the rest of the chain pass through unchanged.
 *
 * <p>Thread-safe. Blocks while it reads a body, and while the dispatcher accepts the task. It reads the bodies that a route asks
 * for, and discards the rest of the bodies of all requests that it answers. If a body is too slow or too large for that, the
 * filter closes the connection after its response.
 *
 * <p>The limits on slow bodies are checked between two reads. A single read blocks until the client sends something or the
 * container's own limit ends it, so set that limit to some 10 seconds: the idle timeout of the connector on Jetty (30 seconds by
 * default), {@code connectionTimeout} on Tomcat (60 seconds by default, 20 in its {@code server.xml}), and the socket option
 * {@code org.xnio.Options.READ_TIMEOUT} on Undertow (no limit by default).
 */
public final class HandoffFilter implements Filter {

    private static final Logger logger = LoggerFactory.getLogger(HandoffFilter.class);
    private static final String REFUSED = "{} {} was refused with status {}, code {}: {}";

    private final Handoff handoff;
    private final Map<String, Map<String, HandoffRoute>> routes;
    private final Function<HttpServletRequest, @Nullable String> subject;
    private final Function<Problem, Reply> errors;
    private final Builder settings;
    private Container container = Container.OTHER;
    private BodyLimits limits;

    private HandoffFilter(Builder builder) {
        this.handoff = builder.handoff;
        this.routes = new HashMap<>();
        builder.routes.forEach((path, methods) -> routes.put(path, Map.copyOf(methods)));
        this.subject = builder.subject;
        this.errors = builder.errors;
        this.settings = new Builder(builder);
        this.limits = settings.limits(container);
    }

    /** Returns a builder of a filter that hands off to these streams and tasks. */
    public static Builder builder(Handoff handoff) {
        return new Builder(handoff);
    }

    /** The paths of its routes. */
    Set<String> paths() {
        return Set.copyOf(routes.keySet());
    }

    @Override
    public void init(FilterConfig config) {
        container = Container.of(config.getServletContext());
        limits = settings.limits(container);
    }

    @Override
    public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (!(request instanceof HttpServletRequest http) || !(response instanceof HttpServletResponse answer)) {
            chain.doFilter(request, response);
            return;
        }
        Map<String, HandoffRoute> methods = routes.get(ServletHandoffRequest.path(http));
        if (methods == null) {
            chain.doFilter(request, response);
            return;
        }
        try (RequestBody body = new RequestBody(http, limits)) {
            ServletHandoffRequest asked = new ServletHandoffRequest(http, subject, body, container::formCharset);
            Optional<Reply> reply = reply(asked, body, methods.get(asked.method()));
            if (reply.isPresent()) {
                write(http, answer, body, reply.get());
            } else {
                chain.doFilter(asked.forChain(), response);
            }
        }
    }

    private Optional<Reply> reply(ServletHandoffRequest request, RequestBody body, @Nullable HandoffRoute route) {
        try {
            Optional<Reply> reply = handOff(request, body, route);
            if (reply.isEmpty()) {
                body.requireIntact();
            }
            return reply;
        } catch (ProblemException e) {
            return Optional.of(refuse(request, e.problem(), e.getCause()));
        } catch (Throwable e) {
            // Code in other languages of the JVM also throws checked exceptions.
            Errors.rethrowFatal(e);
            Problem problem = new Problem(500, "internal_error", "The server failed at this request.");
            return Optional.of(refuse(request, problem, e));
        }
    }

    private Optional<Reply> handOff(ServletHandoffRequest request, RequestBody body, @Nullable HandoffRoute route) {
        if (route == null && !isEventId(request.header("Last-Event-ID"))) {
            return Optional.empty();
        }
        Optional<Reply> resumed = handoff.resume(request);
        if (resumed.isPresent() || route == null) {
            return resumed;
        }
        Optional<Task> task = route.route(request);
        if (task.isEmpty()) {
            return Optional.empty();
        }
        request.release();
        return Optional.of(handoff.begin(request, task.get(), route.joinRetriesWithin()));
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

    private Reply refuse(ServletHandoffRequest request, Problem problem, @Nullable Throwable cause) {
        if (problem.status() == 503) {
            // Without a stack trace, because a server that is busy must not fill its log.
            String reason = cause == null ? problem.detail() : cause.toString();
            logger.info(REFUSED, request.method(), request.path(), 503, problem.code(), reason);
        } else if (problem.status() >= 500) {
            String detail = problem.detail();
            logger.error(REFUSED, request.method(), request.path(), problem.status(), problem.code(), detail, cause);
        }
        Reply reply;
        try {
            reply = Objects.requireNonNull(errors.apply(problem), "the errors function returned null");
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.error("the errors function failed at the problem {}", problem.code(), e);
            reply = problem.toReply();
        }
        if (problem.status() == 503) {
            reply = reply.withDefault("Retry-After", "1");
        }
        if (problem.code().equals(ServletHandoffRequest.UNSUPPORTED_ENCODING)) {
            // RFC 9110, 15.5.16
            reply = reply.withDefault("Accept-Encoding", "identity");
        }
        return reply;
    }

    private void write(HttpServletRequest request, HttpServletResponse response, RequestBody body, Reply reply)
            throws IOException {
        boolean close = !body.discardRest() && RequestBody.isHttp1(request);
        response.getOutputStream().write(Replies.begin(response, close ? reply.with("Connection", "close") : reply));
        if (close && container == Container.TOMCAT) {
            // Tomcat would wait for the rest of the body with this thread, for as long as the client likes.
            response.flushBuffer();
            container.abort(request);
        }
    }

    /** Builds a {@link HandoffFilter}. Not thread-safe. */
    public static final class Builder {

        private static final int MAX_WAITING_OF_200_THREADS = 100;

        private final Handoff handoff;
        private final Map<String, Map<String, HandoffRoute>> routes = new HashMap<>();
        private Function<HttpServletRequest, @Nullable String> subject = HttpServletRequest::getRemoteUser;
        private Function<Problem, Reply> errors = Problem::toReply;
        private int maxBodyBytes = BodyLimits.DEFAULT_MAX_BYTES;
        private long maxBodyBytesInFlight = Runtime.getRuntime().maxMemory() / 8;
        private Duration bodyDeadline = Duration.ofSeconds(60);
        private int minBodyRate = 1024;
        private int maxWaitingBodies;
        private Ticker ticker = Ticker.system();

        private Builder(Handoff handoff) {
            this.handoff = handoff;
        }

        private Builder(Builder other) {
            this.handoff = other.handoff;
            this.maxBodyBytes = other.maxBodyBytes;
            this.maxBodyBytesInFlight = other.maxBodyBytesInFlight;
            this.bodyDeadline = other.bodyDeadline;
            this.minBodyRate = other.minBodyRate;
            this.maxWaitingBodies = other.maxWaitingBodies;
            this.ticker = other.ticker;
        }

        /** Adds a route for POST requests; see {@link #route}. */
        public Builder post(String path, HandoffRoute route) {
            return route("POST", path, route);
        }

        /**
         * Adds a route for requests of one method on one path.
         *
         * @param path the path within the application: no context path, no pattern
         * @throws IllegalArgumentException if the path does not begin with a slash, or has a route for the method already
         */
        public Builder route(String method, String path, HandoffRoute route) {
            if (!path.startsWith("/")) {
                throw new IllegalArgumentException("path of a route does not begin with a slash: " + path);
            }
            String name = method.toUpperCase(Locale.ROOT);
            if (routes.computeIfAbsent(path, p -> new HashMap<>()).putIfAbsent(name, route) != null) {
                throw new IllegalArgumentException("there is a route for " + name + ' ' + path + " already");
            }
            return this;
        }

        /**
         * Sets the function that returns the user of a request; {@link HttpServletRequest#getRemoteUser} by default. The filter calls
         * it at most once for a request, and only for requests that it hands off or resumes. It may throw a {@link
         * ProblemException}. It returns null for an unknown user.
         *
         * <p>All unknown users count as one subject. If two of them send the same {@code Idempotency-Key} and the same content, both
         * read the same stream, and the work runs once. So keys of unknown users must be hard to guess, as UUIDs are.
         */
        public Builder subject(Function<HttpServletRequest, @Nullable String> subject) {
            this.subject = subject;
            return this;
        }

        /**
         * Sets the function that returns the reply for a problem; problem details (RFC 9457) by default. If the function fails, the
         * filter logs that and replies with problem details.
         */
        public Builder errors(Function<Problem, Reply> errors) {
            this.errors = errors;
            return this;
        }

        /**
         * Sets how many bytes a body may have that a route asks for; 16 MiB by default. A larger one is refused with status 413.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxBodyBytes(int maxBodyBytes) {
            if (maxBodyBytes < 1 || maxBodyBytes == Integer.MAX_VALUE) {
                throw new IllegalArgumentException("maxBodyBytes is out of range: " + maxBodyBytes);
            }
            this.maxBodyBytes = maxBodyBytes;
            return this;
        }

        /**
         * Sets how many bytes the bodies of all requests may take in memory at the same time, as bytes and as text; an eighth of the
         * maximum heap by default. The filter counts the buffers of a body until it has handed the request off or the rest of the
         * chain returns. A request that needs more is refused with status 503. A body larger than a third of this is refused with
         * status 413, as it might never fit.
         *
         * @throws IllegalArgumentException if it is less than 3
         */
        public Builder maxBodyBytesInFlight(long maxBodyBytesInFlight) {
            if (maxBodyBytesInFlight < 3) {
                throw new IllegalArgumentException("maxBodyBytesInFlight is less than 3: " + maxBodyBytesInFlight);
            }
            this.maxBodyBytesInFlight = maxBodyBytesInFlight;
            return this;
        }

        /**
         * Sets how long the filter reads a body, whatever its rate; 60 seconds by default. A slower one is refused with status 408.
         *
         * @throws IllegalArgumentException if it is less than a millisecond
         */
        public Builder bodyDeadline(Duration bodyDeadline) {
            if (bodyDeadline.toMillis() < 1) {
                throw new IllegalArgumentException("bodyDeadline is less than a millisecond: " + bodyDeadline);
            }
            this.bodyDeadline = bodyDeadline;
            return this;
        }

        /**
         * Sets how many bytes per second a body must bring on average, once the filter has read it for 10 seconds; 1024 by default, 0
         * for any rate. A slower one is refused with status 408.
         *
         * @throws IllegalArgumentException if it is negative
         */
        public Builder minBodyRate(int bytesPerSecond) {
            if (bytesPerSecond < 0) {
                throw new IllegalArgumentException("minBodyRate is negative: " + bytesPerSecond);
            }
            this.minBodyRate = bytesPerSecond;
            return this;
        }

        /**
         * Sets how many threads of the container may wait for bodies at the same time. A request whose read would block beyond that
         * is refused at once with status 503, and its connection is closed. Reading what the container has received already does not count. The default is half of
         * the container's default thread pool: 100 on Jetty and Tomcat, 4 per processor, at least 8, on Undertow and other containers.
         * Keep it below the size of your pool, so that threads are left for streams and health checks.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxWaitingBodies(int maxWaitingBodies) {
            if (maxWaitingBodies < 1) {
                throw new IllegalArgumentException("maxWaitingBodies is not positive: " + maxWaitingBodies);
            }
            this.maxWaitingBodies = maxWaitingBodies;
            return this;
        }

        /** Sets the source of time for the deadline and the rate of bodies; {@link Ticker#system} by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** Returns the filter. */
        public HandoffFilter build() {
            return new HandoffFilter(this);
        }

        private BodyLimits limits(Container container) {
            boolean manyThreads = container == Container.JETTY || container == Container.TOMCAT;
            int waitingByDefault = manyThreads
                    ? MAX_WAITING_OF_200_THREADS
                    : Math.max(8, 4 * Runtime.getRuntime().availableProcessors());
            return new BodyLimits(
                    (int) Math.min(maxBodyBytes, maxBodyBytesInFlight / 3),
                    maxBodyBytesInFlight,
                    bodyDeadline.toMillis(),
                    minBodyRate,
                    maxWaitingBodies == 0 ? waitingByDefault : maxWaitingBodies,
                    ticker);
        }
    }
}
