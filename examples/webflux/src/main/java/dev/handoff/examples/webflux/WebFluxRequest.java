package dev.handoff.examples.webflux;

import dev.handoff.http.HandoffRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;

/**
 * A request of WebFlux as the core sees it.
 *
 * @param subject who asks; null if nobody is known
 * @param body the content
 */
record WebFluxRequest(ServerHttpRequest request, @Nullable String subject, String body) implements HandoffRequest {

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
}
