// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.HandoffRequest;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Adapts a request for a stream to the core. Its content is never read. Its subject is the user that a login filter before the streaming
 * server has found, if there is one.
 */
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
        return request.getRemoteUser();
    }

    @Override
    public @Nullable Object attribute(String name) {
        return request.getAttribute(name);
    }

    @Override
    public String body() {
        return "";
    }

    @Override
    public byte[] bodyBytes() {
        return new byte[0];
    }
}
