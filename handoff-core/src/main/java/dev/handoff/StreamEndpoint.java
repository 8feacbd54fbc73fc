// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.check.Durations;
import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feeds;
import dev.handoff.delivery.Rendering;
import dev.handoff.format.Framing;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Prefer;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.time.Ticker;
import dev.handoff.token.Grant;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The streaming server as a value: answers a request for a stream with a {@link Reply}, an {@link EventFeed} or a {@link DocumentFeed}.
 * An adapter maps the requests of its server to {@link HandoffRequest} and writes the answer to the socket.
 *
 * <pre>{@code
 * StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
 *         .corsOrigins("https://chat.example.com")
 *         .build();
 * StreamEndpoint.Answer answer = endpoint.answer(request, "/" + token);
 * if (answer instanceof StreamEndpoint.Whole whole) {
 *     write(whole.reply());
 * } else if (answer instanceof StreamEndpoint.Events events) {
 *     stream(events.headers(), events.feed());
 * } else if (answer instanceof StreamEndpoint.Document document) {
 *     await(document.headers(), document.feed());
 * }
 * }</pre>
 *
 * <table>
 * <caption>Requests and answers</caption>
 * <tr><td>{@code GET} or {@code POST /{token}}</td><td>the stream, as Server-Sent Events, as JSON lines or, once it
 * has ended, as one document; after the event that {@code Last-Event-ID} or {@code ?last_event_id=} names, if one does; 204 if there is
 * nothing after it</td></tr>
 * <tr><td>{@code GET /{token}/status}</td><td>the status of the task, as JSON</td></tr>
 * <tr><td>{@code DELETE /{token}}</td><td>cancels: 202, or 204 if the task had ended</td></tr>
 * <tr><td>{@code HEAD}</td><td>the headers of {@code GET}</td></tr>
 * <tr><td>{@code OPTIONS}</td><td>the answer to a CORS preflight</td></tr>
 * </table>
 *
 * <p>A token that is bad or has expired is answered with 401, a right that it does not have with 403, a stream that is no
 * longer kept with 410, a store or a dispatcher that fails with 503, and a format that fails with 500.
 *
 * <p>Thread-safe. Methods block for as long as the store, the dispatcher and the format do, never as long as a task takes.
 */
public final class StreamEndpoint {

    /** The answer to a request. */
    public sealed interface Answer {}

    /** A complete answer. An answer to HEAD without content does not say how long the content of GET is. */
    public record Whole(Reply reply) implements Answer {}

    /**
     * A stream event by event, as Server-Sent Events or as JSON lines, with status 200.
     *
     * @param headers all header fields of the response, each with one value or more
     * @param feed the content of the response
     */
    public record Events(Map<String, List<String>> headers, EventFeed feed) implements Answer {}

    /**
     * One document, once the stream has ended.
     *
     * @param headers header fields of the response beside those of the feed's reply
     * @param feed the content of the response
     */
    public record Document(Map<String, List<String>> headers, DocumentFeed feed) implements Answer {}

    private static final String STATUS = "/status";
    private static final List<String> STREAM_METHODS = List.of("GET", "HEAD", "POST", "DELETE", "OPTIONS");
    private static final List<String> STATUS_METHODS = List.of("GET", "HEAD", "OPTIONS");

    private final Handoff handoff;
    private final BiPredicate<HandoffRequest, Grant> authorization;
    private final Duration heartbeat;
    private final Cors cors;
    private final Feeds feeds;
    private volatile boolean draining;

    private StreamEndpoint(Builder builder) {
        this.handoff = builder.handoff;
        this.authorization = builder.authorization;
        this.heartbeat = builder.heartbeat;
        this.cors = new Cors(builder.corsOrigins, builder.corsCredentials);
        this.feeds = new Feeds(builder.ticker, heartbeat, builder.retry, handoff.observer);
    }

    /** Returns a builder of an endpoint that serves the streams of a hand-off. */
    public static Builder builder(Handoff handoff) {
        return new Builder(handoff);
    }

    /** Returns an endpoint with the default settings, which serves the streams of a hand-off. */
    public static StreamEndpoint of(Handoff handoff) {
        return builder(handoff).build();
    }

    /**
     * Returns the answer to a request. Throws nothing but errors of the whole JVM.
     *
     * @param path the path below the one to which the streaming server is mapped: {@code /{token}} or {@code /{token}/status}
     */
    public Answer answer(HandoffRequest request, String path) {
        Exchange exchange = new Exchange(request, cors);
        try {
            return answer(exchange, path);
        } catch (Throwable e) {
            Problem problem = Rendering.problemOf(e);
            handoff.observer.refused(problem.status(), problem.code());
            return exchange.whole(Rendering.error(exchange.format, problem));
        }
    }

    private Answer answer(Exchange exchange, String path) {
        String method = exchange.request.method();
        boolean status = path.endsWith(STATUS);
        List<String> allowed = status ? STATUS_METHODS : STREAM_METHODS;
        String methods = String.join(", ", allowed);
        if (method.equals("OPTIONS")) {
            return exchange.whole(Reply.of(204).with("Allow", methods));
        }
        if (!allowed.contains(method)) {
            Problem problem = ProblemCode.METHOD_NOT_ALLOWED.problem("Only " + methods + " can be used here.");
            handoff.observer.refused(problem.status(), problem.code());
            return exchange.whole(Rendering.error(null, problem).with("Allow", methods));
        }
        String place = status ? path.substring(0, path.length() - STATUS.length()) : path;
        String token = place.startsWith("/") ? place.substring(1) : place;
        AuthorizedStream access = handoff.open(token);
        exchange.format = access.format();
        if (!authorization.test(exchange.request, access.grant())) {
            throw ProblemCode.NOT_AUTHORIZED.exception("This request may not use the stream.");
        }
        if (status) {
            return exchange.whole(
                    Reply.of(200, Reply.JSON, feeds.status(access)).with("Cache-Control", "no-store"));
        }
        StreamFormat chosen = Rendering.accepted(access.format(), exchange.request.header("Accept"));
        exchange.format = chosen;
        exchange.extra = Rendering.headers(chosen, access.grant().streamId());
        if (method.equals("DELETE")) {
            return exchange.whole(Reply.of(access.cancel() ? 202 : 204).with("Cache-Control", "no-store"));
        }
        // Comes first, because the client may not be allowed to read the stream.
        access.requireReadable();
        if (chosen instanceof StreamFormat.EventFormat format) {
            return events(exchange, access, format);
        }
        if (chosen instanceof StreamFormat.DocumentFormat format) {
            return document(exchange, access, format);
        }
        throw new IllegalStateException("a format is neither of events nor a document");
    }

    private Answer events(Exchange exchange, AuthorizedStream access, StreamFormat.EventFormat format) {
        Optional<EventFeed> feed =
                feeds.events(access, format, exchange.lastEventId().orElse(null));
        if (feed.isEmpty()) {
            // 204 keeps an EventSource from connecting again (HTML Standard, 9.2.3).
            return exchange.whole(Reply.of(204).with("Cache-Control", "no-store"));
        }
        if (exchange.isHead()) {
            refuseWhileDraining();
            return exchange.whole(new Reply(200, feed.get().headers(), null));
        }
        if (feed.get().framing() instanceof Framing.JsonLines) {
            refuseWhileDraining();
        }
        if (draining) {
            // Not an error, since an EventSource tries again only after a 200.
            feed.get().interrupt(Feed.INTERRUPTED);
        }
        return new Events(exchange.headers(Exchange.lists(feed.get().headers())), feed.get());
    }

    private Answer document(Exchange exchange, AuthorizedStream access, StreamFormat.DocumentFormat format) {
        refuseWhileDraining();
        if (exchange.isHead()) {
            return exchange.whole(
                    Feeds.ended(access, format).orElse(Reply.of(200).with("Cache-Control", "no-store")));
        }
        Duration waitFor =
                Prefer.parse(exchange.request.header("Prefer")).waitFor().orElse(null);
        String location = exchange.request.contextPath() + exchange.request.path();
        return new Document(exchange.headers(Map.of()), feeds.document(access, format, waitFor, location));
    }

    private void refuseWhileDraining() {
        if (draining) {
            throw ProblemCode.DRAINING.exception("This server is about to stop. Connect again.");
        }
    }

    /**
     * Sends clients away from now on: a request for Server-Sent Events is answered with an interruption, which an {@code EventSource} takes
     * for a reason to connect again, and a request for JSON lines or a document is refused with 503. Feeds that are open go on until the adapter interrupts them.
     */
    public void drain() {
        draining = true;
    }

    /** Returns whether {@link #drain} was called. */
    public boolean isDraining() {
        return draining;
    }

    /**
     * Tells the dispatcher which streams are being read. An adapter calls this about once a second, so that tasks without readers can be
     * cancelled. May block as long as the dispatcher and cancel actions do.
     */
    public void reportReaders() {
        handoff.reportReaders(feeds.streamIds());
    }

    /** Returns whether any stream is being read. */
    public boolean hasReaders() {
        return !feeds.isEmpty();
    }

    /** Returns the time of all feeds: the milliseconds since the endpoint was created, by its ticker. */
    public long now() {
        return feeds.now();
    }

    /** Returns the time without a write after which a heartbeat is sent. */
    public Duration heartbeat() {
        return heartbeat;
    }

    /** Sets the options of an endpoint. Not thread-safe. */
    public static final class Builder {

        private final Handoff handoff;
        private BiPredicate<HandoffRequest, Grant> authorization = (request, grant) -> true;
        private Ticker ticker = Ticker.system();
        private Duration heartbeat = Duration.ofSeconds(15);
        private @Nullable Duration retry;
        private Set<String> corsOrigins = Set.of();
        private boolean corsCredentials;

        private Builder(Handoff handoff) {
            this.handoff = handoff;
        }

        /**
         * Sets who may use a token. By default everyone who holds it may. An application whose streaming server knows its users can compare the
         * subject or the claims of the grant with the user of the request; see {@link Handoff.Builder#claims}. If it returns false, the request is answered with 403; if it throws a
         * {@link ProblemException}, with that problem. It is not asked about preflights of CORS.
         */
        public Builder authorization(BiPredicate<HandoffRequest, Grant> authorization) {
            this.authorization = authorization;
            return this;
        }

        /** Sets the source of time for heartbeats and {@code Prefer: wait}; {@link Ticker#system} by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** Sets the time without a write after which a heartbeat is sent; 15 seconds by default. A heartbeat is a comment or, in JSON lines, a space. Clients ignore it. */
        public Builder heartbeat(Duration heartbeat) {
            this.heartbeat = Durations.requirePositive("heartbeat", heartbeat);
            return this;
        }

        /** Sets how long clients of events are told to wait before they reconnect; by default they decide. */
        public Builder retry(Duration retry) {
            this.retry = Durations.requirePositive("retry", retry);
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

        /** Sets whether those pages may send credentials. By default they may not, because a token needs none. */
        public Builder corsCredentials(boolean allowed) {
            this.corsCredentials = allowed;
            return this;
        }

        /**
         * Returns the endpoint.
         *
         * @throws IllegalArgumentException if an origin is not one, or credentials are allowed to {@code *} or {@code null},
         *     which any page can have
         */
        public StreamEndpoint build() {
            return new StreamEndpoint(this);
        }
    }
}
