// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the route of a request. A literal path is found at once, others by comparison with each pattern. Immutable. */
final class RouteTable {

    /**
     * What is known of a request by its path.
     *
     * @param route the route for the method of the request; null if there is none
     * @param settings the route whose settings hold: that for the method, or else the first one that was added for the path
     * @param variables the values of the variables of the path
     */
    record Match(@Nullable ConfiguredRoute route, ConfiguredRoute settings, Map<String, String> variables) {}

    /** The routes of paths of one shape, by method, in the order in which they were added. */
    private record Methods(Map<String, ConfiguredRoute> routes) {

        Methods() {
            this(new LinkedHashMap<>());
        }

        ConfiguredRoute first() {
            return routes.values().iterator().next();
        }
    }

    private final Map<String, Methods> literals = new HashMap<>();
    private final List<Methods> patterns;
    private final Set<String> mappings;

    /** Creates a table of routes, no two of which have the same method and the same shape of path. */
    RouteTable(List<ConfiguredRoute> routes) {
        Map<String, Methods> byShape = new LinkedHashMap<>();
        for (ConfiguredRoute route : routes) {
            byShape.computeIfAbsent(route.pattern().shape(), shape -> new Methods())
                    .routes()
                    .put(route.method(), route);
        }
        this.patterns = new ArrayList<>();
        byShape.forEach((shape, methods) -> {
            if (methods.first().pattern().hasVariables()) {
                patterns.add(methods);
            } else {
                literals.put(shape, methods);
            }
        });
        patterns.sort(Comparator.comparing(methods -> methods.first().pattern(), PathPattern.LITERALS_FIRST));
        this.mappings = routes.stream().map(route -> route.pattern().mapping()).collect(Collectors.toUnmodifiableSet());
    }

    /** Returns patterns for mappings of the container that contain the paths of all routes. */
    Set<String> mappings() {
        return mappings;
    }

    /**
     * Returns what is known of a request; empty if no route has its path.
     *
     * @param decoded the path within the application, decoded by the container
     * @param sent the path as the client has sent it
     */
    Optional<Match> match(String method, String decoded, String sent) {
        Methods literal = literals.get(decoded);
        if (literal != null) {
            return Optional.of(match(literal, method, Map.of()));
        }
        for (Methods methods : patterns) {
            ConfiguredRoute settings = methods.routes().getOrDefault(method, methods.first());
            Optional<Map<String, String>> variables = settings.pattern().match(decoded, sent);
            if (variables.isPresent()) {
                return Optional.of(match(methods, method, variables.get()));
            }
        }
        return Optional.empty();
    }

    private static Match match(Methods methods, String method, Map<String, String> variables) {
        ConfiguredRoute route = methods.routes().get(method);
        return new Match(route, route == null ? methods.first() : route, variables);
    }
}
