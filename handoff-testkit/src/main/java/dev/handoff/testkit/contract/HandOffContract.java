// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.io.InputStream;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how the filter hands a request off: the redirect, the requests that pass, and the keys that join requests. */
@Timeout(60)
public abstract class HandOffContract extends ContainerClient {

    @Test
    @DisplayName("a request is answered with a redirect, and events are delivered as they are emitted")
    void handsOff() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a");

        assertThat(redirect.statusCode()).isEqualTo(303);
        String location = redirect.headers().firstValue("Location").orElseThrow();
        assertThat(location).startsWith("/events/");
        assertThat(redirect.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(redirect.headers().firstValue("x-should-retry")).contains("false");
        assertThat(redirect.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(redirect.body()).contains("redirect").doesNotContain(location.substring("/events/".length()));

        HttpResponse<InputStream> answer = get(location);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/event-stream");
        assertThat(answer.headers().firstValue("Cache-Control")).contains("no-cache, no-transform");
        assertThat(answer.headers().firstValue("X-Accel-Buffering")).contains("no");

        SseReader events = new SseReader(answer.body());
        String id = JSON.readTree(redirect.body()).get("task").textValue();
        server.script("a").emit(null, "one");
        assertThat(events.next().map(ContainerClient::unproven)).contains(new Received(id + ":0", "message", "one"));
        server.script("a").emit("two", "2");
        assertThat(events.next().map(ContainerClient::unproven)).contains(new Received(id + ":1", "two", "2"));
        server.script("a").complete("{\"sum\":3}");
        assertThat(events.next().map(ContainerClient::unproven))
                .contains(new Received(id + ":2", "completed", "{\"sum\":3}"));
        assertThat(events.next()).isEmpty();
    }

    @Test
    @DisplayName("a request that no route accepts passes unchanged, with its body")
    void passesOthers() throws Exception {
        server();
        assertThat(post("/tasks", "pass this").body()).isEqualTo("application: POST pass this");
        assertThat(post("/tasks", "pass this", "X-Read", "reader").body()).isEqualTo("application: POST pass this");
        assertThat(post(
                                "/tasks?pass=0",
                                "pass=1&pass=%C3%BC&b=3",
                                "X-Read",
                                "parameter",
                                "Content-Type",
                                "application/x-www-form-urlencoded")
                        .body())
                .isEqualTo("application: POST 0,1,ü");
        assertThat(post("/other", "a").body()).isEqualTo("application: POST a");
        assertThat(new String(get("/tasks").body().readAllBytes(), UTF_8)).isEqualTo("application: GET ");
        assertThat(get("/other", "Last-Event-ID", "foreign").statusCode()).isEqualTo(200);
    }

    @Test
    @DisplayName("a body that is too large or not a text is refused")
    void refusesBodies() throws Exception {
        server();
        assertProblem(post("/tasks", "a".repeat((8 << 20) + 1)), 413, "content_too_large");
        assertProblem(
                post("/tasks", "a", "Content-Type", "multipart/form-data; boundary=x"), 415, "unsupported_media_type");
        assertProblem(post("/tasks", "a", "Content-Type", "text/plain; charset=none"), 415, "unsupported_charset");
    }

    @Test
    @DisplayName("a route reads the query as the client has sent it")
    void queried() throws Exception {
        ContractServer server = server();
        HttpResponse<InputStream> redirect = get("/queried?a=%20b&c=+");
        assertThat(redirect.statusCode()).isEqualTo(303);
        server.script("a=%20b&c=+").emitNumbered(0, 1).complete(null);
        assertThat(events(get(redirect.headers().firstValue("Location").orElseThrow())))
                .hasSize(2);
        assertThat(new String(get("/queried").body().readAllBytes(), UTF_8)).isEqualTo("application: GET ");
    }

    @Test
    @DisplayName(
            "R10 requests with the same subject and Idempotency-Key share one task, and both read its whole stream")
    void idempotentDispatch() throws Exception {
        ContractServer server = server();
        String first = location(post("/tasks", "a", "Idempotency-Key", "\"k1\"", "X-Subject", "alice"));
        String second = location(post("/tasks", "a", "Idempotency-Key", "k1", "X-Subject", "alice"));
        String stranger = location(post("/tasks", "b", "Idempotency-Key", "k1", "X-Subject", "bob"));
        server.script("a").emitNumbered(0, 3).complete(null);
        server.script("b").complete(null);

        List<Received> events = events(get(first));
        assertThat(events).hasSize(4).isEqualTo(events(get(second)));
        assertThat(events(get(stranger))).hasSize(1);
        assertThat(server.script("a").runs()).isEqualTo(1);
        assertProblem(
                post("/tasks", "other", "Idempotency-Key", "k1", "X-Subject", "alice"), 422, "idempotency_key_reused");
        assertProblem(post("/tasks", "a", "Idempotency-Key", ""), 400, "invalid_idempotency_key");
    }
}
