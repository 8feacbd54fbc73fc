package dev.handoff.servlet;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.End;
import dev.handoff.EventId;
import dev.handoff.EventStream;
import dev.handoff.Handoff;
import dev.handoff.Prefer;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import dev.handoff.Reply;
import dev.handoff.StreamAccess;
import dev.handoff.StreamFormat;
import dev.handoff.TaskStatus;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The streaming server: delivers streams to whoever holds a token. Mapped to a prefix, {@code /events/*} as a rule, with
 * async support.
 *
 * <table>
 * <caption>What it answers</caption>
 * <tr><td>{@code GET} or {@code POST /events/{token}}</td><td>the stream, as Server-Sent Events or, once it has ended, as
 * one document; after the event that {@code Last-Event-ID} or {@code ?last_event_id=} names, if one does; 204 if there is
 * nothing after it</td></tr>
 * <tr><td>{@code GET /events/{token}/status}</td><td>how the task stands, as JSON</td></tr>
 * <tr><td>{@code DELETE /events/{token}}</td><td>cancels: 202, or 204 if the task had ended</td></tr>
 * <tr><td>{@code OPTIONS}</td><td>the answer to a CORS preflight</td></tr>
 * </table>
 *
 * <p>A token that is bad or has expired is answered with 401, a right that it does not have with 403, a stream that is no
 * longer kept with 410.
 *
 * <p>No thread is parked for an open stream, and no write blocks. A client that takes nothing for the write deadline is cut
 * off. An answer ends cleanly only after the end of its stream; where it has to stop before, it says {@code interrupted} and
 * then aborts the connection, on Jetty, Tomcat and Undertow alike.
 *
 * <p>A container may close connections before it destroys servlets, so call {@link #drain} before you stop it.
 */
public final class EventStreamServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    /** The request attribute that makes a dispatch of the request abort it. */
    static final String ABORT = EventStreamServlet.class.getName() + ".abort";

    static final Problem INTERRUPTED = new Problem(
            503,
            "interrupted",
            "The server had to stop before the end. Connect again with Last-Event-ID for the rest.");

    private static final Logger logger = LoggerFactory.getLogger(EventStreamServlet.class);
    private static final long MAX_TICK_MILLIS = 1000;
    private static final String STREAM_METHODS = "GET, HEAD, POST, DELETE, OPTIONS";
    private static final String STATUS_METHODS = "GET, HEAD, OPTIONS";

    private final transient Handoff handoff;
    private final transient ScheduledExecutorService timer;
    private final transient @Nullable Clock clock;
    private final transient Cors cors;
    private final transient @Nullable Duration retry;
    private final long heartbeatMillis;
    private final long writeDeadlineMillis;
    private final long drainMillis;

    private final transient Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final transient Audience.All audiences = new Audience.All();
    private final transient CompletableFuture<Void> drained = new CompletableFuture<>();
    private transient @Nullable ScheduledFuture<?> ticking;
    private Container container = Container.OTHER;
    private final transient AtomicBoolean begun = new AtomicBoolean();
    private volatile boolean draining;

    private EventStreamServlet(Builder builder) {
        this.handoff = builder.handoff;
        this.timer = builder.timer;
        this.clock = builder.clock;
        this.cors = new Cors(builder.corsOrigins, builder.corsCredentials);
        this.retry = builder.retry;
        this.heartbeatMillis = builder.heartbeat.toMillis();
        this.writeDeadlineMillis = builder.writeDeadline.toMillis();
        this.drainMillis = builder.drainWindow.toMillis();
    }

    /**
     * For a servlet that serves the streams of a hand-off.
     *
     * @param timer is given a short job about once a second, which never waits for a client; one thread is enough for
     *     thousands of streams. It belongs to the caller, and must outlive the servlet
     */
    public static Builder builder(Handoff handoff, ScheduledExecutorService timer) {
        return new Builder(handoff, timer);
    }

    @Override
    public void init() {
        container = Container.of(getServletContext());
        long period = Math.max(1, Math.min(MAX_TICK_MILLIS, Math.min(heartbeatMillis, writeDeadlineMillis) / 2));
        ticking = timer.scheduleWithFixedDelay(this::tick, period, period, TimeUnit.MILLISECONDS);
    }

    /**
     * Sends the clients away: from now on no stream is opened (503), and those that are open are interrupted one after the
     * other, spread over the drain window, so that they do not all come back elsewhere at the same moment. Doing it again
     * changes nothing.
     *
     * @return is completed when the last client has gone; one that does not read is given up shortly after the window
     */
    public CompletableFuture<Void> drain() {
        if (begun.compareAndSet(false, true)) {
            draining = true;
            List<Connection> open = new ArrayList<>(connections);
            Collections.shuffle(open);
            for (int i = 0; i < open.size(); i++) {
                later(drainMillis * i / open.size(), open.get(i)::interrupt);
            }
            later(drainMillis + MAX_TICK_MILLIS, () -> connections.forEach(Connection::giveUp));
            later(drainMillis + 2 * MAX_TICK_MILLIS, () -> drained.complete(null));
            completeIfDrained();
        }
        return drained;
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    private void later(long millis, Runnable action) {
        try {
            timer.schedule(action, millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The timer was shut down before the servlet, so there is no later.
            action.run();
        }
    }

    /** Drains, and waits until that is done. */
    @Override
    public void destroy() {
        // Bounded, in case that the timer was stopped before, and with it what it was to do.
        drain().completeOnTimeout(null, drainMillis + 3 * MAX_TICK_MILLIS, TimeUnit.MILLISECONDS)
                .join();
        ScheduledFuture<?> job = ticking;
        if (job != null) {
            job.cancel(false);
        }
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getAttribute(ABORT) != null) {
            container.abort(request);
            return;
        }
        cors.apply(request, response);
        String path = request.getPathInfo() == null ? "" : request.getPathInfo().substring(1);
        boolean status = path.endsWith("/status");
        String token = status ? path.substring(0, path.length() - "/status".length()) : path;
        try {
            if (status) {
                serveStatus(request, response, token);
            } else {
                serveStream(request, response, token);
            }
        } catch (ProblemException e) {
            refuse(response, e.problem().toReply());
        }
    }

    private void serveStatus(HttpServletRequest request, HttpServletResponse response, String token)
            throws IOException {
        switch (request.getMethod()) {
            case "OPTIONS" -> options(response, STATUS_METHODS);
            case "GET", "HEAD" ->
                write(
                        response,
                        Reply.of(200, Reply.JSON, statusJson(handoff.open(token)))
                                .with("Cache-Control", "no-store"));
            default -> methodNotAllowed(response, STATUS_METHODS);
        }
    }

    private void serveStream(HttpServletRequest request, HttpServletResponse response, String token)
            throws IOException {
        switch (request.getMethod()) {
            case "OPTIONS" -> options(response, STREAM_METHODS);
            case "GET", "HEAD", "POST" -> {
                StreamAccess access = handoff.open(token);
                try {
                    open(access, request, response);
                } catch (ProblemException e) {
                    refuse(response, access.format().error(e.problem()));
                }
            }
            case "DELETE" ->
                write(
                        response,
                        Reply.of(handoff.open(token).cancel() ? 202 : 204).with("Cache-Control", "no-store"));
            default -> methodNotAllowed(response, STREAM_METHODS);
        }
    }

    private void open(StreamAccess access, HttpServletRequest request, HttpServletResponse response)
            throws IOException {
        // Whether it may be read has to be known before the response is begun.
        EventStream stream = access.stream();
        if (draining) {
            throw new ProblemException(503, "draining", "This server is about to stop. Connect again.");
        }
        if (access.format() instanceof StreamFormat.EventFormat format) {
            openEvents(access, stream, format, request, response);
        } else if (access.format() instanceof StreamFormat.DocumentFormat format) {
            openDocument(access, format, request, response);
        }
    }

    private void openEvents(
            StreamAccess access,
            EventStream stream,
            StreamFormat.EventFormat format,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        EventId last = lastEventId(request).map(access::resumeAfter).orElse(null);
        if (last != null && last.part() > 0) {
            requirePart(stream, format, last);
        }
        boolean nothingLeft =
                last != null && last.part() == 0 && stream.end().isPresent() && last.position() == stream.last();
        if (nothingLeft) {
            // 204 keeps an EventSource from connecting again (HTML Standard, 9.2.3).
            write(response, Reply.of(204).with("Cache-Control", "no-store"));
            return;
        }
        response.setContentType("text/event-stream");
        response.setHeader("Cache-Control", "no-cache, no-transform");
        response.setHeader("X-Accel-Buffering", "no");
        if (!request.getMethod().equals("HEAD")) {
            container.prepare(response);
            response.flushBuffer();
            new EventConnection(this, access, format, last, request, response).start();
        }
    }

    /** A part that the entry does not have would make the client miss the whole of it. */
    private static void requirePart(EventStream stream, StreamFormat.EventFormat format, EventId last) {
        EventStream.Batch entry = stream.read(last.after(), 1);
        End end = entry.end();
        int frames = 0;
        if (!entry.events().isEmpty()) {
            frames = format.frames(entry.events().get(0)).size();
        } else if (end != null) {
            frames = format.frames(end).size();
        }
        if (last.part() >= frames) {
            throw new ProblemException(
                    400, "invalid_last_event_id", "Last-Event-ID names an event that the stream has not had: " + last);
        }
    }

    private void openDocument(
            StreamAccess access,
            StreamFormat.DocumentFormat format,
            HttpServletRequest request,
            HttpServletResponse response)
            throws IOException {
        if (!request.getMethod().equals("HEAD")) {
            Optional<Duration> waitFor = Prefer.parse(String.join(",", Collections.list(request.getHeaders("Prefer"))))
                    .waitFor();
            new DocumentConnection(
                            this, access, format, waitFor.orElse(null), request.getRequestURI(), request, response)
                    .start();
        }
    }

    /** Taken from the query by hand, since asking for a parameter could make the container read a body. */
    private static Optional<String> lastEventId(HttpServletRequest request) {
        String header = request.getHeader("Last-Event-ID");
        if (header != null && !header.isEmpty()) {
            return Optional.of(header);
        }
        String query = request.getQueryString();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            if (pair.startsWith("last_event_id=")) {
                String value = pair.substring("last_event_id=".length());
                return value.isEmpty()
                        ? Optional.empty()
                        : Optional.of(URLDecoder.decode(value, StandardCharsets.UTF_8));
            }
        }
        return Optional.empty();
    }

    /** How a task stands, with what only the store and this server know of it. */
    String statusJson(StreamAccess access) {
        TaskStatus status = access.status();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("task", status.taskId());
        json.put("state", status.state().name().toLowerCase(Locale.ROOT));
        json.put("queue_position", status.queuePosition());
        json.put("events", access.stream().eventCount());
        json.put(
                "readers",
                connections.stream()
                        .filter(c -> c.streamId().equals(status.taskId()))
                        .count());
        json.put("created", status.created().toString());
        json.put("started", status.started() == null ? null : status.started().toString());
        json.put("ended", status.ended() == null ? null : status.ended().toString());
        return json.toString();
    }

    private static void options(HttpServletResponse response, String allowed) throws IOException {
        write(response, Reply.of(204).with("Allow", allowed));
    }

    private static void methodNotAllowed(HttpServletResponse response, String allowed) throws IOException {
        Problem problem = new Problem(405, "method_not_allowed", "Only " + allowed + " can be used here.");
        write(response, problem.toReply().with("Allow", allowed));
    }

    /** A token stands for an accepted task, so an SDK that starts over would have the work done twice. */
    private static void refuse(HttpServletResponse response, Reply reply) throws IOException {
        write(response, reply.with("x-should-retry", "false"));
    }

    private static void write(HttpServletResponse response, Reply reply) throws IOException {
        response.getOutputStream().write(Replies.begin(response, reply));
    }

    /** Runs about once a second. Nothing it does waits for a client. */
    private void tick() {
        try {
            long now = now();
            Set<String> attended = new HashSet<>();
            for (Connection connection : connections) {
                connection.onTick(now);
                attended.add(connection.streamId());
            }
            handoff.attended(attended);
        } catch (RuntimeException | Error e) {
            // A timer drops a job that throws, and then no client would get a heartbeat any more.
            logger.error("the tick failed, the next one goes on", e);
        }
    }

    void opened(Connection connection) {
        connections.add(connection);
        if (draining) {
            connection.interrupt();
        }
    }

    void closed(Connection connection) {
        connections.remove(connection);
        completeIfDrained();
    }

    private void completeIfDrained() {
        if (draining && connections.isEmpty()) {
            drained.complete(null);
        }
    }

    long now() {
        return clock == null ? TimeUnit.NANOSECONDS.toMillis(System.nanoTime()) : clock.millis();
    }

    long writeDeadlineMillis() {
        return writeDeadlineMillis;
    }

    Container container() {
        return container;
    }

    Audience.All audiences() {
        return audiences;
    }

    long heartbeatMillis() {
        return heartbeatMillis;
    }

    @Nullable
    Duration retry() {
        return retry;
    }

    /** The settings of a streaming server. */
    public static final class Builder {

        private final Handoff handoff;
        private final ScheduledExecutorService timer;
        private @Nullable Clock clock;
        private Duration heartbeat = Duration.ofSeconds(15);
        private Duration writeDeadline = Duration.ofSeconds(30);
        private Duration drainWindow = Duration.ofSeconds(5);
        private @Nullable Duration retry;
        private Set<String> corsOrigins = Set.of();
        private boolean corsCredentials;

        private Builder(Handoff handoff, ScheduledExecutorService timer) {
            this.handoff = handoff;
            this.timer = timer;
        }

        /** The clock for heartbeats and deadlines; by default one of the system that is never set. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** How long nothing is sent before a heartbeat is: a comment, which clients ignore. 15 seconds by default. */
        public Builder heartbeat(Duration heartbeat) {
            this.heartbeat = requirePositive("heartbeat", heartbeat);
            return this;
        }

        /** How long a client may take nothing before it is cut off; 30 seconds by default. */
        public Builder writeDeadline(Duration writeDeadline) {
            this.writeDeadline = requirePositive("writeDeadline", writeDeadline);
            return this;
        }

        /** The time over which {@link EventStreamServlet#drain} spreads the clients; 5 seconds by default. */
        public Builder drainWindow(Duration drainWindow) {
            if (drainWindow.isNegative()) {
                throw new IllegalArgumentException("drainWindow is negative: " + drainWindow);
            }
            this.drainWindow = drainWindow;
            return this;
        }

        /** How long an EventSource shall wait before it connects again; by default that is left to it. */
        public Builder retry(Duration retry) {
            this.retry = requirePositive("retry", retry);
            return this;
        }

        /**
         * The origins whose pages may read streams, such as {@code https://chat.example.com}; {@code *} for all. None by
         * default: then only pages of the streaming server's own origin can.
         */
        public Builder corsOrigins(String... origins) {
            this.corsOrigins = Set.of(origins);
            return this;
        }

        /** Whether those pages may send credentials, which a token makes needless; not by default. */
        public Builder corsCredentials(boolean allowed) {
            this.corsCredentials = allowed;
            return this;
        }

        /**
         * The servlet.
         *
         * @throws IllegalArgumentException if credentials are allowed to every origin
         */
        public EventStreamServlet build() {
            return new EventStreamServlet(this);
        }

        private static Duration requirePositive(String name, Duration value) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException(name + " is not positive: " + value);
            }
            return value;
        }
    }
}
