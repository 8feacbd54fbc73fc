// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Set;
import java.util.function.Supplier;

/** Decides which requests belong to handoff, by the path that the container has decoded. */
final class HandoffPaths {

    private final String events;
    private final Supplier<Set<String>> routes;

    /**
     * Creates the paths.
     *
     * @param events the path of the streams within the application
     * @param routes returns the patterns to which the filter is mapped: paths, or paths that end with {@code /*}
     */
    HandoffPaths(String events, Supplier<Set<String>> routes) {
        this.events = events;
        this.routes = routes;
    }

    /** Returns whether this is a request for a stream. */
    boolean isStream(HttpServletRequest request) {
        return isBelow(events, path(request));
    }

    /** Returns whether the filter may hand off this request. */
    boolean isHandOff(HttpServletRequest request) {
        String path = path(request);
        return routes.get().stream()
                .anyMatch(pattern -> pattern.endsWith("/*")
                        ? isBelow(pattern.substring(0, pattern.length() - 2), path)
                        : pattern.equals(path));
    }

    private static boolean isBelow(String directory, String path) {
        return path.startsWith(directory)
                && (path.length() == directory.length() || path.charAt(directory.length()) == '/');
    }

    private static String path(HttpServletRequest request) {
        String pathInfo = request.getPathInfo();
        return pathInfo == null ? request.getServletPath() : request.getServletPath() + pathInfo;
    }
}
