package dev.handoff;

import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The front door. An application server hands requests off with {@link #begin}; a streaming server lets their answers be
 * read with {@link #open}. The two may be one process, or many.
 *
 * <pre>{@code
 * EventStore store = InMemoryEventStore.create();
 * TaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
 *         .handler("greet", (task, output) -> {
 *             for (String word : task.payload().split(" ")) {
 *                 output.emit(word);
 *             }
 *         })
 *         .build();
 * Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of(secret)).build();
 * }</pre>
 *
 * <p>Thread-safe. Methods block as long as the dispatcher and the store do, never as long as a task takes.
 */
public final class Handoff {

    private final TaskDispatcher dispatcher;
    private final EventStore store;
    private final TokenSealer sealer;
    private final RedirectPolicy redirectPolicy;
    private final Map<String, StreamFormat> formats;
    private final Set<Grant.Right> rights;
    private final Duration grantLifetime;
    private final String eventsUrl;
    private final Clock clock;

    private Handoff(Builder builder) {
        this.dispatcher = builder.dispatcher;
        this.store = builder.store;
        this.sealer = builder.sealer;
        this.redirectPolicy = builder.redirectPolicy;
        this.formats = Map.copyOf(builder.formats);
        this.rights = builder.rights;
        this.grantLifetime = builder.grantLifetime;
        this.eventsUrl = builder.eventsUrl;
        this.clock = builder.clock;
    }

    /** For a hand-off between these parts. */
    public static Builder builder(TaskDispatcher dispatcher, EventStore store, TokenSealer sealer) {
        return new Builder(dispatcher, store, sealer);
    }

    /**
     * Has a task done, and gives the answer that leads the client to its stream. The task is given the subject of the request
     * and its {@code Idempotency-Key}: the same subject with the same key is led to the same stream, and the task runs once.
     * A request that {@link #resume resumes} starts nothing.
     *
     * @throws ProblemException if the request or its key is bad (400), the key was used for another request (422), or no
     *     task can be taken (503); nothing was started then. Also what {@link #resume} throws
     */
    public Reply begin(HandoffRequest request, Task task) {
        Optional<Reply> resumed = resume(request);
        if (resumed.isPresent()) {
            return resumed.get();
        }
        format(task.format());
        String key = request.header("Idempotency-Key");
        Task owned = task.requestedBy(request.subject(), key == null ? null : IdempotencyKey.parse(key));
        // Made first: once the task is accepted nothing may fail any more.
        Reply reply = handOff(request, owned.id(), owned.format(), rights, null);
        dispatcher.dispatch(owned);
        return reply;
    }

    /**
     * The answer to a request that carries a {@code Last-Event-ID}: many clients reconnect to where they started, with the
     * same method and body, and mean the rest of the answer, not another one. They are led back to their stream. Where the
     * subject is not known they may read it, but not cancel.
     *
     * @return empty if the request has no {@code Last-Event-ID}
     * @throws ProblemException if the id is none of this server (400), its stream belongs to another subject (403) or is no
     *     longer kept (410)
     */
    public Optional<Reply> resume(HandoffRequest request) {
        String field = request.header("Last-Event-ID");
        if (field == null || field.isEmpty()) {
            return Optional.empty();
        }
        EventId last = parseLastEventId(field);
        TaskStatus status = dispatcher.status(last.streamId()).orElseThrow(Handoff::gone);
        if (!Objects.equals(status.subject(), request.subject())) {
            throw new ProblemException(
                    403, "not_your_stream", "Last-Event-ID names a stream of somebody else: " + last);
        }
        // Only events have ids, so this client reads events, whatever the first request of the task asked for.
        boolean events = format(status.format()) instanceof StreamFormat.EventFormat;
        String format = events ? status.format() : StreamFormat.standard().name();
        // Of those who are not known, nobody can tell whether this one began the stream: it may be read, as with any
        // id.
        Set<Grant.Right> granted =
                request.subject() == null && rights.contains(Grant.Right.READ) ? Set.of(Grant.Right.READ) : rights;
        return Optional.of(handOff(request, last.streamId(), format, granted, last));
    }

    /**
     * What a token opens.
     *
     * @throws ProblemException if the token is bad or has expired (401), or the stream is no longer kept (410)
     */
    public StreamAccess open(String token) {
        Grant grant = sealer.open(token);
        TaskStatus status = dispatcher.status(grant.streamId()).orElseThrow(Handoff::gone);
        EventStream stream = store.open(grant.streamId());
        if (status.state().isFinal() && stream.end().isEmpty()) {
            // The task is remembered longer than its events: without this a reader would wait for ever.
            throw gone();
        }
        return new StreamAccess(grant, format(grant.format()), stream, dispatcher);
    }

    /** Says whose streams are being read on this server; see {@link TaskDispatcher#attended}. */
    public void attended(Collection<String> streamIds) {
        dispatcher.attended(streamIds);
    }

    private Reply handOff(
            HandoffRequest request, String streamId, String format, Set<Grant.Right> granted, @Nullable EventId last) {
        Instant expires = clock.instant().plus(grantLifetime);
        Grant grant = new Grant(streamId, granted, format, request.subject(), expires);
        String location = eventsUrl + '/' + sealer.seal(grant);
        if (last != null) {
            // Also in the URL, since some clients drop the header when they follow a redirect.
            location += "?last_event_id=" + last;
        }
        return redirectPolicy.reply(request, grant, location);
    }

    private StreamFormat format(String name) {
        StreamFormat format = formats.get(name);
        if (format == null) {
            throw new IllegalArgumentException("no stream format has the name " + name + ", only " + formats.keySet());
        }
        return format;
    }

    static EventId parseLastEventId(String field) {
        try {
            return EventId.parse(field.strip());
        } catch (IllegalArgumentException e) {
            throw new ProblemException(
                    new Problem(400, "invalid_last_event_id", "Last-Event-ID is " + e.getMessage()), e);
        }
    }

    static ProblemException gone() {
        return new ProblemException(410, "stream_gone", "The stream is no longer kept.");
    }

    /** The settings of a hand-off. */
    public static final class Builder {

        private final TaskDispatcher dispatcher;
        private final EventStore store;
        private final TokenSealer sealer;
        private final Map<String, StreamFormat> formats = new HashMap<>();
        private RedirectPolicy redirectPolicy = RedirectPolicy.seeOther();
        private Set<Grant.Right> rights = Set.of(Grant.Right.values());
        private Duration grantLifetime = Duration.ofHours(24);
        private String eventsUrl = "/events";
        private Clock clock = Clock.systemUTC();

        private Builder(TaskDispatcher dispatcher, EventStore store, TokenSealer sealer) {
            this.dispatcher = dispatcher;
            this.store = store;
            this.sealer = sealer;
            format(StreamFormat.standard());
            format(StreamFormat.result());
        }

        /** How clients are sent to the stream; {@link RedirectPolicy#seeOther} by default. */
        public Builder redirectPolicy(RedirectPolicy redirectPolicy) {
            this.redirectPolicy = redirectPolicy;
            return this;
        }

        /**
         * One more format, beside {@code standard} and {@code result}.
         *
         * @throws IllegalArgumentException if there is one of this name
         */
        public Builder format(StreamFormat format) {
            if (formats.putIfAbsent(format.name(), format) != null) {
                throw new IllegalArgumentException(
                        "there is a stream format of the name " + format.name() + " already");
            }
            return this;
        }

        /** What the client may do with its stream; reading and cancelling by default. */
        public Builder rights(Set<Grant.Right> rights) {
            this.rights = Set.copyOf(rights);
            return this;
        }

        /**
         * How long a token can be used, in whole seconds; 24 hours by default. A stream that is being read then goes on.
         *
         * @throws IllegalArgumentException if it is less than a second
         */
        public Builder grantLifetime(Duration grantLifetime) {
            if (grantLifetime.toSeconds() < 1) {
                throw new IllegalArgumentException("grantLifetime is less than a second: " + grantLifetime);
            }
            this.grantLifetime = grantLifetime;
            return this;
        }

        /**
         * Where the streaming server is, without a slash at the end: a path on the host of the request, {@code /events} by
         * default, or an absolute URL.
         *
         * @throws IllegalArgumentException if it is neither
         */
        public Builder eventsUrl(String eventsUrl) {
            URI uri = URI.create(eventsUrl);
            boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
            boolean usable = uri.isAbsolute() ? http && uri.getHost() != null : eventsUrl.matches("/[^/].*");
            if (!usable || eventsUrl.endsWith("/") || uri.getRawQuery() != null || uri.getRawFragment() != null) {
                throw new IllegalArgumentException("eventsUrl is neither a path nor an absolute URL: " + eventsUrl);
            }
            this.eventsUrl = eventsUrl;
            return this;
        }

        /** The clock that the expiry of tokens is set by; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** The hand-off. */
        public Handoff build() {
            return new Handoff(this);
        }
    }
}
