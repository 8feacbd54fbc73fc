// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import dev.handoff.http.Reply;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpResponse;
import reactor.core.publisher.Mono;

/** Writes a {@link Reply} to a response of WebFlux. */
final class ReactiveReplies {

    private ReactiveReplies() {}

    static Mono<Void> write(ServerHttpResponse response, Reply reply) {
        begin(response, reply.status(), reply.headers());
        return !reply.hasBody()
                ? response.setComplete()
                : response.writeWith(Mono.just(response.bufferFactory().wrap(reply.bytes())));
    }

    /** Sets the status and the header fields. */
    static void begin(ServerHttpResponse response, int status, Map<String, List<String>> headers) {
        response.setStatusCode(HttpStatusCode.valueOf(status));
        set(response, headers);
    }

    /** Sets header fields in place of those that the response has already. */
    static void set(ServerHttpResponse response, Map<String, List<String>> headers) {
        headers.forEach((name, values) -> response.getHeaders().put(name, new ArrayList<>(values)));
    }
}
