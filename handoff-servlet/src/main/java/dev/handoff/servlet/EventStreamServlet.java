package dev.handoff.servlet;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.Handoff;
import dev.handoff.StreamAccess;
import dev.handoff.delivery.EventId;
import dev.handoff.delivery.StreamFormat;
import dev.handoff.http.Prefer;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.TaskStatus;
import dev.handoff.time.Ticker;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The streaming server: delivers a stream to any client that holds a token for it. Map it to a prefix, usually
 * {@code /events/*}, with async support.
 *
 * <table>
 * <caption>Requests and answers</caption>
 * <tr><td>{@code GET} or {@code POST /events/{token}}</td><td>the stream, as Server-Sent Events or, once it has ended, as
 * one document; after the event that {@code Last-Event-ID} or {@code ?last_event_id=} names, if one does; 204 if there is
 * nothing after it</td></tr>
 * <tr><td>{@code GET /events/{token}/status}</td><td>the status of the task, as JSON</td></tr>
 * <tr><td>{@code DELETE /events/{token}}</td><td>cancels: 202, or 204 if the task had ended</td></tr>
 * <tr><td>{@code HEAD}</td><td>the headers of {@code GET}</td></tr>
 * <tr><td>{@code OPTIONS}</td><td>the answer to a CORS preflight</td></tr>
 * </table>
 *
 * <p>A token that is bad or has expired is answered with 401, a right that it does not have with 403, a stream that is no
 * longer kept with 410, a store or a dispatcher that fails with 503, and a format that fails with 500. The container never
 * answers with an error page of its own, which could name the token.
 *
 * <p>No thread is parked for an open stream, and no write blocks. A client that takes nothing for the write deadline is cut
 * off. A response ends cleanly only after the end of its stream; where it has to stop before, it says {@code interrupted} and
 * then aborts the connection, or resets the stream over HTTP/2, on Jetty, Tomcat and Undertow alike.
 *
 * <p>A container may close connections before it destroys servlets, so call {@link #drain} before you stop it. Some containers
 * create a servlet at its first request; set {@code loadOnStartup} if the dispatcher cancels tasks without readers,
 * because a servlet reports readers only after it has been created.
 */
public final class EventStreamServlet extends HttpServlet {

    private static final long serialVersionUID = 1;

    /** The request attribute that makes a dispatch of the request abort it; its value is the {@link Connection}. */
    static final String ABORT = EventStreamServlet.class.getName() + ".abort";

    static final Problem INTERRUPTED = new Problem(
            503,
            "interrupted",
            "The server had to stop before the end. Connect again with Last-Event-ID for the rest.");

    private static final Problem UNAVAILABLE =
            new Problem(503, "unavailable", "The server cannot look up the stream at the moment. Try again.");

    private static final Logger logger = LoggerFactory.getLogger(EventStreamServlet.class);
    private static final long MAX_TICK_MILLIS = 1000;
    /** After how much time without an event the stream of a reader is checked. */
    private static final long IDLE_MILLIS = 5000;
    /** The most looks at the same time, if a store hangs on some streams. */
    private static final int MAX_LOOKS = 8;
    /** As many for the check of idle streams, which costs a store more. */
    private static final int MAX_CHECKS = 2;
    /** The most reports of attended streams at the same time, if some wait for cancel actions. */
    private static final int MAX_REPORTS = 4;

    private static final Set<String> STREAM_METHODS =
            Collections.unmodifiableSet(new LinkedHashSet<>(List.of("GET", "HEAD", "POST", "DELETE", "OPTIONS")));
    private static final Set<String> STATUS_METHODS =
            Collections.unmodifiableSet(new LinkedHashSet<>(List.of("GET", "HEAD", "OPTIONS")));

    private final transient Handoff handoff;
    private final transient ScheduledExecutorService timer;
    private final transient @Nullable Executor executor;
    private final transient Ticker ticker;
    private final transient Cors cors;
    private final transient @Nullable Duration retry;
    private final long heartbeatMillis;
    private final long writeDeadlineMillis;
    private final long drainMillis;

    private final transient Set<Connection> connections = ConcurrentHashMap.newKeySet();
    private final transient Readers.All readers = new Readers.All();
    private final transient Audience.All audiences = new Audience.All();
    private final transient Job look = new Job("the second look", MAX_LOOKS, this::look);
    private final transient Job idleCheck = new Job("the check of idle streams", MAX_CHECKS, this::checkIdle);
    private final transient Job attendance = new Job("the report of attended streams", MAX_REPORTS, this::attend);
    private final transient CompletableFuture<Void> drained = new CompletableFuture<>();
    private transient @Nullable ScheduledFuture<?> ticking;
    private Container container = Container.OTHER;
    private final transient AtomicBoolean begun = new AtomicBoolean();
    private final transient AtomicBoolean asyncMissing = new AtomicBoolean();
    private volatile boolean draining;

    private EventStreamServlet(Builder builder) {
        this.handoff = builder.handoff;
        this.timer = builder.timer;
        this.executor = builder.executor;
        this.ticker = builder.ticker;
        this.cors = new Cors(builder.corsOrigins, builder.corsCredentials);
        this.retry = builder.retry;
        this.heartbeatMillis = builder.heartbeat.toMillis();
        this.writeDeadlineMillis = builder.writeDeadline.toMillis();
        this.drainMillis = builder.drainWindow.toMillis();
    }

    /**
     * Returns a builder of a servlet that serves the streams of a hand-off.
     *
     * @param timer is given a short job about once a second, which never waits for a client, the store or a format; one
     *     thread is enough for thousands of streams. It belongs to the caller, and must outlive the servlet
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
     * Sends the clients away: the open streams are interrupted one after the other, spread over the drain window, so that
     * the clients do not all reconnect elsewhere at the same moment. From now on a request for events is answered with an
     * interruption as well, since an {@code EventSource} tries again only after a 200; a request for a document is refused with
     * 503. Calling it again changes nothing.
     *
     * @return is completed when the last client has gone; one that does not read is given up shortly after the window
     */
    public CompletableFuture<Void> drain() {
        if (begun.compareAndSet(false, true)) {
            draining = true;
            List<Connection> open = new ArrayList<>(connections);
            Collections.shuffle(open);
            for (int i = 0; i < open.size(); i++) {
                Connection connection = open.get(i);
                later(drainMillis * i / open.size(), () -> connection.interrupt(INTERRUPTED));
            }
            later(drainMillis + MAX_TICK_MILLIS, () -> connections.forEach(Connection::giveUp));
            later(drainMillis + 2 * MAX_TICK_MILLIS, () -> drained.complete(null));
            completeIfDrained();
        }
        return drained;
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    void later(long millis, Runnable action) {
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
        try {
            // Bounded, because the timer may have been stopped, and then nothing interrupts the streams.
            drain().get(drainMillis + 3 * MAX_TICK_MILLIS, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            logger.warn("{} streams are still open", connections.size());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
        ScheduledFuture<?> job = ticking;
        if (job != null) {
            job.cancel(false);
        }
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
        if (request.getAttribute(ABORT) instanceof Connection connection) {
            try {
                container.abort(request);
            } finally {
                closed(connection);
            }
            return;
        }
        try {
            answer(request, response);
        } catch (IOException e) {
            logger.debug("a client has left before it was answered", e);
        }
    }

    /** Answers every request with a {@link Reply} or a stream, since an error page of the container would name the token. */
    private void answer(HttpServletRequest request, HttpServletResponse response) throws IOException {
        response.setHeader("X-Content-Type-Options", "nosniff");
        cors.apply(request, response);
        String path = request.getPathInfo() == null ? "" : request.getPathInfo().substring(1);
        boolean status = path.endsWith("/status");
        String token = status ? path.substring(0, path.length() - "/status".length()) : path;
        Set<String> allowed = status ? STATUS_METHODS : STREAM_METHODS;
        String method = request.getMethod();
        if (method.equals("OPTIONS")) {
            write(response, Reply.of(204).with("Allow", String.join(", ", allowed)));
            return;
        }
        if (!allowed.contains(method)) {
            String methods = String.join(", ", allowed);
            Problem problem = new Problem(405, "method_not_allowed", "Only " + methods + " can be used here.");
            write(response, Rendering.error(null, problem).with("Allow", methods));
            return;
        }
        StreamAccess access;
        try {
            access = handoff.open(token);
        } catch (Throwable e) {
            write(response, Rendering.error(null, problemOf(e)));
            return;
        }
        Reply reply;
        try {
            reply = status
                    ? Reply.of(200, Reply.JSON, statusJson(access)).with("Cache-Control", "no-store")
                    : reply(access, request, response);
        } catch (Throwable e) {
            reply = Rendering.error(access.format(), problemOf(e));
        }
        if (reply != null) {
            write(response, reply);
        } else if (method.equals("HEAD")) {
            // Otherwise the container would say that there is no content.
            response.flushBuffer();
        }
    }

    /**
     * Returns the answer in the format of a token.
     *
     * @return null if the response has begun, or has all it needs
     */
    private @Nullable Reply reply(StreamAccess access, HttpServletRequest request, HttpServletResponse response) {
        Map<String, String> headers =
                Rendering.headers(access.format(), access.grant().streamId());
        Replies.setHeaders(response, headers);
        Cors.expose(response, headers.keySet());
        boolean head = request.getMethod().equals("HEAD");
        if (request.getMethod().equals("DELETE")) {
            return Reply.of(access.cancel() ? 202 : 204).with("Cache-Control", "no-store");
        }
        if (!head) {
            requireAsync(request);
        }
        // Before the response is begun, since the client may not be allowed to read the stream.
        EventStream stream = access.stream();
        if (access.format() instanceof StreamFormat.EventFormat format) {
            return openEvents(access, stream, format, head, request, response);
        }
        if (access.format() instanceof StreamFormat.DocumentFormat format) {
            return openDocument(access, stream, format, head, request, response);
        }
        throw new IllegalStateException("a format is neither of events nor a document");
    }

    /** Returns what a client may know of a failure; an error of the whole JVM is thrown instead. */
    private static Problem problemOf(Throwable e) {
        if (e instanceof ProblemException known) {
            return known.problem();
        }
        Errors.rethrowFatal(e);
        if (e instanceof FormatException) {
            logger.error("a request is refused", e);
            return Rendering.FORMAT_FAILED;
        }
        logger.warn("a request is refused, since the store or the dispatcher failed", e);
        return UNAVAILABLE;
    }

    private void requireAsync(HttpServletRequest request) {
        if (!request.isAsyncSupported()) {
            String detail =
                    "The servlet \"" + getServletName() + "\" needs async support: set asyncSupported=true on it"
                            + " and on every filter that the request passes before it.";
            if (asyncMissing.compareAndSet(false, true)) {
                logger.error(detail);
            }
            throw new ProblemException(500, "async_not_supported", detail);
        }
    }

    private @Nullable Reply openEvents(
            StreamAccess access,
            EventStream stream,
            StreamFormat.EventFormat format,
            boolean head,
            HttpServletRequest request,
            HttpServletResponse response) {
        EventId last = lastEventId(request).map(access::resumeAfter).orElse(null);
        if (last != null && last.part() > 0) {
            requirePart(stream, format, last);
        }
        boolean nothingLeft =
                last != null && last.part() == 0 && stream.end().isPresent() && last.position() == stream.last();
        if (nothingLeft) {
            // 204 keeps an EventSource from connecting again (HTML Standard, 9.2.3).
            return Reply.of(204).with("Cache-Control", "no-store");
        }
        if (head) {
            refuseWhileDraining();
            EventConnection.setHeaders(response);
        } else {
            container.requireReset(request);
            new EventConnection(this, access, format, last, request, response).start();
        }
        return null;
    }

    /** Refuses the id of a part that the entry does not have, since the client would miss the whole entry. */
    private static void requirePart(EventStream stream, StreamFormat.EventFormat format, EventId last) {
        EventStream.Batch entry = stream.read(last.after(), 1);
        int frames;
        try {
            frames = framesOf(format, entry);
        } catch (Throwable e) {
            throw Rendering.failure(format, e);
        }
        if (last.part() >= frames) {
            throw new ProblemException(
                    400, "invalid_last_event_id", "Last-Event-ID names an event that the stream has not had: " + last);
        }
    }

    private static int framesOf(StreamFormat.EventFormat format, EventStream.Batch entry) {
        if (!entry.events().isEmpty()) {
            return format.frames(entry.events().get(0)).size();
        }
        End end = entry.end();
        return end == null ? 0 : format.frames(end).size();
    }

    private @Nullable Reply openDocument(
            StreamAccess access,
            EventStream stream,
            StreamFormat.DocumentFormat format,
            boolean head,
            HttpServletRequest request,
            HttpServletResponse response) {
        refuseWhileDraining();
        if (!head) {
            Optional<Duration> waitFor = Prefer.parse(String.join(",", Collections.list(request.getHeaders("Prefer"))))
                    .waitFor();
            new DocumentConnection(
                            this, access, format, waitFor.orElse(null), request.getRequestURI(), request, response)
                    .start();
            return null;
        }
        Optional<End> end = stream.end();
        if (end.isPresent()) {
            return DocumentConnection.document(format, end.get()).with("Cache-Control", "no-store");
        }
        response.setHeader("Cache-Control", "no-store");
        return null;
    }

    private void refuseWhileDraining() {
        if (draining) {
            throw new ProblemException(503, "draining", "This server is about to stop. Connect again.");
        }
    }

    /** Takes the query apart by hand, since asking for a parameter could make the container read a body. */
    private static Optional<String> lastEventId(HttpServletRequest request) {
        String header = request.getHeader("Last-Event-ID");
        if (header != null && !header.isEmpty()) {
            return Optional.of(header);
        }
        String query = request.getQueryString();
        for (String pair : query == null ? new String[0] : query.split("&")) {
            if (pair.startsWith("last_event_id=")) {
                String value = pair.substring("last_event_id=".length());
                return value.isEmpty() ? Optional.empty() : Optional.of(decode(value));
            }
        }
        return Optional.empty();
    }

    private static String decode(String value) {
        try {
            return URLDecoder.decode(value, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            String shown = value.length() <= 100 ? value : value.substring(0, 100) + "…";
            throw new ProblemException(
                    new Problem(
                            400,
                            "invalid_last_event_id",
                            "last_event_id is not percent-encoded: \"" + shown.replaceAll("\\p{Cntrl}", "?") + '"'),
                    e);
        }
    }

    /** Returns the status of a task, with the number of its events and of its readers on this server. */
    String statusJson(StreamAccess access) {
        TaskStatus status = access.status();
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("task", status.taskId());
        json.put("state", status.state().name().toLowerCase(Locale.ROOT));
        json.put("queue_position", status.queuePosition());
        json.put("events", access.stream().eventCount());
        json.put("readers", readers.count(status.taskId()));
        json.put("created", status.created().toString());
        json.put("started", status.started() == null ? null : status.started().toString());
        json.put("ended", status.ended() == null ? null : status.ended().toString());
        return json.toString();
    }

    private static void write(HttpServletResponse response, Reply reply) throws IOException {
        response.getOutputStream().write(Replies.begin(response, reply));
    }

    /**
     * Runs about once a second on the timer. Other threads make the calls of the application and of the store.
     */
    private void tick() {
        try {
            long now = now();
            for (Connection connection : connections) {
                connection.onTick(now);
            }
            look.start(now, this::execute);
            idleCheck.start(now, this::execute);
            attendance.start(now, this::executeAnywhere);
        } catch (Throwable e) {
            // A timer drops a job that throws, and then no client would get a heartbeat any more.
            logger.error("the tick failed, the next one goes on", e);
        }
    }

    /** Runs a job on the executor, or on a thread of the container. Returns whether one took it. */
    private boolean execute(Runnable job) {
        if (executor != null) {
            try {
                executor.execute(job);
                return true;
            } catch (RejectedExecutionException e) {
                logger.debug("the executor did not take a job, the next tick tries again", e);
                return false;
            }
        }
        for (Connection connection : connections) {
            if (connection.lendThread(job)) {
                return true;
            }
        }
        return false;
    }

    /**
     * As {@link #execute}, but while no stream has readers, so that no heartbeat can be late, the timer runs the job. A reader
     * that is being opened offers a thread soon.
     */
    private boolean executeAnywhere(Runnable job) {
        if (executor == null && readers.isEmpty()) {
            job.run();
            return true;
        }
        return execute(job);
    }

    private void look() {
        Object run = new Object();
        for (Connection connection : connections) {
            connection.look(run);
        }
    }

    private void checkIdle() {
        Object run = new Object();
        long now = now();
        for (Connection connection : connections) {
            connection.checkIdle(run, now, IDLE_MILLIS);
        }
    }

    private void attend() {
        handoff.attended(readers.streamIds());
    }

    void opened(Connection connection) {
        connections.add(connection);
        if (draining) {
            connection.interruptAtOnce(INTERRUPTED);
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
        return TimeUnit.NANOSECONDS.toMillis(ticker.read());
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

    Readers.All readers() {
        return readers;
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
        private @Nullable Executor executor;
        private Ticker ticker = Ticker.system();
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

        /** Sets the source of time for heartbeats, deadlines and {@code Prefer: wait}; {@link Ticker#system} by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets the executor of periodic calls: about once a second the server reads the open streams and calls {@link
         * Handoff#attended}. These calls block for as long as the store and cancel actions do, so the executor must not
         * run them in the calling thread, which is the timer's. By default they run on threads of the container. While
         * no stream has readers, no such thread is available, and the timer calls {@code attended}.
         */
        public Builder executor(Executor executor) {
            this.executor = executor;
            return this;
        }

        /** How long nothing is sent before a heartbeat is: a comment, which clients ignore. 15 seconds by default. */
        public Builder heartbeat(Duration heartbeat) {
            this.heartbeat = requirePositive("heartbeat", heartbeat);
            return this;
        }

        /**
         * Sets how long a client may take nothing before it is cut off; 30 seconds by default. The time starts again with each
         * 16 KiB that the socket takes. Linux lets a full socket take more only when a third of its send buffer is free, and that
         * buffer can grow to 4 MB. To serve clients that read less than about 50 kB per second, limit the send buffer of
         * accepted connections in the container, or set a longer time.
         */
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
         * Sets the origins whose pages may read streams, such as {@code https://chat.example.com}, in lower case and without
         * a default port, as browsers send them; {@code *} for all. None by default: then only pages of the streaming
         * server's own origin can.
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
         * Returns the servlet.
         *
         * @throws IllegalArgumentException if an origin is not one, or credentials are allowed to {@code *} or {@code null},
         *     which any page can have
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
