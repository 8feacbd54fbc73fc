// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.delivery.EventId;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Dispatches the task of a request and leads the client to its stream. This is the entry point of the library. An application server hands
 * a request off with {@link #begin}. A streaming server opens the stream of a token with {@link #open}. One process can do both, or several
 * processes can share the work.
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
 * <p>Thread-safe. Methods block until the dispatcher and the store answer. They never wait until a task is done.
 */
public final class Handoff {

    private final TaskDispatcher dispatcher;
    private final EventStore store;
    private final TokenSealer sealer;
    private final StreamRedirects redirects;
    private final Formats formats;
    private final Set<Grant.Right> rights;
    private final Duration grantLifetime;
    private final Clock clock;
    private final Retries retries;
    private final Resumption.Check resumptions;
    final HandoffObserver observer;

    private Handoff(Builder builder) {
        this.dispatcher = new TranslatingDispatcher(builder.dispatcher);
        this.store = builder.store;
        this.sealer = builder.sealer;
        this.redirects = new StreamRedirects(sealer, builder.eventsUrl, builder.claims, builder.redirectPolicy);
        this.formats = new Formats(builder.formats);
        this.rights = builder.rights;
        this.grantLifetime = builder.grantLifetime;
        this.clock = builder.clock;
        this.retries = new Retries(dispatcher, sealer);
        this.resumptions = new Resumption.Check(dispatcher, sealer, formats, clock, grantLifetime);
        this.observer = GuardedObserver.of(builder.observer);
    }

    private Handoff(Handoff other, RedirectPolicy redirectPolicy) {
        this.dispatcher = other.dispatcher;
        this.store = other.store;
        this.sealer = other.sealer;
        this.redirects = other.redirects.with(redirectPolicy);
        this.formats = other.formats;
        this.rights = other.rights;
        this.grantLifetime = other.grantLifetime;
        this.clock = other.clock;
        this.retries = other.retries;
        this.resumptions = other.resumptions;
        this.observer = other.observer;
    }

    /** Returns a builder of a hand-off that uses these components. */
    public static Builder builder(TaskDispatcher dispatcher, EventStore store, TokenSealer sealer) {
        return new Builder(dispatcher, store, sealer);
    }

    /** Returns the same hand-off with another redirect policy, for one route or controller. */
    public Handoff withRedirectPolicy(RedirectPolicy redirectPolicy) {
        return new Handoff(this, redirectPolicy);
    }

    /**
     * Dispatches a task and returns the reply that leads the client to its stream. A task without a subject gets the subject of the
     * request. A task without an idempotency key gets the request's {@code Idempotency-Key}. All requests of one subject with the same key
     * are led to the same stream, and the task runs once. A request with a {@code Last-Event-ID} starts nothing and is answered as
     * {@link #resume} describes.
     *
     * <p>The claims function and the redirect policy run before the task is dispatched, so nothing is started if one of them throws.
     *
     * @throws ProblemException if the key is not valid or no handler does tasks of this type (400), the task is too large (413), the key
     *     was used for another request (422) or for a task that is no longer kept, although its events are (409), or the dispatcher
     *     refuses the task or fails (503). Nothing was started then, except that a dispatcher that failed may have accepted the task. Also
     *     what {@link #resume} throws
     * @throws IllegalArgumentException if no format has the name that the task gives, or the claims do not fit into a {@link Grant};
     *     nothing was started
     */
    public Reply begin(HandoffRequest request, Task task) {
        return begin(request, task, Duration.ZERO);
    }

    /**
     * Does what {@link #begin(HandoffRequest, Task)} does, and also recognizes retries without an {@code Idempotency-Key}. A request is
     * such a retry if its header field {@code X-Stainless-Retry-Count} is above 0; the SDKs of OpenAI send this field, for example after a
     * time-out. If the same subject asked for the same type and payload within the given time, and that task has neither failed nor been
     * cancelled, the client is led to the stream of that task and nothing is started. If the subject is not known, the client may then read
     * the stream but not cancel the task.
     *
     * @param joinRetriesWithin how long after the first request its retries are recognized; zero to recognize none
     * @throws ProblemException as {@link #begin(HandoffRequest, Task)} does
     */
    public Reply begin(HandoffRequest request, Task task, Duration joinRetriesWithin) {
        try {
            return resumeOrDispatch(request, task, joinRetriesWithin);
        } catch (ProblemException e) {
            throw refused(e);
        }
    }

    private ProblemException refused(ProblemException e) {
        observer.refused(e.problem().status(), e.problem().code());
        return e;
    }

    private Reply resumeOrDispatch(HandoffRequest request, Task task, Duration joinRetriesWithin) {
        Optional<Reply> resumed = resumed(request);
        if (resumed.isPresent()) {
            return resumed.get();
        }
        formats.require(task.format());
        Task owned = Retries.requested(task, request);
        if (owned.idempotencyKey() != null) {
            owned = owned.withId(retries.idOf(owned.subject(), owned.idempotencyKey()));
        } else {
            Optional<TaskStatus> first = retries.earlier(request, owned, joinRetriesWithin);
            if (first.isPresent()) {
                observer.joined(owned.type());
                Set<Grant.Right> returning = rightsOfReturning(owned.subject());
                return handOff(request, owned.withId(first.get().taskId()), returning);
            }
        }
        // Before the task is dispatched, because nothing may fail after that.
        Reply reply = handOff(request, owned, rights);
        dispatcher.accept(owned);
        return reply;
    }

    /** Returns the rights of a caller that comes back. A caller without a subject may be another one, so it cannot cancel. */
    private Set<Grant.Right> rightsOfReturning(@Nullable String subject) {
        return subject == null && rights.contains(Grant.Right.READ) ? Set.of(Grant.Right.READ) : rights;
    }

    /**
     * Returns the reply to a request with a {@code Last-Event-ID}, which leads the client back to its stream. Many clients reconnect to the
     * address of their first request, with the same method and body. They want the rest of the answer and not a second one.
     *
     * <p>A known subject may resume each stream that it began. A caller without a subject may resume a stream that was begun without one,
     * if its {@link EventId} has a valid proof, and only until {@link Builder#grantLifetime} after the task was accepted. It may read the
     * stream but not cancel the task.
     *
     * @return empty if the request has no {@code Last-Event-ID}
     * @throws ProblemException if the id is not an event id of this server (400), the time to resume without a subject is over (401), the
     *     stream belongs to another subject or the proof is not valid (403), the task is no longer kept (410), or this server does not know
     *     the format of the task or the dispatcher fails (503)
     */
    public Optional<Reply> resume(HandoffRequest request) {
        try {
            return resumed(request);
        } catch (ProblemException e) {
            throw refused(e);
        }
    }

    private Optional<Reply> resumed(HandoffRequest request) {
        Optional<Resumption> found = resumptions.of(request);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Resumption resumption = found.get();
        Grant grant = new Grant(
                resumption.last().streamId(),
                rightsOfReturning(request.subject()),
                resumption.format(),
                request.subject(),
                resumption.expires());
        Reply reply = redirects.reply(request, grant, resumption.last());
        observer.resumed(resumption.format());
        return Optional.of(reply);
    }

    /**
     * Returns the stream that a token opens. Asks neither the store nor the dispatcher, so it blocks only if the {@link TokenSealer} does.
     * {@link AuthorizedStream#stream} checks whether the stream is still kept.
     *
     * @throws ProblemException if the token is not valid or has expired (401), or if it names a format that this server does not know
     *     (503). Another server may know the format while a new version is rolled out
     */
    public AuthorizedStream open(String token) {
        Grant grant = sealer.open(token);
        return new AuthorizedStream(
                grant, formats.ofAccepted(grant.format()), store, dispatcher, sealer.proof(grant.streamId()));
    }

    /** Reports to {@link TaskDispatcher#reportReaders} which streams have readers on this server. Throws what the dispatcher throws. */
    public void reportReaders(Collection<String> streamIds) {
        dispatcher.reportReaders(streamIds);
    }

    private Reply handOff(HandoffRequest request, Task task, Set<Grant.Right> granted) {
        Instant expires = clock.instant().plus(grantLifetime);
        return redirects.reply(request, new Grant(task.id(), granted, task.format(), task.subject(), expires), null);
    }

    /** Sets the options of a hand-off. Not thread-safe. */
    public static final class Builder {

        private final TaskDispatcher dispatcher;
        private final EventStore store;
        private final TokenSealer sealer;
        private final Map<String, StreamFormat> formats = new HashMap<>();
        private RedirectPolicy redirectPolicy = RedirectPolicy.seeOther();
        private Set<Grant.Right> rights = Set.of(Grant.Right.values());
        private Function<HandoffRequest, Map<String, String>> claims = request -> Map.of();
        private Duration grantLifetime = Duration.ofHours(24);
        private EventsUrl eventsUrl = EventsUrl.DEFAULT;
        private Clock clock = Clock.systemUTC();
        private HandoffObserver observer = HandoffObserver.NONE;

        private Builder(TaskDispatcher dispatcher, EventStore store, TokenSealer sealer) {
            this.dispatcher = dispatcher;
            this.store = store;
            this.sealer = sealer;
            format(StreamFormat.standard());
            format(StreamFormat.jsonLines());
            format(StreamFormat.result());
        }

        /** Sets the policy that sends clients to their streams; {@link RedirectPolicy#seeOther} by default. */
        public Builder redirectPolicy(RedirectPolicy redirectPolicy) {
            this.redirectPolicy = redirectPolicy;
            return this;
        }

        /**
         * Adds a format to {@code standard}, {@code json-lines} and {@code result}.
         *
         * @throws IllegalArgumentException if a format with this name exists
         */
        public Builder format(StreamFormat format) {
            if (formats.putIfAbsent(format.name(), format) != null) {
                throw new IllegalArgumentException("there is already a stream format with the name " + format.name());
            }
            return this;
        }

        /** Sets the rights that a token grants; reading and cancelling by default. */
        public Builder rights(Set<Grant.Right> rights) {
            this.rights = Set.copyOf(rights);
            return this;
        }

        /**
         * Sets the function that returns the claims of a token, such as the tenant and the user of the request; none by default. The token
         * holds them in sealed form, and {@link StreamEndpoint.Builder#authorization} sees them in the grant. The function is called for
         * each request that is led to a stream, including those that resume. It is called before the task is dispatched. It may throw a
         * {@link ProblemException}. If the claims do not fit into a {@link Grant}, the request fails and nothing is started.
         */
        public Builder claims(Function<HandoffRequest, Map<String, String>> claims) {
            this.claims = claims;
            return this;
        }

        /** Replaces the function of {@link #claims} by one that may call it, for libraries that add claims. Call it after that method. */
        public Builder decorateClaims(UnaryOperator<Function<HandoffRequest, Map<String, String>>> decorator) {
            return claims(decorator.apply(claims));
        }

        /**
         * Sets how long a token can be used; 24 hours by default. A token expires at a whole second, so fractions are lost. A reader that
         * is connected when its token expires continues to read.
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
         * Sets the address of the streaming server: a path on the host of the request, or an absolute URL, without a slash at the end. The
         * default is {@code /events} below the context path of the application that receives the request.
         *
         * @throws IllegalArgumentException if it is neither, ends with a slash, or holds user info, a query, a fragment or control
         *     characters
         */
        public Builder eventsUrl(String eventsUrl) {
            this.eventsUrl = EventsUrl.of(eventsUrl);
            return this;
        }

        /** Sets the path of the streaming server below the context path of the application; otherwise like {@link #eventsUrl}. */
        public Builder eventsPath(String eventsPath) {
            this.eventsUrl = EventsUrl.below(eventsPath);
            return this;
        }

        /** Sets the clock that determines when tokens expire; {@link Clock#systemUTC} by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /**
         * Sets the observer of requests that are joined, resumed or refused, and of the readers of each {@link StreamEndpoint} of this
         * hand-off; none by default. A dispatcher has its own observer, which may be the same object.
         */
        public Builder observer(HandoffObserver observer) {
            this.observer = observer;
            return this;
        }

        /** Returns the hand-off. */
        public Handoff build() {
            return new Handoff(this);
        }
    }
}
