package dev.handoff.servlet;

import dev.handoff.EventId;
import dev.handoff.Handoff;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import dev.handoff.Reply;
import dev.handoff.Task;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The application's side of a hand-off: answers the requests that its routes take with a redirect to the streaming server,
 * and lets all others pass as they came.
 *
 * <pre>{@code
 * HandoffFilter filter = HandoffFilter.builder(handoff)
 *         .post("/reports", request -> Optional.of(Task.of("report", request.body())))
 *         .build();
 * servletContext.addFilter("handoff", filter).addMappingForUrlPatterns(null, false, "/*");
 * }</pre>
 *
 * <p>A request on the path of a route that carries a {@code Last-Event-ID} goes on with a stream, with whatever method it
 * comes, since clients reconnect to where they started; see {@link Handoff#resume}. It never starts anything.
 *
 * <p>Thread-safe. Blocks while it reads a body that a route asks for, and while the dispatcher accepts the task.
 */
public final class HandoffFilter implements Filter {

    private static final Logger logger = LoggerFactory.getLogger(HandoffFilter.class);

    private final Handoff handoff;
    private final Map<String, Map<String, HandoffRoute>> routes;
    private final Function<HttpServletRequest, @Nullable String> subject;
    private final Function<Problem, Reply> errors;
    private final int maxBodyBytes;

    private HandoffFilter(Builder builder) {
        this.handoff = builder.handoff;
        this.routes = new HashMap<>();
        builder.routes.forEach((path, methods) -> routes.put(path, Map.copyOf(methods)));
        this.subject = builder.subject;
        this.errors = builder.errors;
        this.maxBodyBytes = builder.maxBodyBytes;
    }

    /** For a filter that hands off by this. */
    public static Builder builder(Handoff handoff) {
        return new Builder(handoff);
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
        ServletHandoffRequest asked = new ServletHandoffRequest(http, subject, maxBodyBytes);
        Optional<Reply> reply = reply(asked, methods.get(asked.method()));
        if (reply.isPresent()) {
            answer.getOutputStream().write(Replies.begin(answer, reply.get()));
        } else {
            chain.doFilter(asked.forChain(), response);
        }
    }

    private Optional<Reply> reply(ServletHandoffRequest request, @Nullable HandoffRoute route) {
        try {
            return handOff(request, route);
        } catch (ProblemException e) {
            return Optional.of(refuse(request, e.problem(), e.getCause()));
        } catch (RuntimeException | Error e) {
            Problem problem = new Problem(500, "internal_error", "The server failed at this request.");
            return Optional.of(refuse(request, problem, e));
        }
    }

    private Optional<Reply> handOff(ServletHandoffRequest request, @Nullable HandoffRoute route) {
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
        return Optional.of(handoff.begin(request, task.get(), route.joinRetriesWithin()));
    }

    /** Whether the field has the form of an event id of this library; the application may have ids of its own. */
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
        // A server that is busy must not fill its log.
        if (problem.status() >= 500 && (problem.status() != 503 || cause != null)) {
            logger.error(
                    "{} {} was refused with status {}, code {}: {}",
                    request.method(),
                    request.path(),
                    problem.status(),
                    problem.code(),
                    problem.detail(),
                    cause);
        }
        Reply reply;
        try {
            reply = Objects.requireNonNull(errors.apply(problem), "the errors function returned null");
        } catch (RuntimeException e) {
            logger.error("the errors function failed at the problem {}", problem.code(), e);
            reply = problem.toReply();
        }
        if (problem.status() == 503) {
            reply = withDefault(reply, "Retry-After", "1");
        }
        return reply;
    }

    private static Reply withDefault(Reply reply, String name, String value) {
        boolean present = reply.headers().keySet().stream().anyMatch(name::equalsIgnoreCase);
        return present ? reply : reply.with(name, value);
    }

    /** The settings of a filter. */
    public static final class Builder {

        private final Handoff handoff;
        private final Map<String, Map<String, HandoffRoute>> routes = new HashMap<>();
        private Function<HttpServletRequest, @Nullable String> subject = HttpServletRequest::getRemoteUser;
        private Function<Problem, Reply> errors = Problem::toReply;
        private int maxBodyBytes = 16 << 20;

        private Builder(Handoff handoff) {
            this.handoff = handoff;
        }

        /** A route for POST requests; see {@link #route}. */
        public Builder post(String path, HandoffRoute route) {
            return route("POST", path, route);
        }

        /**
         * A route for requests of one method on one path.
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
         * Who asks; {@link HttpServletRequest#getRemoteUser} by default. Is asked only for requests that are handed off or
         * resumed; may throw a {@link ProblemException}, and may give null where nobody is known. All who are not known are
         * the same to the hand-off: with the same idempotency key they share a stream.
         */
        public Builder subject(Function<HttpServletRequest, @Nullable String> subject) {
            this.subject = subject;
            return this;
        }

        /** How a request that cannot be served is answered; as problem details (RFC 9457) by default. */
        public Builder errors(Function<Problem, Reply> errors) {
            this.errors = errors;
            return this;
        }

        /**
         * The most bytes of a body that a route may ask for; 16 MiB by default. A larger one is answered with 413.
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

        /** The filter. */
        public HandoffFilter build() {
            return new HandoffFilter(this);
        }
    }
}
