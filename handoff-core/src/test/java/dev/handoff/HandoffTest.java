// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.Refusal;
import dev.handoff.token.Grant;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a task begins: its subject, its grant, and the reply that leads to its stream. */
class HandoffTest extends HandoffFixture {

    @Test
    @DisplayName("a request is answered with a redirect to a stream that its token opens")
    void begins() {
        Task task = Task.of("greet", "hello world");
        Reply reply = handoff.begin(FakeRequest.by("alice"), task);
        assertThat(reply.status()).isEqualTo(303);
        assertThat(location(reply)).startsWith("/events/").doesNotContain("?");

        AuthorizedStream access = handoff.open(token(reply));
        assertThat(access.stream().id()).isEqualTo(task.id());
        assertThat(access.format()).isSameAs(StreamFormat.standard());
        assertThat(access.status().state()).isEqualTo(TaskStatus.State.QUEUED);
        executor.runAll();
        assertThat(access.stream().read(EventStream.BEGINNING, 10).events())
                .containsExactly(new Event(0, null, "hello"), new Event(1, null, "world"));
        assertThat(access.status().state()).isEqualTo(TaskStatus.State.COMPLETED);
    }

    @Test
    @DisplayName("a task that has no subject belongs to the subject of the request, and one that has keeps it")
    void subject() {
        Task task = Task.of("greet", "hello");
        handoff.begin(FakeRequest.by("alice"), task);
        Task chosen = Task.of("greet", "hello").requestedBy("tenant-7/bob", null);
        Reply reply = handoff.begin(FakeRequest.by("alice"), chosen);
        executor.runAll();
        assertThat(handled).containsExactly(task.requestedBy("alice", null), chosen);
        assertThat(handoff.open(token(reply)).grant().subject()).isEqualTo("tenant-7/bob");
    }

    @Test
    @DisplayName("the grant is for one stream, in the task's format, with all rights, for 24 hours")
    void grants() {
        Task task = Task.of("greet", "hello").withFormat("result");
        AuthorizedStream access = handoff.open(token(handoff.begin(FakeRequest.by("alice"), task)));
        assertThat(access.grant())
                .isEqualTo(new Grant(
                        task.id(),
                        Set.of(Grant.Right.READ, Grant.Right.CANCEL),
                        "result",
                        "alice",
                        clock.instant().plus(Duration.ofHours(24))));
        assertThat(access.format()).isSameAs(StreamFormat.result());
    }

    @Test
    @DisplayName("R12 the grant has the lifetime and the rights that were set, and no others")
    void lifetimeAndRights() {
        Handoff strict = builder()
                .grantLifetime(Duration.ofSeconds(30))
                .rights(Set.of(Grant.Right.READ))
                .build();
        String token = token(strict.begin(FakeRequest.by("alice"), Task.of("greet", "hello")));
        AuthorizedStream access = strict.open(token);
        assertThat(access.grant().expires()).isEqualTo(clock.instant().plusSeconds(30));
        assertThat(access.stream().last()).isEqualTo(EventStream.BEGINNING);
        Problem refusal = Refusal.of(access::cancel);
        assertThat(refusal.status()).isEqualTo(403);
        assertThat(refusal.code()).isEqualTo("right_missing");
        assertThat(refusal.detail()).contains("CANCEL");
        assertThat(access.status().state()).isEqualTo(TaskStatus.State.QUEUED);

        clock.tick(Duration.ofSeconds(30));
        assertThat(Refusal.of(() -> strict.open(token)).code()).isEqualTo("token_expired");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/events",
                "/e",
                "/a/b",
                "http://localhost:5002/events",
                "https://stream.example.org",
                "https://[::1]:8443/x",
                "/caf%C3%A9"
            })
    @DisplayName("the stream is where eventsUrl says: a path, or another host")
    void eventsUrl(String url) {
        Handoff elsewhere = builder().eventsUrl(url).build();
        Reply reply = elsewhere.begin(FakeRequest.by("alice"), Task.of("greet", "hello"));
        assertThat(location(reply)).startsWith(url + "/");
        String token = location(reply).substring(url.length() + 1);
        assertThat(token).doesNotContain("/");
        assertThat(elsewhere.open(token).stream().last()).isEqualTo(EventStream.BEGINNING);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/",
                "//",
                "//evil.example.org/events",
                "events",
                "./events",
                "/events/",
                "https://example.org/",
                "https://example.org/events/",
                "/events?a=b",
                "/events#x",
                "https://example.org/events?x",
                "mailto:a@example.org",
                "https:///events",
                "https:events",
                "/ev ents",
                "/events\n",
                "/events%0d%0aX: y",
                "/events%0D%0ASet-Cookie:a=b",
                "/events%00",
                "https://user:pw@example.org/events",
                "https://user@example.org/events",
                "/events\r\nSet-Cookie: a=b",
                "\\\\evil",
                "/\\evil",
                "?",
                "#"
            })
    @DisplayName("an eventsUrl that is neither a path nor an absolute URL is refused by name")
    void badEventsUrl(String url) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().eventsUrl(url))
                .withMessageContaining(url);
    }

    @Test
    @DisplayName("a task in a format that nobody knows is refused by name, and nothing is started")
    void unknownFormat() {
        Task task = Task.of("greet", "hello").withFormat("telegram");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> handoff.begin(FakeRequest.by("alice"), task))
                .withMessageContaining("telegram")
                .withMessageContaining("standard");
        assertThat(executor.waiting()).isZero();
        assertThat(dispatcher.status(task.id())).isEmpty();
    }

    @Test
    @DisplayName("a format of the application is used, and kept when a client comes back")
    void ownFormat() {
        ShoutingFormat shouting = new ShoutingFormat();
        Handoff own = builder().format(shouting).build();
        Reply reply =
                own.begin(FakeRequest.by("alice"), Task.of("greet", "hello").withFormat("shouting"));
        AuthorizedStream access = own.open(token(reply));
        assertThat(access.format()).isSameAs(shouting);
        Reply resumed = own.resume(back("alice", access.stream().id() + ":0")).orElseThrow();
        assertThat(own.open(token(resumed)).format()).isSameAs(shouting);
    }

    @Test
    @DisplayName("settings that make no sense are refused by name")
    void builderRefusals() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().format(StreamFormat.standard()))
                .withMessageContaining("standard");
        for (Duration bad : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofMillis(999))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder().grantLifetime(bad))
                    .withMessage("grantLifetime is less than a second: " + bad);
        }
    }

    @Test
    @DisplayName("the redirect policy is given the request, the grant and the location")
    void redirectPolicy() {
        FakeRequest request = FakeRequest.by("alice");
        Task task = Task.of("greet", "hello");
        Handoff own = builder()
                .redirectPolicy((r, grant, location) -> {
                    assertThat(r).isSameAs(request);
                    assertThat(grant.streamId()).isEqualTo(task.id());
                    return Reply.of(299).with("X-Where", location);
                })
                .build();
        Reply reply = own.begin(request, task);
        assertThat(reply.status()).isEqualTo(299);
        assertThat(reply.header("X-Where")).startsWith("/events/");
    }

    @Test
    @DisplayName("R16 a redirect policy that returns null or throws starts nothing")
    @SuppressWarnings("NullAway") // a policy of an application that is not checked for nulls
    void hostilePolicy() {
        Handoff returnsNull =
                builder().redirectPolicy((r, grant, location) -> null).build();
        Handoff throwing = builder()
                .redirectPolicy((r, grant, location) -> {
                    throw new IllegalStateException("a test of a policy that throws");
                })
                .build();
        for (Handoff own : List.of(returnsNull, throwing)) {
            assertThatThrownBy(() -> own.begin(FakeRequest.by("alice"), Task.of("greet", "hello")))
                    .isInstanceOf(RuntimeException.class);
        }
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName("R13 when no task can be taken the request is refused: 503, and nothing is left")
    void overloaded() {
        executor.capacity(0);
        Task task = Task.of("greet", "hello");
        assertThat(Refusal.of(() -> handoff.begin(FakeRequest.by("alice"), task))
                        .status())
                .isEqualTo(503);
        assertThat(dispatcher.status(task.id())).isEmpty();
    }

    @Test
    @DisplayName("the default address of streams is below the context path of the application")
    void contextPath() {
        FakeRequest request = FakeRequest.by("alice");
        HandoffRequest below = new HandoffRequest() {
            @Override
            public String contextPath() {
                return "/shop";
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
        };
        assertThat(location(handoff.begin(below, Task.of("greet", "a")))).startsWith("/shop/events/");
        assertThat(location(builder().eventsUrl("/e").build().begin(below, Task.of("greet", "a"))))
                .startsWith("/e/");
        assertThat(location(builder().eventsPath("/s").build().begin(below, Task.of("greet", "a"))))
                .startsWith("/shop/s/");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "//s", "s", "/s/", "https://stream.example.org"})
    @DisplayName("an eventsPath that is not a path is refused by name")
    void badEventsPath(String path) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder().eventsPath(path))
                .withMessageContaining(path);
    }

    @Test
    @DisplayName("R9 the report of streams with readers reaches the dispatcher")
    void reportsReaders() {
        InProcessTaskDispatcher strict = InProcessTaskDispatcher.builder(store, executor)
                .ticker(clock)
                .cancelUnattendedAfter(Duration.ofSeconds(10))
                .handler("greet", (task, output) -> {})
                .build();
        Handoff own = Handoff.builder(strict, store, sealer).clock(clock).build();
        AuthorizedStream read = own.open(token(own.begin(FakeRequest.by("alice"), Task.of("greet", "a"))));
        AuthorizedStream left = own.open(token(own.begin(FakeRequest.by("alice"), Task.of("greet", "b"))));
        for (int i = 0; i < 10; i++) {
            clock.tick(Duration.ofSeconds(1));
            own.reportReaders(List.of(read.stream().id()));
        }
        assertThat(read.stream().end()).isEmpty();
        assertThat(left.stream().end()).contains(End.cancelled());
    }

    @Test
    @DisplayName(
            "a hand-off with another redirect policy shares its streams with the first, which keeps its own policy")
    void withRedirectPolicy() {
        Handoff accepting = handoff.withRedirectPolicy(RedirectPolicy.accepted());
        Reply reply = accepting.begin(FakeRequest.by("alice"), Task.of("greet", "hello"));
        assertThat(reply.status()).isEqualTo(202);
        String id = handoff.open(token(reply)).stream().id();
        assertThat(accepting.resume(back("alice", id + ":0")).orElseThrow().status())
                .isEqualTo(202);
        assertThat(handoff.resume(back("alice", id + ":0")).orElseThrow().status())
                .isEqualTo(303);
        assertThat(executor.waiting()).isEqualTo(1);
    }
}
