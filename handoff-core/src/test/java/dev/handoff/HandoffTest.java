package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.delivery.EventId;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.Refusal;
import dev.handoff.testing.StepExecutor;
import dev.handoff.testing.TickingClock;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HandoffTest {

    private static final Duration STORE_RETENTION = Duration.ofMinutes(10);
    private static final Duration TASK_RETENTION = Duration.ofMinutes(20);

    private final TickingClock clock = new TickingClock();
    private final StepExecutor executor = new StepExecutor();
    private final List<Task> handled = new ArrayList<>();
    private final EventStore store = InMemoryEventStore.builder()
            .ticker(clock)
            .retention(STORE_RETENTION)
            .build();
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
            .clock(clock)
            .ticker(clock)
            .retention(TASK_RETENTION)
            .handler("greet", (task, output) -> {
                handled.add(task);
                for (String word : task.payload().split(" ")) {
                    output.emit(word);
                }
            })
            .build();
    private final TokenSealer sealer = TokenSealer.of(clock, "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs");
    private final Handoff handoff = builder().build();

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
    @DisplayName(
            "R10 a task that has a key keeps it, whatever the request sends, and its retries are led to the same stream")
    void keyOfTask() {
        Task first = Task.of("greet", "hello").requestedBy(null, "order-1");
        Reply one = handoff.begin(FakeRequest.by("alice").with("Idempotency-Key", "other"), first);
        Reply two =
                handoff.begin(FakeRequest.by("alice"), Task.of("greet", "hello").requestedBy(null, "order-1"));
        assertThat(handoff.open(token(two)).stream().id())
                .isEqualTo(handoff.open(token(one)).stream().id());
        executor.runAll();
        assertThat(handled).hasSize(1);
        assertThat(handled.get(0).idempotencyKey()).isEqualTo("order-1");
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

    @Test
    @DisplayName("R12 who may cancel only can neither read nor ask")
    void cancelOnly() {
        Handoff strict = builder().rights(Set.of(Grant.Right.CANCEL)).build();
        AuthorizedStream access = strict.open(token(strict.begin(FakeRequest.by("alice"), Task.of("greet", "hello"))));
        String id = access.grant().streamId() + ":0";
        assertThat(Refusal.of(access::stream).status()).isEqualTo(403);
        assertThat(Refusal.of(access::status).status()).isEqualTo(403);
        assertThat(Refusal.of(() -> access.resumeAfter(id)).status()).isEqualTo(403);
        assertThat(access.cancel()).isTrue();
        assertThat(access.cancel()).isTrue();
        assertThat(store.open(access.grant().streamId()).end()).contains(End.cancelled());
    }

    @Test
    @DisplayName("R9 what has ended is not cancelled")
    void cancelAfterTheEnd() {
        AuthorizedStream access = begun("hello");
        executor.runAll();
        assertThat(access.cancel()).isFalse();
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

    private record ShoutingFormat() implements StreamFormat.EventFormat {
        @Override
        public String name() {
            return "shouting";
        }

        @Override
        public List<StreamFormat.Frame> frames(Event event) {
            return List.of(new StreamFormat.Frame(event.type(), event.data() + "!"));
        }

        @Override
        public List<StreamFormat.Frame> frames(End end) {
            return List.of(new StreamFormat.Frame("end", "!"));
        }

        @Override
        public StreamFormat.Frame interrupted(Problem problem) {
            return new StreamFormat.Frame("cut", "!");
        }
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
    @DisplayName("R10 the same subject and Idempotency-Key, bare or quoted: one task, one stream, one run")
    void idempotent() {
        FakeRequest bare = FakeRequest.by("alice").with("Idempotency-Key", "k1");
        FakeRequest quoted = FakeRequest.by("alice").with("idempotency-key", " \"k1\" ");
        String first = streamOf(handoff.begin(bare, Task.of("greet", "hello")));
        assertThat(streamOf(handoff.begin(bare, Task.of("greet", "hello")))).isEqualTo(first);
        executor.runAll();
        assertThat(streamOf(handoff.begin(quoted, Task.of("greet", "hello")))).isEqualTo(first);
        assertThat(executor.waiting()).isZero();
        assertThat(handled).hasSize(1);
        assertThat(handled.get(0).idempotencyKey()).isEqualTo("k1");
        assertThat(handled.get(0).subject()).isEqualTo("alice");
    }

    @Test
    @DisplayName("R10 another subject with the same key has a task of its own, also if it is nobody")
    void keyOfAnother() {
        Set<String> streams = Set.of(
                streamOf(handoff.begin(
                        FakeRequest.by("alice").with("Idempotency-Key", "k1"), Task.of("greet", "hello"))),
                streamOf(handoff.begin(FakeRequest.by("bob").with("Idempotency-Key", "k1"), Task.of("greet", "hello"))),
                streamOf(handoff.begin(FakeRequest.by(null).with("Idempotency-Key", "k1"), Task.of("greet", "hello"))));
        assertThat(streams).hasSize(3);
        assertThat(executor.waiting()).isEqualTo(3);
    }

    @Test
    @DisplayName("R10 the same key with another body: 422, and nothing is started")
    void keyReused() {
        FakeRequest request = FakeRequest.by("alice").with("Idempotency-Key", "k1");
        handoff.begin(request, Task.of("greet", "hello"));
        Problem refusal = Refusal.of(() -> handoff.begin(request, Task.of("greet", "bye")));
        assertThat(refusal.status()).isEqualTo(422);
        assertThat(refusal.detail()).contains("k1");
        assertThat(executor.waiting()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "\"", "\"\"", "\"a", "ü", "\"a\" \"b\""})
    @DisplayName("R13 a bad Idempotency-Key: 400, and nothing is started")
    void badKey(String key) {
        FakeRequest request = FakeRequest.by("alice").with("Idempotency-Key", key);
        assertThat(Refusal.of(() -> handoff.begin(request, Task.of("greet", "hello")))
                        .status())
                .isEqualTo(400);
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
    @DisplayName("a client that comes back is led to its stream, and to the place in it")
    void resumes() {
        AuthorizedStream access = begun("hello world");
        executor.runAll();
        String last = access.stream().id() + ":0";
        Reply reply = handoff.resume(back("alice", "  " + last + " ")).orElseThrow();
        assertThat(reply.status()).isEqualTo(303);
        assertThat(location(reply)).startsWith("/events/").endsWith("?last_event_id=" + last);
        AuthorizedStream again = handoff.open(token(reply));
        assertThat(again.grant()).isEqualTo(access.grant());
        assertThat(again.resumeAfter(last))
                .isEqualTo(new EventId(access.stream().id(), 0, 0));
    }

    @Test
    @DisplayName("a client that was cut between two frames of an event comes back to there")
    void resumesWithinAnEvent() {
        AuthorizedStream access = begun("hello");
        String last = access.stream().id() + ":0.1";
        assertThat(location(handoff.resume(back("alice", last)).orElseThrow())).endsWith("?last_event_id=" + last);
    }

    @Test
    @DisplayName("a begin with Last-Event-ID is a return: it starts nothing, whatever the task")
    void beginThatResumes() {
        AuthorizedStream access = begun("hello world");
        executor.runAll();
        String last = access.stream().id() + ":0";
        FakeRequest request = back("alice", last).with("Idempotency-Key", "\"bad");
        Reply reply = handoff.begin(request, Task.of("nobody's", "x").withFormat("telegram"));
        assertThat(streamOf(reply)).isEqualTo(access.stream().id());
        assertThat(executor.waiting()).isZero();
        assertThat(handled).hasSize(1);
    }

    @Test
    @DisplayName("a begin with a bad Last-Event-ID starts nothing either")
    void beginWithBadLastEventId() {
        assertThat(Refusal.of(() -> handoff.begin(back("alice", "7"), Task.of("greet", "hello")))
                        .status())
                .isEqualTo(400);
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName("without a Last-Event-ID, or with an empty one, there is nothing to resume")
    void nothingToResume() {
        assertThat(handoff.resume(FakeRequest.by("alice"))).isEmpty();
        assertThat(handoff.resume(back("alice", ""))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "abc:7", " ", "0123456789abcdef0123456789abcdef", "a\r\nb", "*"})
    @DisplayName("R13 a Last-Event-ID that is none of ours: 400, which names it")
    void malformedLastEventId(String field) {
        Problem refusal = Refusal.of(() -> handoff.resume(back("alice", field)));
        assertThat(refusal.status()).isEqualTo(400);
        assertThat(refusal.code()).isEqualTo("invalid_last_event_id");
        assertThat(refusal.detail())
                .contains('"' + field.strip().replaceAll("\\p{Cntrl}", "?") + '"')
                .doesNotContain("\n", "\r");
    }

    @Test
    @DisplayName("R13 a Last-Event-ID of a stream that nobody knows: 410")
    void unknownStream() {
        assertThat(Refusal.of(() ->
                        handoff.resume(back("alice", Task.of("greet", "").id() + ":0"))))
                .isEqualTo(new Problem(410, "stream_gone", "The stream is no longer kept."));
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
    }

    @Test
    @DisplayName("R12 an unknown caller resumes only with the proof that an event of the stream carries")
    void provenReturn() {
        AuthorizedStream access = handoff.open(token(handoff.begin(FakeRequest.by(null), Task.of("greet", "hello"))));
        String bare = access.grant().streamId() + ":0";
        String forged = bare + ":AAAAAAAAAAAAAAAA";
        for (String id : List.of(bare, forged, bare + ".1", forged.replace(":0:", ":0.1:"))) {
            Problem refusal = Refusal.of(() -> handoff.resume(back(null, id)));
            assertThat(refusal.status()).isEqualTo(403);
            assertThat(refusal.code()).isEqualTo("not_your_stream");
            assertThat(refusal.detail()).doesNotContain("AAAA");
        }
        String proven = access.eventId(0, 0);
        Reply reply = handoff.resume(back(null, proven)).orElseThrow();
        assertThat(location(reply)).endsWith("?last_event_id=" + bare);
        Grant grant = sealer.open(token(reply));
        assertThat(grant.rights()).containsExactly(Grant.Right.READ);
        assertThat(grant.expires()).isEqualTo(access.grant().expires());
        executor.runAll();
        assertThat(access.resumeAfter(access.eventId(0, 3)).after()).isEqualTo(EventStream.BEGINNING);
    }

    @Test
    @DisplayName("R12 the id of a stream that does not exist is refused like the id of one that exists")
    void provenReturnTellsNothing() {
        String known = streamOf(handoff.begin(FakeRequest.by(null), Task.of("greet", "hello"))) + ":0";
        String unknown = Task.of("greet", "").id() + ":0";
        assertThat(Refusal.of(() -> handoff.resume(back(null, known))).status())
                .isEqualTo(Refusal.of(() -> handoff.resume(back(null, unknown))).status());
    }

    @Test
    @DisplayName("R12 an unknown caller resumes only until the first token of the stream expires")
    void provenReturnExpires() {
        Handoff own = builder().grantLifetime(Duration.ofMinutes(5)).build();
        AuthorizedStream access = own.open(token(own.begin(FakeRequest.by(null), Task.of("greet", "hello"))));
        String proven = access.eventId(0, 0);
        clock.tick(Duration.ofMinutes(4));
        Reply reply = own.resume(back(null, proven)).orElseThrow();
        assertThat(sealer.open(token(reply)).expires()).isEqualTo(access.grant().expires());
        clock.tick(Duration.ofMinutes(1));
        Problem refusal = Refusal.of(() -> own.resume(back(null, proven)));
        assertThat(refusal.status()).isEqualTo(401);
        assertThat(refusal.code()).isEqualTo("token_expired");
    }

    @Test
    @DisplayName("R12 the id of a task with a key cannot be computed from the key")
    void keyedIdIsSecret() {
        FakeRequest request = FakeRequest.by(null).with("Idempotency-Key", "k1");
        String id = streamOf(handoff.begin(request, Task.of("greet", "hello")));
        Handoff other = Handoff.builder(dispatcher, store, TokenSealer.of(clock, "pQ2wE4rT6yU8iO0aS1dF3gH5jK7lZ9xC"))
                .clock(clock)
                .build();
        Reply reply = other.begin(request, Task.of("greet", "hello"));
        assertThat(reply.body()).doesNotContain(id);
    }

    @Test
    @DisplayName("R10 a retry that comes after a change of the secret is led to the task under the old one")
    void retryAfterRotation() {
        FakeRequest request = FakeRequest.by("alice").with("Idempotency-Key", "k1");
        String first = streamOf(handoff.begin(request, Task.of("greet", "hello")));
        TokenSealer rotated =
                TokenSealer.of(clock, "pQ2wE4rT6yU8iO0aS1dF3gH5jK7lZ9xC", "Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs");
        Handoff later = Handoff.builder(dispatcher, store, rotated).clock(clock).build();
        Reply reply = later.begin(request, Task.of("greet", "hello"));
        assertThat(rotated.open(token(reply)).streamId()).isEqualTo(first);
        assertThat(executor.waiting()).isEqualTo(1);
    }

    @Test
    @DisplayName("a retry that its client marks joins the task of the first request, if the caller wants that")
    void markedRetry() {
        FakeRequest first = FakeRequest.by("alice").with("X-Stainless-Retry-Count", "0");
        FakeRequest retry = FakeRequest.by("alice").with("X-Stainless-Retry-Count", "1");
        Duration minute = Duration.ofMinutes(1);
        String stream = streamOf(handoff.begin(first, Task.of("greet", "hello"), minute));
        assertThat(streamOf(handoff.begin(retry, Task.of("greet", "hello"), minute)))
                .isEqualTo(stream);

        assertThat(streamOf(handoff.begin(first, Task.of("greet", "hello"), minute)))
                .as("not marked")
                .isNotEqualTo(stream);
        assertThat(streamOf(handoff.begin(retry, Task.of("greet", "other"), minute)))
                .as("another payload")
                .isNotEqualTo(stream);
        FakeRequest bobs = FakeRequest.by("bob").with("X-Stainless-Retry-Count", "1");
        assertThat(streamOf(handoff.begin(bobs, Task.of("greet", "hello"), minute)))
                .as("another subject")
                .isNotEqualTo(stream);
        assertThat(streamOf(handoff.begin(retry, Task.of("greet", "hello"))))
                .as("not wanted")
                .isNotEqualTo(stream);
        assertThat(executor.waiting()).isEqualTo(5);
    }

    @Test
    @DisplayName("a marked retry starts anew when its first task has failed, was cancelled, or is too old")
    void markedRetryOfWhatIsOver() {
        FakeRequest retry = FakeRequest.by(null).with("X-Stainless-Retry-Count", "2");
        Duration minute = Duration.ofMinutes(1);
        Reply first = handoff.begin(FakeRequest.by(null), Task.of("greet", "a"), minute);
        Grant joined = sealer.open(token(handoff.begin(retry, Task.of("greet", "a"), minute)));
        assertThat(joined.streamId()).isEqualTo(streamOf(first));
        assertThat(joined.rights()).as("of unknown callers").containsExactly(Grant.Right.READ);
        dispatcher.cancel(streamOf(first));
        String second = streamOf(handoff.begin(retry, Task.of("greet", "a"), minute));
        assertThat(second).isNotEqualTo(streamOf(first));
        executor.runAll();
        assertThat(streamOf(handoff.begin(retry, Task.of("greet", "a"), minute)))
                .as("completed")
                .isEqualTo(second);
        clock.tick(minute.plusMillis(1));
        assertThat(streamOf(handoff.begin(retry, Task.of("greet", "a"), minute)))
                .isNotEqualTo(second);
    }

    @Test
    @DisplayName("only the subject that began a stream is led back to it")
    void foreignStream() {
        AuthorizedStream access = begun("hello");
        String alices = access.eventId(0, 0);
        String nobodys = handoff.open(token(handoff.begin(FakeRequest.by(null), Task.of("greet", "hello"))))
                .eventId(0, 0);

        for (FakeRequest request : List.of(back("bob", alices), back(null, alices), back("", alices))) {
            Problem refusal = Refusal.of(() -> handoff.resume(request));
            assertThat(refusal.status()).isEqualTo(403);
            assertThat(refusal.code()).isEqualTo("not_your_stream");
        }
        assertThat(Refusal.of(() -> handoff.resume(back("alice", nobodys))).status())
                .isEqualTo(403);
        assertThat(handoff.resume(back("alice", alices))).isPresent();
        assertThat(handoff.resume(back(null, nobodys))).isPresent();
    }

    @Test
    @DisplayName("who comes back with an event id reads events, though the result was asked for at first")
    void resultResumedAsEvents() {
        Reply reply =
                handoff.begin(FakeRequest.by("alice"), Task.of("greet", "hello").withFormat("result"));
        AuthorizedStream access = handoff.open(token(reply));
        assertThat(access.format()).isSameAs(StreamFormat.result());
        Reply resumed =
                handoff.resume(back("alice", access.stream().id() + ":0")).orElseThrow();
        assertThat(handoff.open(token(resumed)).format()).isSameAs(StreamFormat.standard());
    }

    @Test
    @DisplayName("a stream that the store has dropped: 410, though the task is still remembered")
    void droppedStream() {
        String token = token(handoff.begin(FakeRequest.by("alice"), Task.of("greet", "hello")));
        executor.runAll();
        clock.tick(STORE_RETENTION);
        assertThat(dispatcher.status(sealer.open(token).streamId())).isPresent();
        assertThat(Refusal.of(() -> handoff.open(token).stream()))
                .isEqualTo(new Problem(410, "stream_gone", "The stream is no longer kept."));
    }

    @Test
    @DisplayName("a task that is no longer known: 410, also for one who has it open")
    void forgottenTask() {
        String token = token(handoff.begin(FakeRequest.by("alice"), Task.of("greet", "hello")));
        AuthorizedStream access = handoff.open(token);
        assertThat(access.stream().last()).isEqualTo(EventStream.BEGINNING);
        access.requireKept();
        executor.runAll();
        clock.tick(TASK_RETENTION);
        assertThat(Refusal.of(() -> handoff.open(token).stream()).status()).isEqualTo(410);
        assertThat(Refusal.of(access::requireKept).status()).isEqualTo(410);
        assertThat(Refusal.of(access::status).status()).isEqualTo(410);
        assertThat(Refusal.of(access::cancel).status()).isEqualTo(410);
    }

    @Test
    @DisplayName("R13 a token in a format that this server does not know: 503, since another server may know it")
    void formatOfAnotherVersion() {
        Handoff newer = builder().format(new ShoutingFormat()).build();
        String token = token(
                newer.begin(FakeRequest.by("alice"), Task.of("greet", "hello").withFormat("shouting")));
        Problem refusal = Refusal.of(() -> handoff.open(token));
        assertThat(refusal.status()).isEqualTo(503);
        assertThat(refusal.code()).isEqualTo("unknown_format");
        assertThat(refusal.detail()).contains("shouting");
    }

    @Test
    @DisplayName(
            "R13 resuming a stream in a format that this server does not know: 503, since another server may know it")
    void resumesFormatOfAnotherVersion() {
        Handoff newer = builder().format(new ShoutingFormat()).build();
        Task task = Task.of("greet", "hello").withFormat("shouting");
        newer.begin(FakeRequest.by("alice"), task);
        Problem refusal = Refusal.of(() -> handoff.resume(back("alice", task.id() + ":0")));
        assertThat(refusal.status()).isEqualTo(503);
        assertThat(refusal.code()).isEqualTo("unknown_format");
        assertThat(refusal.detail()).contains("shouting");
    }

    @Test
    @DisplayName("a task that ended without an event is open, not gone")
    void emptyStream() {
        String token = token(handoff.begin(FakeRequest.by("alice"), Task.of("greet", "hello")));
        handoff.open(token).cancel();
        assertThat(handoff.open(token).stream().end()).contains(End.cancelled());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "a.b.c.d.e"})
    @DisplayName("R12 a text that is no token opens nothing: 401")
    void badToken(String token) {
        assertThat(Refusal.of(() -> handoff.open(token)).status()).isEqualTo(401);
    }

    @Test
    @DisplayName("R12 a token of another server opens nothing: 401")
    void foreignToken() {
        AuthorizedStream access = begun("hello");
        String foreign =
                TokenSealer.of(clock, "pQ2wE4rT6yU8iO0aS1dF3gH5jK7lZ9xC").seal(access.grant());
        assertThat(Refusal.of(() -> handoff.open(foreign)).status()).isEqualTo(401);
    }

    @Test
    @DisplayName("a client may go on after any entry that the stream has had, its end included")
    void resumeAfter() {
        AuthorizedStream access = begun("hello world");
        executor.runAll();
        String id = access.stream().id();
        assertThat(access.resumeAfter(id + ":0").after()).isZero();
        assertThat(access.resumeAfter(" " + id + ":1 ").after()).isEqualTo(1);
        assertThat(access.resumeAfter(id + ":1.3").after()).isZero();
        assertThat(access.resumeAfter(id + ":0.1").after()).isEqualTo(EventStream.BEGINNING);
        assertThat(access.resumeAfter(id + ":2").after()).isEqualTo(2);
    }

    @Test
    @DisplayName("an id of an entry that the stream has not had, or of another stream: 400, which names it")
    void resumeAfterRefusals() {
        AuthorizedStream access = begun("hello");
        String id = access.stream().id();
        List<String> bad =
                new ArrayList<>(List.of(id + ":0", "7", "", Task.of("greet", "").id() + ":0"));
        assertThat(bad).allSatisfy(text -> assertInvalidId(access, text));
        executor.runAll();
        assertThat(access.resumeAfter(id + ":0").position()).isZero();
        bad = List.of(id + ":2", id + ":2.1", id + ":999999999999999999", id.replace(id.charAt(0), 'g') + ":0");
        assertThat(bad).allSatisfy(text -> assertInvalidId(access, text));
    }

    private static void assertInvalidId(AuthorizedStream access, String text) {
        Problem refusal = Refusal.of(() -> access.resumeAfter(text));
        assertThat(refusal.status()).isEqualTo(400);
        assertThat(refusal.code()).isEqualTo("invalid_last_event_id");
        assertThat(refusal.detail()).contains(text);
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

    private Handoff.Builder builder() {
        return Handoff.builder(dispatcher, store, sealer).clock(clock);
    }

    private AuthorizedStream begun(String payload) {
        return handoff.open(token(handoff.begin(FakeRequest.by("alice"), Task.of("greet", payload))));
    }

    private String streamOf(Reply reply) {
        return sealer.open(token(reply)).streamId();
    }

    private static FakeRequest back(@Nullable String subject, String lastEventId) {
        return FakeRequest.by(subject).with("Last-Event-ID", lastEventId);
    }

    private static String location(Reply reply) {
        return reply.header("Location");
    }

    private static String token(Reply reply) {
        return location(reply).replaceFirst("^.*/", "").replaceFirst("\\?.*", "");
    }
}
