// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PathPatternTest {

    private static final PathPattern RUNS = PathPattern.parse("/v1/threads/{thread}/runs");

    private static boolean matches(PathPattern pattern, String path) {
        return pattern.match(path, path).isPresent();
    }

    @Test
    @DisplayName("a variable is one segment, as the container has decoded it")
    void variables() {
        assertThat(RUNS.match("/v1/threads/a b;ü%/runs", "/v1/threads/a%20b%3B%C3%BC%25/runs"))
                .contains(Map.of("thread", "a b;ü%"));
        PathPattern two = PathPattern.parse("/{a-b}/{C_2}");
        assertThat(two.match("/x/y", "/x/y")).contains(Map.of("a-b", "x", "C_2", "y"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/threads/runs",
                "/v1/threads//runs",
                "/v1/threads/./runs",
                "/v1/threads/../runs",
                "/v1/threads/a/b/runs",
                "/v1/threads/a/runs/",
                "/v1/threads/a/RUNS",
                "/v1/threads/a",
                "//v1/threads/a/runs",
                "/v1/threads/a\nb/runs",
                "/v1/threads/a\0/runs",
                "/v1/threads/a\u0085/runs",
                "/v1/threads/\uFFFD/runs",
                "/",
                "",
                "v1/threads/a/runs"
            })
    @DisplayName("no variable is empty, several segments, a dot segment, or holds what could not be decoded or logged")
    void refusedValues(String path) {
        assertThat(matches(RUNS, "/v1/threads/a/runs")).isTrue();
        assertThat(matches(RUNS, path)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"/a%2Fb", "/a%2fb", "/%2F", "/a%20%2F"})
    @DisplayName("a path with an encoded slash matches no pattern, whatever the container has made of it")
    void encodedSlash(String sent) {
        assertThat(PathPattern.parse("/{a}").match("/a/b", sent)).isEmpty();
        assertThat(PathPattern.parse("/{a}").match("/a%2Fb", sent)).isEmpty();
        assertThat(PathPattern.parse("/{a}/{b}").match("/a/b", sent)).isEmpty();
        assertThat(PathPattern.parse("/{a}/{b}").match("/a/b", "/a/%22%2")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "a",
                "{a}",
                "/{}",
                "/{a",
                "/a}",
                "/x{a}",
                "/{a}.json",
                "/{a}{b}",
                "/{1}",
                "/{a b}",
                "/{a:[0-9]+}",
                "/{a...}",
                "/a/*",
                "/{*rest}",
                "/{a}/{a}",
                "/{a}/",
                "//{a}"
            })
    @DisplayName("a path that is no pattern is refused, and the message names it")
    void malformed(String path) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PathPattern.parse(path))
                .withMessageEndingWith(": " + path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/a", "/a/", "/a//b", "/ü x"})
    @DisplayName("a path without variables matches itself only")
    void literal(String path) {
        PathPattern pattern = PathPattern.parse(path);
        assertThat(pattern.hasVariables()).isFalse();
        assertThat(pattern.match(path, path)).contains(Map.of());
        assertThat(matches(pattern, path + "x")).isFalse();
        assertThat(pattern.mapping()).isEqualTo(path);
    }

    @ParameterizedTest
    @CsvSource({"/{a},/*", "/v1/threads/{thread}/runs,/v1/threads/*", "/a/{b}/c/{d},/a/*"})
    @DisplayName("a pattern is mapped to all paths below its literal beginning")
    void mapping(String path, String mapping) {
        assertThat(PathPattern.parse(path).mapping()).isEqualTo(mapping);
    }

    @Test
    @DisplayName("two patterns have the same shape if they differ in the names of variables only")
    void shape() {
        assertThat(PathPattern.parse("/a/{b}/c").shape())
                .isEqualTo(PathPattern.parse("/a/{x}/c").shape())
                .isNotEqualTo(PathPattern.parse("/a/b/c").shape());
    }
}
