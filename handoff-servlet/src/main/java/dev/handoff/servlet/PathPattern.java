// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The path of a route. Each of its segments is a literal, or a variable such as {@code {thread}} that matches one segment; see {@link
 * HandoffRoute}. Immutable.
 */
final class PathPattern {

    /** Orders patterns so that of two that match a path the one with a literal where the other has a variable comes first. */
    static final Comparator<PathPattern> LITERALS_FIRST = PathPattern::compareSegments;

    private static final Pattern VARIABLE = Pattern.compile("\\{([A-Za-z][A-Za-z0-9_-]*)}");
    private static final String ENCODED_SLASH = "%2f";
    private static final char REPLACEMENT = '\uFFFD';

    private record Segment(String text, boolean variable) {

        boolean matches(String segment) {
            return variable ? isValue(segment) : text.equals(segment);
        }

        private static boolean isValue(String segment) {
            return !segment.isEmpty()
                    && !segment.equals(".")
                    && !segment.equals("..")
                    && segment.chars().noneMatch(c -> Character.isISOControl(c) || c == REPLACEMENT);
        }
    }

    private final String path;
    private final List<Segment> segments;

    private PathPattern(String path, List<Segment> segments) {
        this.path = path;
        this.segments = segments;
    }

    /**
     * Returns the pattern that a path means.
     *
     * @throws IllegalArgumentException if the path does not begin with a slash, has a wildcard, or has a variable that is not a whole
     *     segment, has no valid name, or has the name of another; or if a path with variables has an empty segment
     */
    static PathPattern parse(String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException("path of a route does not begin with a slash: " + path);
        }
        if (path.indexOf('*') >= 0) {
            throw new IllegalArgumentException(
                    "path of a route has a wildcard, use variables such as {id} instead: " + path);
        }
        List<Segment> segments =
                split(path).map(segment -> parse(segment, path)).toList();
        Set<String> names = new HashSet<>();
        for (Segment segment : segments) {
            if (segment.variable() && !names.add(segment.text())) {
                throw new IllegalArgumentException("path of a route has two variables " + segment.text() + ": " + path);
            }
        }
        if (!names.isEmpty() && segments.stream().anyMatch(s -> s.text().isEmpty())) {
            throw new IllegalArgumentException("path of a route has variables and an empty segment: " + path);
        }
        return new PathPattern(path, segments);
    }

    private static Segment parse(String segment, String path) {
        Matcher variable = VARIABLE.matcher(segment);
        if (variable.matches()) {
            return new Segment(variable.group(1), true);
        }
        if (segment.indexOf('{') >= 0 || segment.indexOf('}') >= 0) {
            throw new IllegalArgumentException(
                    "a variable of a path is a whole segment in braces with a name of ASCII letters, digits,"
                            + " - and _, not \"" + segment + "\": " + path);
        }
        return new Segment(segment, false);
    }

    private static Stream<String> split(String path) {
        return Stream.of(path.substring(1).split("/", -1));
    }

    /** Returns the path as the application wrote it. */
    String path() {
        return path;
    }

    boolean hasVariables() {
        return segments.stream().anyMatch(Segment::variable);
    }

    /** Returns a text that two patterns share if and only if they match the same paths. */
    String shape() {
        return segments.stream().map(s -> s.variable() ? "{}" : s.text()).collect(Collectors.joining("/", "/", ""));
    }

    /** Returns the pattern for a mapping of the container that contains all paths of this pattern. */
    String mapping() {
        if (!hasVariables()) {
            return path;
        }
        return segments.stream()
                .takeWhile(s -> !s.variable())
                .map(s -> '/' + s.text())
                .collect(Collectors.joining("", "", "/*"));
    }

    /**
     * Returns the values of the variables if the path matches.
     *
     * @param decoded the path within the application, decoded by the container
     * @param sent the path as the client has sent it
     */
    Optional<Map<String, String>> match(String decoded, String sent) {
        if (!hasVariables()) {
            return decoded.equals(path) ? Optional.of(Map.of()) : Optional.empty();
        }
        // The path is empty at the root of an application.
        List<String> actual = decoded.isEmpty() ? List.of() : split(decoded).toList();
        if (actual.size() != segments.size() || hasEncodedSlash(sent)) {
            return Optional.empty();
        }
        Map<String, String> values = new LinkedHashMap<>();
        for (int i = 0; i < actual.size(); i++) {
            Segment segment = segments.get(i);
            if (!segment.matches(actual.get(i))) {
                return Optional.empty();
            }
            if (segment.variable()) {
                values.put(segment.text(), actual.get(i));
            }
        }
        return Optional.of(values);
    }

    private static boolean hasEncodedSlash(String sent) {
        for (int i = sent.indexOf('%'); i >= 0; i = sent.indexOf('%', i + 1)) {
            if (sent.regionMatches(true, i, ENCODED_SLASH, 0, ENCODED_SLASH.length())) {
                return true;
            }
        }
        return false;
    }

    private static int compareSegments(PathPattern one, PathPattern other) {
        int common = Math.min(one.segments.size(), other.segments.size());
        for (int i = 0; i < common; i++) {
            int order = Boolean.compare(
                    one.segments.get(i).variable(), other.segments.get(i).variable());
            if (order != 0) {
                return order;
            }
        }
        return Integer.compare(one.segments.size(), other.segments.size());
    }
}
