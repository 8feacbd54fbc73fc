// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.task.Task;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.Refusal;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests repeat an earlier one, and share its task. */
class HandoffRetriesTest extends HandoffFixture {

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
}
