// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.http.HandoffRequest;
import dev.handoff.servlet.ServletHandoffRequest;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.web.servlet.HandlerMapping;

/** The request of a controller: a servlet request whose path variables are those of Spring MVC. */
final class ControllerRequest implements HandoffRequest {

    private final ServletHandoffRequest request;
    private final HttpServletRequest servletRequest;

    ControllerRequest(ServletHandoffRequest request, HttpServletRequest servletRequest) {
        this.request = request;
        this.servletRequest = servletRequest;
    }

    @Override
    public String method() {
        return request.method();
    }

    @Override
    public String path() {
        return request.path();
    }

    @Override
    public String contextPath() {
        return request.contextPath();
    }

    @Override
    public @Nullable String query() {
        return request.query();
    }

    @Override
    public @Nullable String header(String name) {
        return request.header(name);
    }

    @Override
    public @Nullable String subject() {
        return request.subject();
    }

    @Override
    public String body() {
        return request.body();
    }

    @Override
    public byte[] bodyBytes() {
        return request.bodyBytes();
    }

    @Override
    public @Nullable Object attribute(String name) {
        return request.attribute(name);
    }

    @Override
    public String pathVariable(String name) {
        Object variables = servletRequest.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE);
        if (variables instanceof Map<?, ?> map && map.get(name) instanceof String value) {
            return value;
        }
        return HandoffRequest.super.pathVariable(name);
    }
}
