// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.delivery.AuthorizedStream;
import dev.handoff.delivery.EventId;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.store.EventStream;
import dev.handoff.task.Task;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.Refusal;
import dev.handoff.token.Grant;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How a client that comes back with the id of an event is led to its stream. */
class HandoffResumeTest extends HandoffFixture {

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
}
