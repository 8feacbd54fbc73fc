// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests what a server does besides streams: the status of a task, {@code HEAD}, {@code Expect} and CORS. */
@Timeout(60)
public abstract class HttpContract extends ContainerClient {

    @Test
    @DisplayName("the status shows the state, the number of events and the times of the task")
    void tellsStatus() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2);
        await().until(() -> status(location).get("events").asInt() == 2);
        JsonNode running = status(location);
        assertThat(running.get("state").textValue()).isEqualTo("running");
        assertThat(running.get("queue_position").intValue()).isZero();
        assertThat(running.get("readers").intValue()).isZero();
        assertThat(running.get("created").textValue()).isEqualTo("2030-01-01T00:00:00Z");
        assertThat(running.get("started").textValue()).isEqualTo("2030-01-01T00:00:00Z");
        assertThat(running.get("ended").isNull()).isTrue();

        server.clock.tick(Duration.ofSeconds(5));
        server.script("a").complete(null);
        events(get(location));
        await().until(() -> status(location).get("state").textValue().equals("completed"));
        assertThat(status(location).get("events").intValue()).isEqualTo(2);
        assertThat(status(location).get("ended").textValue()).isEqualTo("2030-01-01T00:00:05Z");
    }

    @Test
    @DisplayName("HEAD returns the headers of GET and leaves no reader open")
    void answersHead() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        HttpResponse<String> head = send("HEAD", location, "");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("Content-Type")).contains("text/event-stream");
        assertThat(status(location).get("readers").intValue()).isZero();
        assertThat(send("HEAD", location + "/status", "").statusCode()).isEqualTo(200);
    }

    @Test
    @DisplayName("the server does not wait for the body of a client that sends Expect: 100-continue")
    void expectContinue() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        String answer = exchange("POST", location, "Expect: 100-continue\r\nContent-Length: 5\r\n");
        assertThat(answer).contains("event: completed");
    }

    @Test
    @DisplayName("CORS: no origin by default")
    void noCors() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        HttpResponse<String> options = send("OPTIONS", location, "", "X-Origin", "https://a.example");
        assertThat(options.statusCode()).isEqualTo(204);
        assertThat(options.headers().map()).doesNotContainKey("access-control-allow-origin");
        assertThat(options.headers().firstValue("Allow")).contains("GET, HEAD, POST, DELETE, OPTIONS");
    }

    @Test
    @DisplayName("CORS: any origin")
    void corsForAll() throws Exception {
        ContractServer server = server(s -> s.corsOrigins("*"));
        String location = location(post("/tasks", "a"));
        String preflight = exchange(
                "OPTIONS",
                location,
                "Origin: null\r\nAccess-Control-Request-Headers: x-stainless-os, last-event-id\r\n");
        assertThat(preflight)
                .startsWith("HTTP/1.1 204")
                .containsIgnoringCase("Access-Control-Allow-Origin: *\r\n")
                .containsIgnoringCase("Access-Control-Allow-Methods: GET, POST, DELETE\r\n")
                .containsIgnoringCase("Access-Control-Allow-Headers: x-stainless-os, last-event-id\r\n");
        assertThat(exchange("OPTIONS", location, "Origin: https://a.example\r\n"))
                .containsIgnoringCase("Access-Control-Allow-Headers: authorization, content-type, last-event-id");
        server.script("a").complete(null);
        assertThat(exchange("GET", location, "Origin: https://a.example\r\n"))
                .containsIgnoringCase("Access-Control-Allow-Origin: *\r\n");
        assertThat(exchange("GET", "/events/bad", "Origin: https://a.example\r\n"))
                .startsWith("HTTP/1.1 401")
                .containsIgnoringCase("Access-Control-Allow-Origin: *\r\n");
    }

    @Test
    @DisplayName("CORS: named origins, with credentials")
    void corsForSome() throws Exception {
        ContractServer server = server(
                s -> s.corsOrigins("https://a.example", "https://b.example").corsCredentials(true));
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        assertThat(exchange("GET", location, "Origin: https://b.example\r\n"))
                .containsIgnoringCase("Access-Control-Allow-Origin: https://b.example\r\n")
                .containsIgnoringCase("Access-Control-Allow-Credentials: true\r\n")
                .containsIgnoringCase("Vary: Origin");
        assertThat(exchange("GET", location, "Origin: https://evil.example\r\n"))
                .doesNotContainIgnoringCase("Access-Control-Allow-Origin")
                .containsIgnoringCase("Vary: Origin");
    }
}
