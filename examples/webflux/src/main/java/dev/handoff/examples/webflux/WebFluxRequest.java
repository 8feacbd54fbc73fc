// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import dev.handoff.http.HandoffRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.server.ServerWebExchange;

/** Adapts a request of WebFlux to the core. */
final class WebFluxRequest implements HandoffRequest {

    private final ServerWebExchange exchange;
    private final ServerHttpRequest request;
    private final @Nullable String subject;
    private final byte[] body;

    /**
     * Creates an adapter of a request.
     *
     * @param subject the user that sent the request; null if unknown
     * @param body the content
     */
    WebFluxRequest(ServerWebExchange exchange, @Nullable String subject, byte[] body) {
        this.exchange = exchange;
        this.request = exchange.getRequest();
        this.subject = subject;
        this.body = body;
    }

    @Override
    public String method() {
        return request.getMethod().name();
    }

    @Override
    public String path() {
        return request.getPath().pathWithinApplication().value();
    }

    @Override
    public String contextPath() {
        return request.getPath().contextPath().value();
    }

    @Override
    public @Nullable String query() {
        return request.getURI().getRawQuery();
    }

    @Override
    public @Nullable String header(String name) {
        List<String> lines = request.getHeaders().getOrEmpty(name);
        return lines.isEmpty() ? null : String.join(", ", lines);
    }

    @Override
    public @Nullable String subject() {
        return subject;
    }

    @Override
    public String body() {
        return new String(body, StandardCharsets.UTF_8);
    }

    @Override
    public byte[] bodyBytes() {
        return body;
    }

    @Override
    public @Nullable Object attribute(String name) {
        return exchange.getAttribute(name);
    }
}
