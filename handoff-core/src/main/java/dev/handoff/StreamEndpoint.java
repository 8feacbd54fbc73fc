// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.check.Durations;
import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feeds;
import dev.handoff.delivery.ReaderObserver;
import dev.handoff.delivery.Rendering;
import dev.handoff.format.Framing;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Prefer;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import dev.handoff.token.Grant;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Serves streams, independent of a server: answers each request for a stream with a {@link Reply}, an {@link EventFeed} or a
 * {@link DocumentFeed}. An adapter maps the requests of its server to {@link HandoffRequest} and writes the answer to the socket.
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
 * <tr><td>{@code GET} or {@code POST /{token}}</td><td>the stream as Server-Sent Events, as JSON lines or, once it has ended, as one
 * document. With {@code Last-Event-ID} or {@code ?last_event_id=}, only what comes after that event; 204 if that event is the end</td></tr>
 * <tr><td>{@code GET /{token}/status}</td><td>the status of the task, as JSON</td></tr>
 * <tr><td>{@code DELETE /{token}}</td><td>cancels the task: 202 if it is being cancelled or was cancelled before; 204 if it had completed
 * or failed</td></tr>
 * <tr><td>{@code HEAD}</td><td>the headers of {@code GET}</td></tr>
 * <tr><td>{@code OPTIONS}</td><td>the answer to a CORS preflight</td></tr>
 * </table>
 *
 * <p>Errors are answered with 401 if the token is not valid or has expired, 403 if the token lacks the right, 410 if the stream is no
 * longer kept, 503 if the store or the dispatcher fails, and 500 if the format fails.
 *
 * <p>Thread-safe. {@link #answer} blocks until the store, the dispatcher, the format and the
 * {@linkplain Builder#authorization authorization} return. It never waits until a task is done.
 */
public final class StreamEndpoint {

    /** The answer to a request. */
    public sealed interface Answer {}

    /** A complete answer. An adapter must not send {@code Content-Length: 0} for a HEAD, because the length of a GET is not known. */
    public record Whole(Reply reply) implements Answer {}

    /**
     * A stream that is sent event by event, as Server-Sent Events or as JSON lines, with status 200.
     *
     * @param headers all header fields of the response, each with one value or more
     * @param feed the content of the response
     */
    public record Events(Map<String, List<String>> headers, EventFeed feed) implements Answer {}

    /**
     * One document, which is sent when the stream has ended.
     *
     * @param headers header fields of the response in addition to those of the feed's reply
     * @param feed the content of the response
     */
    public record Document(Map<String, List<String>> headers, DocumentFeed feed) implements Answer {}

    private static final String STATUS = "/status";
    private static final List<String> STREAM_METHODS = List.of("GET", "HEAD", "POST", "DELETE", "OPTIONS");
    private static final List<String> STATUS_METHODS = List.of("GET", "HEAD", "OPTIONS");

    private final Handoff handoff;
    private final BiPredicate<HandoffRequest, Grant> authorization;
    private final Duration heartbeat;
    private final @Nullable Duration documentKeepAlive;
    private final Cors cors;
    private final Feeds feeds;
    private volatile boolean draining;

    private StreamEndpoint(Builder builder) {
        this.handoff = builder.handoff;
        this.authorization = builder.authorization;
        this.heartbeat = builder.heartbeat;
        this.documentKeepAlive = builder.documentKeepAlive;
        this.cors = new Cors(builder.corsOrigins, builder.corsCredentials);
        this.feeds = new Feeds(builder.ticker, heartbeat, builder.retry, handoff.observer, builder.readerObservers);
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
     * Returns the answer to a request. Turns each exception into an answer, except errors of the JVM such as {@link OutOfMemoryError},
     * which it throws.
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
        AuthorizedStream access = handoff.open(place.startsWith("/") ? place.substring(1) : place);
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
        throw new IllegalStateException("format " + chosen.name() + " is neither an EventFormat nor a DocumentFormat");
    }

    private Answer events(Exchange exchange, AuthorizedStream access, StreamFormat.EventFormat format) {
        Optional<EventFeed> feed =
                feeds.events(access, format, exchange.lastEventId().orElse(null));
        if (feed.isEmpty()) {
            // 204 keeps an EventSource from connecting again (HTML Standard, 9.2.3).
            return exchange.whole(Reply.of(204).with("Cache-Control", "no-store"));
        }
        if (exchange.isHead() || feed.get().framing() instanceof Framing.JsonLines) {
            refuseWhileDraining();
        }
        if (exchange.isHead()) {
            return exchange.whole(new Reply(200, feed.get().headers(), null));
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
        return new Document(
                exchange.headers(Map.of()), feeds.document(access, format, waitFor, location, documentKeepAlive));
    }

    private void refuseWhileDraining() {
        if (draining) {
            throw ProblemCode.DRAINING.exception("This server is about to stop. Connect again.");
        }
    }

    /**
     * Makes new requests go to another server from now on. A request for Server-Sent Events gets 200 and the event {@code interrupted},
     * after which an {@code EventSource} connects again. A request for JSON lines or a document, and HEAD, is refused with 503. Feeds that
     * are open continue until the adapter interrupts them. Never blocks. Another call changes nothing.
     */
    public void drain() {
        draining = true;
    }

    /** Answers new requests as before the call of {@link #drain}, for a server that starts again. */
    public void reopen() {
        draining = false;
    }

    /** Returns whether {@link #drain} was called, and {@link #reopen} was not called after it. */
    public boolean isDraining() {
        return draining;
    }

    /**
     * Reports to the dispatcher which streams have readers on this server, and to the {@link HandoffObserver} what readers were sent since the
     * last call. An adapter calls this about once a second, so that a dispatcher can cancel tasks without readers. Blocks as long as the
     * dispatcher and the cancel actions of tasks do. Throws what the dispatcher throws.
     */
    public void reportReaders() {
        feeds.reportDeliveries();
        handoff.reportReaders(feeds.streamIds());
    }

    /** Returns whether a stream has a reader on this server. */
    public boolean hasReaders() {
        return !feeds.isEmpty();
    }

    /** Returns the milliseconds since this endpoint was created, by its ticker. The feeds of this endpoint use the same time. */
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
        private @Nullable Duration documentKeepAlive;
        private @Nullable Duration retry;
        private final List<Function<Grant, ReaderObserver>> readerObservers = new ArrayList<>();
        private Set<String> corsOrigins = Set.of();
        private boolean corsCredentials;

        private Builder(Handoff handoff) {
            this.handoff = handoff;
        }

        /**
         * Sets the check whether a request may use a token. By default each request with a valid token may. An application whose streaming
         * server knows its users can compare the subject or the claims of the grant with the user of the request; see
         * {@link Handoff.Builder#claims}. If the function returns false, the request is answered with 403. If it throws a
         * {@link ProblemException}, the request is answered with that problem. CORS preflights are not checked.
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

        /**
         * Sets the time without a write after which a heartbeat is sent; 15 seconds by default. A heartbeat is a comment or, in JSON lines,
         * a space. Clients ignore it.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder heartbeat(Duration heartbeat) {
            this.heartbeat = Durations.requirePositive("heartbeat", heartbeat);
            return this;
        }

        /**
         * Sets the time without a byte after which a client that waits for a document gets a space; by default it gets none. The spaces keep
         * clients and proxies from giving up, and show the server that a client has left. They come only before documents of formats that
         * {@linkplain StreamFormat.DocumentFormat#contentTypeAfterSpaces allow them}, over HTTP/1.1 and later, and not to a client that
         * sent {@code Prefer: wait}.
         *
         * <p>The status is sent with the first space, and is 200. If the task then fails or is cancelled, the client gets the content of the
         * error and an aborted connection, because many clients look only at the status. See {@code docs/proxies.md}.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder documentKeepAlive(Duration documentKeepAlive) {
            this.documentKeepAlive = Durations.requirePositive("documentKeepAlive", documentKeepAlive);
            return this;
        }

        /**
         * Sets how long clients are asked to wait before they reconnect, in whole milliseconds; by default they decide.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder retry(Duration retry) {
            this.retry = Durations.requirePositive("retry", retry);
            return this;
        }

        /**
         * Adds a function that returns the observer of one reader, for example to trace it. It is called for each reader that was connected.
         * {@link Handoff.Builder#observer} sets the observer of all readers together.
         */
        public Builder readerObserver(Function<Grant, ReaderObserver> readerObserver) {
            readerObservers.add(readerObserver);
            return this;
        }

        /**
         * Sets the origins whose pages may read streams; none by default, so that only pages of the streaming server's own origin can. An
         * origin is written as browsers send it: in lower case and without a default port, such as {@code https://chat.example.com}.
         * {@code *} allows all origins.
         */
        public Builder corsOrigins(String... origins) {
            this.corsOrigins = Set.of(origins);
            return this;
        }

        /** Sets whether pages of the {@linkplain #corsOrigins allowed origins} may send credentials; by default they may not. */
        public Builder corsCredentials(boolean allowed) {
            this.corsCredentials = allowed;
            return this;
        }

        /**
         * Returns the endpoint.
         *
         * @throws IllegalArgumentException if an origin is neither {@code *} nor {@code null} and does not have the form
         *     {@code scheme://host[:port]} in lower case; or if credentials are allowed to {@code *} or {@code null}, because any page can
         *     have these origins
         */
        public StreamEndpoint build() {
            return new StreamEndpoint(this);
        }
    }
}
