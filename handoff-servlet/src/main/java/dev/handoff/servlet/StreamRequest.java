package dev.handoff.servlet;

import dev.handoff.http.HandoffRequest;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request for a stream as the core sees it. Its content is never read, and the token says whose stream it is. */
record StreamRequest(HttpServletRequest request) implements HandoffRequest {

    @Override
    public String method() {
        return request.getMethod();
    }

    @Override
    public String path() {
        return ServletHandoffRequest.path(request);
    }

    @Override
    public String contextPath() {
        return request.getContextPath();
    }

    @Override
    public @Nullable String query() {
        return request.getQueryString();
    }

    @Override
    public @Nullable String header(String name) {
        List<String> lines = Collections.list(request.getHeaders(name));
        return lines.isEmpty() ? null : String.join(", ", lines);
    }

    @Override
    public @Nullable String subject() {
        return null;
    }

    @Override
    public String body() {
        return "";
    }
}
