// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.Handoff;
import dev.handoff.http.Problem;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.token.TokenSealer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class RouteTableTest {

    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final Handoff handoff = Handoff.builder(
                    InProcessTaskDispatcher.builder(store, Runnable::run).build(),
                    store,
                    TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E"))
            .build();

    /** Returns a table of routes, each given as a method and a path. */
    private RouteTable table(String... routes) {
        return new RouteTable(Stream.of(routes)
                .map(route -> route.split(" "))
                .map(route -> new ConfiguredRoute(
                        route[0],
                        PathPattern.parse(route[1]),
                        request -> Optional.empty(),
                        handoff,
                        request -> null,
                        Problem::toReply))
                .toList());
    }

    private static @Nullable String found(RouteTable table, String method, String path) {
        return table.match(method, path, path)
                .map(match -> match.settings().pattern().path())
                .orElse(null);
    }

    @Test
    @DisplayName("a literal is used before a variable, from left to right, in whatever order the routes were added")
    void literalFirst() {
        List<String> routes =
                List.of("POST /{x}/b/c", "POST /a/{y}/{z}", "POST /a/{y}/c", "POST /a/b/c", "POST /{x}/{y}/{z}");
        List<String> reversed =
                routes.stream().sorted(Collections.reverseOrder()).toList();
        for (List<String> order : List.of(routes, reversed)) {
            RouteTable table = table(order.toArray(new String[0]));
            assertThat(found(table, "POST", "/a/b/c")).isEqualTo("/a/b/c");
            assertThat(found(table, "POST", "/a/x/c")).isEqualTo("/a/{y}/c");
            assertThat(found(table, "POST", "/a/x/d")).isEqualTo("/a/{y}/{z}");
            assertThat(found(table, "POST", "/x/b/c")).isEqualTo("/{x}/b/c");
            assertThat(found(table, "POST", "/x/b/d")).isEqualTo("/{x}/{y}/{z}");
            assertThat(found(table, "POST", "/a/b")).isNull();
        }
    }

    @Test
    @DisplayName("the method does not decide between paths: a literal without a route for it hides a variable")
    void methodDoesNotCount() {
        RouteTable table = table("GET /a/new", "POST /a/{id}");
        RouteTable.Match match = table.match("POST", "/a/new", "/a/new").orElseThrow();
        assertThat(match.route()).isNull();
        assertThat(match.settings().method()).isEqualTo("GET");
    }

    @Test
    @DisplayName(
            "each method of a path has its own names of variables, and another method has those of the first route")
    void namesByMethod() {
        RouteTable table = table("POST /a/{id}", "PUT /a/{name}");
        assertThat(table.match("POST", "/a/1", "/a/1").orElseThrow().variables())
                .isEqualTo(Map.of("id", "1"));
        assertThat(table.match("PUT", "/a/1", "/a/1").orElseThrow().variables()).isEqualTo(Map.of("name", "1"));
        RouteTable.Match other = table.match("GET", "/a/1", "/a/1").orElseThrow();
        assertThat(other.route()).isNull();
        assertThat(other.settings().method()).isEqualTo("POST");
        assertThat(other.variables()).isEqualTo(Map.of("id", "1"));
    }

    @Test
    @DisplayName("the mappings contain the paths of all routes")
    void mappings() {
        assertThat(table("POST /a", "GET /a", "POST /b/{x}", "PUT /b/{y}/c").mappings())
                .containsExactlyInAnyOrder("/a", "/b/*");
    }

    @Test
    @DisplayName("two routes for a method whose patterns match the same paths are refused, and both are named")
    void equalPatterns() {
        HandoffFilter.Builder builder = HandoffFilter.builder(handoff).post("/a/{x}", request -> Optional.empty());
        builder.route("PUT", "/a/{y}", request -> Optional.empty());
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.post("/a/{y}", request -> Optional.empty()))
                .withMessageContainingAll("POST", "/a/{x}", "/a/{y}");
    }
}
