// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.http.Problem;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how {@code EventStreamServlet} serves JSON lines, on every servlet container, over real sockets. */
@Timeout(60)
public abstract class JsonLinesContract extends ContainerClient {

    private static final String MEDIA_TYPE = "application/x-ndjson";

    private BufferedReader lines(String location, String... headers) {
        HttpResponse<InputStream> answer = get(location, headers);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains(MEDIA_TYPE);
        return new BufferedReader(new InputStreamReader(answer.body(), UTF_8));
    }

    private static JsonNode next(BufferedReader lines) throws IOException {
        return JSON.readTree(Objects.requireNonNull(lines.readLine()));
    }

    @Test
    @DisplayName("lines are delivered as events are emitted, and a client resumes after the id of the last one")
    void deliversAndResumes() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        BufferedReader lines = lines(location, "Accept", MEDIA_TYPE);
        server.script("a").emit("token", "one");
        JsonNode first = next(lines);
        assertThat(first.path("type").textValue()).isEqualTo("token");
        assertThat(first.path("data").textValue()).isEqualTo("one");
        lines.close();
        server.script("a").emit(null, "two").complete("{\"sum\":3}");

        String id = first.path("id").textValue();
        BufferedReader rest = lines(location, "Accept", MEDIA_TYPE, "Last-Event-ID", id);
        assertThat(next(rest).path("data").textValue()).isEqualTo("two");
        assertThat(next(rest).path("data").textValue()).isEqualTo("{\"sum\":3}");
        assertThat(rest.readLine()).isNull();
        assertThat(lines(location + "?last_event_id=" + id, "Accept", MEDIA_TYPE)
                        .lines())
                .hasSize(2);
    }

    @Test
    @DisplayName("the application may choose the format, and a failed stream ends with its problem")
    void chosenByApplication() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "json-lines"));
        server.script("a").fail(new Problem(502, "upstream_failed", "No answer."));
        BufferedReader lines = lines(location);
        JsonNode end = next(lines);
        assertThat(end.path("type").textValue()).isEqualTo("failed");
        assertThat(end.path("problem").path("code").textValue()).isEqualTo("upstream_failed");
        assertThat(lines.readLine()).isNull();
    }

    @Test
    @DisplayName("heartbeats are spaces, and each line is still one JSON value")
    void heartbeats() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        String location = location(post("/tasks", "a"));
        Socket socket = connect("GET", location, "Accept: " + MEDIA_TYPE + "\r\n");
        server.script("a").emit(null, "before");
        readUntil(socket, "before\"}\n");
        readUntil(socket, " ");
        server.script("a").emit(null, "after").complete(null);
        assertThat(readUntil(socket, "\"type\":\"completed\"}\n"))
                .contains("\"after\"}\n")
                .doesNotContain("\n\n");
    }

    @Test
    @DisplayName("R8 a draining server writes the line interrupted without an id, and cuts the stream")
    void drains() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        BufferedReader lines = lines(location, "Accept", MEDIA_TYPE);
        server.script("a").emit(null, "one");
        String id = next(lines).path("id").textValue();
        server.events.drain();
        JsonNode cut = next(lines);
        assertThat(cut.path("type").textValue()).isEqualTo("interrupted");
        assertThat(cut.has("id")).isFalse();
        assertThatThrownBy(lines::readLine).isInstanceOf(IOException.class);
        HttpResponse<String> refusal = send("GET", location, "", "Accept", MEDIA_TYPE);
        assertProblem(refusal, 503, "draining");

        server.script("a").complete(null);
        String elsewhere = location.replace("/events/", "/elsewhere/");
        await().until(() -> status(elsewhere).get("state").textValue().equals("completed"));
        assertThat(lines(elsewhere, "Accept", MEDIA_TYPE, "Last-Event-ID", id).lines())
                .hasSize(1);
    }
}
