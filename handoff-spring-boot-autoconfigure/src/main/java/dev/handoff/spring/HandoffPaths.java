// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import jakarta.servlet.http.HttpServletRequest;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Decides which requests belong to handoff, by the path that the container has decoded. */
final class HandoffPaths {

    private static final String STATUS = "/status";

    private final @Nullable String events;
    private final Predicate<HttpServletRequest> routes;

    /**
     * Creates the paths.
     *
     * @param events the path of the streams within the application; null if this process delivers no streams
     * @param routes tests whether the path of a request is that of a route
     */
    HandoffPaths(@Nullable String events, Predicate<HttpServletRequest> routes) {
        this.events = events;
        this.routes = routes;
    }

    /**
     * Returns whether this is a request for a stream: its path has a token, or a token and {@code /status}. Longer paths are not such
     * requests, because a servlet of the application may have them.
     */
    boolean isStream(HttpServletRequest request) {
        String path = path(request);
        if (events == null || !path.startsWith(events + "/")) {
            return false;
        }
        String rest = path.substring(events.length() + 1);
        String token = rest.endsWith(STATUS) ? rest.substring(0, rest.length() - STATUS.length()) : rest;
        return !token.isEmpty() && token.indexOf('/') < 0;
    }

    /** Returns the path of a request for a stream, with {@code {token}} in place of the token. */
    String withoutToken(HttpServletRequest request) {
        return request.getContextPath() + events + "/{token}" + (path(request).endsWith(STATUS) ? STATUS : "");
    }

    /** Returns whether the path of a request is that of a route. */
    boolean isHandOff(HttpServletRequest request) {
        return routes.test(request);
    }

    private static String path(HttpServletRequest request) {
        String pathInfo = request.getPathInfo();
        return pathInfo == null ? request.getServletPath() : request.getServletPath() + pathInfo;
    }
}
