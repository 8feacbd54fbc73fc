// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Reply;
import dev.handoff.testing.FakeRequest;
import dev.handoff.token.Grant;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class RedirectPolicyTest {

    private static final String STREAM = "0123456789abcdef0123456789abcdef";
    private static final String LOCATION = "/events/a.token.of.some.length";

    private final HandoffRequest request = FakeRequest.by("alice");
    private final Grant grant =
            new Grant(STREAM, Set.of(Grant.Right.READ), "standard", "alice", Instant.parse("2030-01-01T00:00:00Z"));

    static Stream<Arguments> policies() {
        return Stream.of(
                Arguments.of("seeOther", RedirectPolicy.seeOther(), 303),
                Arguments.of("found", RedirectPolicy.found(), 302),
                Arguments.of("temporary", RedirectPolicy.temporary(), 307),
                Arguments.of("accel", RedirectPolicy.accel(), 303),
                Arguments.of("accepted", RedirectPolicy.accepted(), 202),
                Arguments.of("negotiated", RedirectPolicy.negotiated(RedirectPolicy.found()), 302));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("policies")
    @DisplayName("every policy has its status, the location as it is, and keeps caches and retries away")
    void common(String name, RedirectPolicy policy, int status) throws Exception {
        Reply reply = policy.reply(request, grant, LOCATION);
        assertThat(reply.status()).isEqualTo(status);
        assertThat(reply.headers())
                .containsEntry("Location", List.of(LOCATION))
                .containsEntry("Cache-Control", List.of("no-store"))
                .containsEntry("x-should-retry", List.of("false"))
                .containsEntry("Content-Type", List.of("application/json"));
        assertThat(json(reply).get("task").textValue()).isEqualTo(STREAM);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("policies")
    @DisplayName("R12 the body of a redirect, which error messages show, is without the token")
    void bodyWithoutToken(String name, RedirectPolicy policy, int status) throws Exception {
        Reply reply = policy.reply(request, grant, LOCATION);
        if (status != 202) {
            assertThat(reply.body()).doesNotContain("token.of").doesNotContain(LOCATION);
            assertThat(json(reply).get("detail").textValue()).contains("Location");
            assertThat(json(reply).get("message")).isEqualTo(json(reply).get("detail"));
        }
    }

    @Test
    @DisplayName("only accel names the stream to a proxy, by the same address")
    void accel() {
        assertThat(RedirectPolicy.accel().reply(request, grant, LOCATION).headers())
                .containsEntry("X-Accel-Redirect", List.of(LOCATION));
        assertThat(RedirectPolicy.seeOther().reply(request, grant, LOCATION).headers())
                .doesNotContainKey("X-Accel-Redirect");
        String absolute = "https://stream.example.org:8443" + LOCATION + "?last_event_id=s:7";
        assertThat(RedirectPolicy.accel().reply(request, grant, absolute).headers())
                .as("nginx takes a path only")
                .containsEntry("X-Accel-Redirect", List.of(LOCATION + "?last_event_id=s:7"))
                .containsEntry("Location", List.of(absolute));
    }

    @ParameterizedTest
    @CsvSource({
        "/events/t, /events/t/status",
        "/events/t?last_event_id=s:7, /events/t/status?last_event_id=s:7",
        "https://stream.example.org/events/t?a=b?c, https://stream.example.org/events/t/status?a=b?c"
    })
    @DisplayName("accepted gives the addresses of the stream and of its status, and lets scripts see the Location")
    void accepted(String location, String statusUrl) throws Exception {
        Reply reply = RedirectPolicy.accepted().reply(request, grant, location);
        JsonNode json = json(reply);
        assertThat(json.get("streamUrl").textValue()).isEqualTo(location);
        assertThat(json.get("statusUrl").textValue()).isEqualTo(statusUrl);
        assertThat(json).hasSize(3);
        assertThat(reply.headers()).containsEntry("Access-Control-Expose-Headers", List.of("Location"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"respond-async", "wait=10, respond-async", "respond-async, wait=0", "Respond-Async"})
    @DisplayName("negotiated answers 202 to a client that prefers it, and says so")
    void prefersAsync(String prefer) {
        RedirectPolicy policy = RedirectPolicy.negotiated(RedirectPolicy.seeOther());
        Reply reply = policy.reply(FakeRequest.by("alice").with("Prefer", prefer), grant, LOCATION);
        assertThat(reply.status()).isEqualTo(202);
        assertThat(reply.headers()).containsEntry("Preference-Applied", List.of("respond-async"));
        assertThat(reply.body())
                .isEqualTo(RedirectPolicy.accepted()
                        .reply(request, grant, LOCATION)
                        .body());
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", "wait=10", "return=minimal", "respond-sync"})
    @DisplayName("negotiated leaves other clients to the other policy, and applies no preference")
    void prefersNothing(String prefer) {
        RedirectPolicy policy = RedirectPolicy.negotiated(RedirectPolicy.temporary());
        FakeRequest asked = FakeRequest.by("alice");
        Reply reply = policy.reply(prefer == null ? asked : asked.with("Prefer", prefer), grant, LOCATION);
        assertThat(reply)
                .isEqualTo(RedirectPolicy.temporary()
                        .reply(request, grant, LOCATION)
                        .with("Vary", "Prefer"));
        assertThat(reply.headers()).doesNotContainKey("Preference-Applied");
    }

    @Test
    @DisplayName("what is negotiated varies with Prefer, whichever way it went (RFC 7240, 2)")
    void varies() {
        RedirectPolicy policy = RedirectPolicy.negotiated(RedirectPolicy.seeOther());
        assertThat(policy.reply(request, grant, LOCATION).headers()).containsEntry("Vary", List.of("Prefer"));
        assertThat(policy.reply(FakeRequest.by("alice").with("Prefer", "respond-async"), grant, LOCATION)
                        .headers())
                .containsEntry("Vary", List.of("Prefer"));
    }

    @Test
    @DisplayName("negotiated keeps what the other policy says it varies with")
    void keepsOtherVary() {
        RedirectPolicy byOrigin = (r, g, location) ->
                RedirectPolicy.seeOther().reply(r, g, location).with("Vary", "Origin");
        Reply reply = RedirectPolicy.negotiated(byOrigin).reply(request, grant, LOCATION);
        assertThat(reply.headers()).containsEntry("Vary", List.of("Origin", "Prefer"));
    }

    private static JsonNode json(Reply reply) throws Exception {
        return new ObjectMapper().readTree(reply.body());
    }
}
