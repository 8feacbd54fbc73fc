// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.http.Reply;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.SignalType;
import reactor.core.scheduler.Scheduler;

/** Serves the streams of a {@link StreamEndpoint} under a path, such as {@code /events}. */
final class StreamWebHandler implements WebHandler, AutoCloseable {

    private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);

    private final StreamEndpoint endpoint;
    private final String prefix;
    private final Scheduler blocking;
    private final Set<Pump> pumps = ConcurrentHashMap.newKeySet();
    private final Disposable looking;

    /**
     * Creates a handler.
     *
     * @param prefix the part of the path before the token
     * @param blocking runs the calls of the store, which may block
     */
    StreamWebHandler(StreamEndpoint endpoint, String prefix, Scheduler blocking) {
        this.endpoint = endpoint;
        this.prefix = prefix;
        this.blocking = blocking;
        this.looking = blocking.schedulePeriodically(
                this::look, LOOK_INTERVAL.toMillis(), LOOK_INTERVAL.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public Mono<Void> handle(ServerWebExchange exchange) {
        WebFluxRequest request = new WebFluxRequest(exchange, null, new byte[0]);
        String path = request.path().substring(prefix.length());
        ServerHttpResponse response = exchange.getResponse();
        return Mono.fromCallable(() -> endpoint.answer(request, path))
                .subscribeOn(blocking)
                .flatMap(answer -> write(answer, response));
    }

    private Mono<Void> write(StreamEndpoint.Answer answer, ServerHttpResponse response) {
        if (answer instanceof StreamEndpoint.Events events) {
            return opened(events.feed(), response, pump -> events(events.headers(), events.feed(), pump, response));
        }
        if (answer instanceof StreamEndpoint.Document document) {
            return opened(
                    document.feed(), response, pump -> document(document.headers(), document.feed(), pump, response));
        }
        return ReactiveReplies.write(response, ((StreamEndpoint.Whole) answer).reply());
    }

    /** Opens a feed and writes it, or answers with an error. */
    private Mono<Void> opened(Feed feed, ServerHttpResponse response, Function<Pump, Mono<Void>> writing) {
        Pump pump = new Pump(feed);
        return Mono.fromCallable(() -> {
                    feed.open(pump::wake);
                    return pump;
                })
                .subscribeOn(blocking)
                .flatMap(open -> {
                    pumps.add(pump);
                    if (endpoint.isDraining()) {
                        feed.interrupt(Feed.INTERRUPTED);
                    }
                    return writing.apply(pump);
                })
                .onErrorResume(
                        e -> response.isCommitted() ? Mono.error(e) : ReactiveReplies.write(response, feed.error(e)))
                .publishOn(blocking)
                .doFinally(signal -> {
                    pumps.remove(pump);
                    if (signal == SignalType.CANCEL) {
                        feed.closesBecause(ReaderEnd.CLIENT_GONE);
                    }
                    feed.close();
                });
    }

    private Mono<Void> events(
            Map<String, List<String>> headers, EventFeed feed, Pump pump, ServerHttpResponse response) {
        ReactiveReplies.begin(response, 200, headers);
        Flux<DataBuffer> parts = pump.parts(feed, response.bufferFactory(), blocking);
        // WebFlux sends the header fields with the first bytes, so this sends a heartbeat before the first event.
        DataBuffer filler =
                response.bufferFactory().wrap(feed.filler().toString().getBytes(StandardCharsets.UTF_8));
        // WebFlux flushes each part.
        return response.writeAndFlushWith(parts.startWith(filler).map(Mono::just));
    }

    private Mono<Void> document(
            Map<String, List<String>> headers, DocumentFeed feed, Pump pump, ServerHttpResponse response) {
        Mono<Reply> reply = pump.reply(feed, blocking);
        return reply.flatMap(r -> {
            ReactiveReplies.set(response, headers);
            return ReactiveReplies.write(response, r);
        });
    }

    /** Reads each stream again once a second, in case a hint was lost, and reports to the dispatcher which streams have readers. */
    private void look() {
        Object run = new Object();
        pumps.forEach(pump -> pump.look(run, endpoint.now()));
        endpoint.reportReaders();
    }

    /** Ends all responses, so that clients continue on another server. */
    void drain() {
        endpoint.drain();
        pumps.forEach(Pump::interrupt);
    }

    @Override
    public void close() {
        drain();
        looking.dispose();
    }
}
