// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.Refusal;
import dev.handoff.testing.StepExecutor;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** How claims come from the request to the checks of the streaming server. */
class HandoffClaimsTest {

    private final StepExecutor executor = new StepExecutor();
    private final EventStore store = InMemoryEventStore.create();
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
            .handler("greet", (task, output) -> output.emit(task.payload()))
            .build();
    private final TokenSealer sealer = TokenSealer.of("Zk3vQ9xW1rT7yU5iO0pLmN8bV6cX4zAs");

    @Test
    @DisplayName("the redirect policy, the token and the streaming server see the claims of the request")
    void claims() {
        Grant[] seen = new Grant[1];
        Handoff handoff = Handoff.builder(dispatcher, store, sealer)
                .claims(request -> Map.of("tenant", tenant(request)))
                .redirectPolicy((request, grant, location) -> {
                    seen[0] = grant;
                    return RedirectPolicy.seeOther().reply(request, grant, location);
                })
                .build();
        Reply reply = handoff.begin(from("acme", "alice"), Task.of("greet", "hello"));
        Grant grant = handoff.open(token(reply)).grant();
        assertThat(grant.claims()).containsExactly(Map.entry("tenant", "acme"));
        assertThat(grant.subject()).isEqualTo("alice");
        assertThat(seen[0].claims()).isEqualTo(grant.claims());
    }

    @Test
    @DisplayName("without a function a token has no claims")
    void noClaims() {
        Handoff handoff = Handoff.builder(dispatcher, store, sealer).build();
        Reply reply = handoff.begin(from("acme", "alice"), Task.of("greet", "hello"));
        assertThat(handoff.open(token(reply)).grant().claims()).isEmpty();
    }

    @Test
    @DisplayName("a library adds claims to those of the application")
    void decorated() {
        Handoff handoff = Handoff.builder(dispatcher, store, sealer)
                .claims(request -> Map.of("tenant", tenant(request)))
                .decorateClaims(claims -> request -> {
                    Map<String, String> all = new HashMap<>(claims.apply(request));
                    all.put("trace", "17");
                    return all;
                })
                .build();
        Reply reply = handoff.begin(from("acme", "alice"), Task.of("greet", "hello"));
        assertThat(handoff.open(token(reply)).grant().claims())
                .containsOnly(Map.entry("tenant", "acme"), Map.entry("trace", "17"));
    }

    @Test
    @DisplayName("a request that resumes or joins gets a token with its own claims")
    void resumed() {
        Handoff handoff = ofTenants();
        String id = sealer.open(token(handoff.begin(from("acme", "alice"), Task.of("greet", "hello"))))
                .streamId();
        FakeRequest back = from("acme-2", "alice").with("Last-Event-ID", id + ":0");
        Grant resumed = sealer.open(token(handoff.resume(back).orElseThrow()));
        assertThat(resumed.streamId()).isEqualTo(id);
        assertThat(resumed.claims()).containsExactly(Map.entry("tenant", "acme-2"));

        FakeRequest retry = from("acme-3", "alice").with("X-Stainless-Retry-Count", "1");
        Grant joined = sealer.open(token(handoff.begin(retry, Task.of("greet", "hello"), Duration.ofMinutes(1))));
        assertThat(joined.streamId()).isEqualTo(id);
        assertThat(joined.claims()).containsExactly(Map.entry("tenant", "acme-3"));
    }

    @Test
    @DisplayName("R12 the streaming server can refuse the token of another tenant")
    void authorization() {
        Handoff handoff = ofTenants();
        StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
                .authorization((request, grant) -> Objects.equals(
                        request.header("X-Tenant"), grant.claims().get("tenant")))
                .build();
        String path = '/' + token(handoff.begin(from("acme", null), Task.of("greet", "hello")));
        assertThat(status(endpoint, "acme", path)).isEqualTo(200);
        assertThat(status(endpoint, "other", path)).isEqualTo(403);
    }

    @Test
    @DisplayName("too many claims, no claims object, or a problem: the request fails and nothing is started")
    void failures() {
        Task task = Task.of("greet", "hello");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> with(request -> Map.of("a", "x".repeat(2000))).begin(from("acme", null), task))
                .withMessageContaining("1024");
        assertThatNullPointerException()
                .isThrownBy(() -> with(HandoffClaimsTest::nothing).begin(from("acme", null), task))
                .withMessageContaining("claims");
        Problem problem = Refusal.of(() -> with(request -> {
                    throw new ProblemException(403, "no_tenant", "There is no such tenant.");
                })
                .begin(from("acme", null), task));
        assertThat(problem.code()).isEqualTo("no_tenant");
        assertThat(executor.waiting()).isZero();
        assertThat(dispatcher.status(task.id())).isEmpty();
    }

    @SuppressWarnings("NullAway") // An application that is not checked for null can do this.
    private static Map<String, String> nothing(HandoffRequest request) {
        return null;
    }

    private Handoff ofTenants() {
        return with(request -> Map.of("tenant", tenant(request)));
    }

    private Handoff with(Function<HandoffRequest, Map<String, String>> claims) {
        return Handoff.builder(dispatcher, store, sealer).claims(claims).build();
    }

    private static String tenant(HandoffRequest request) {
        return Objects.requireNonNull(request.header("X-Tenant"));
    }

    private static FakeRequest from(String tenant, @Nullable String subject) {
        return FakeRequest.by(subject).with("X-Tenant", tenant);
    }

    private static int status(StreamEndpoint endpoint, String tenant, String path) {
        FakeRequest request = new FakeRequest("GET", "/events", Map.of("x-tenant", tenant), null, "");
        StreamEndpoint.Whole whole = (StreamEndpoint.Whole) endpoint.answer(request, path + "/status");
        return whole.reply().status();
    }

    private static String token(Reply reply) {
        return reply.header("Location").replaceFirst("^.*/", "").replaceFirst("\\?.*", "");
    }
}
