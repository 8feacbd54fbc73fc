// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Problem;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how a client gets the result of a task as one document. */
@Timeout(60)
public abstract class ResultContract extends ContainerClient {

    @Test
    @DisplayName("the result format waits for the end, then sends one JSON document")
    void givesResults() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        CompletableFuture<HttpResponse<String>> answer =
                client.sendAsync(request("GET", location, ""), HttpResponse.BodyHandlers.ofString());
        await().until(() -> status(location).get("readers").asInt() == 1);
        String result = "{\"text\":\"" + "\uD83D\uDE00ü".repeat(200_000) + "\"}";
        server.script("a").emit(null, "not shown").complete(result);

        assertThat(answer.get().statusCode()).isEqualTo(200);
        assertThat(answer.get().headers().firstValue("Content-Type")).contains("application/json");
        assertThat(answer.get().body()).isEqualTo(result);
        assertThat(send("GET", location, "").body()).isEqualTo(result);
        await().until(() -> status(location).get("readers").asInt() == 0);
    }

    @Test
    @DisplayName("the result of a failed or cancelled task is an HTTP error")
    void givesErrors() throws Exception {
        ContractServer server = server();
        String failed = location(post("/tasks", "a", "X-Format", "result"));
        server.script("a").fail(new Problem(502, "upstream_failed", "No answer."));
        HttpResponse<String> error = send("GET", failed, "");
        assertProblem(error, 502, "upstream_failed");
        assertThat(error.headers().firstValue("x-should-retry")).contains("false");

        String cancelled = location(post("/tasks", "b", "X-Format", "result"));
        send("DELETE", cancelled, "");
        assertProblem(send("GET", cancelled, ""), 409, "cancelled");
    }

    @Test
    @DisplayName("R14 an unpaired surrogate in a result becomes U+FFFD, as in an event")
    void replacesUnpairedSurrogates() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        server.script("a").complete("\"a\uD800b\uDC00 \uD83D\uDE00\"");
        assertThat(send("GET", location, "").body()).isEqualTo("\"a\uFFFDb\uFFFD \uD83D\uDE00\"");
    }

    @Test
    @DisplayName("Prefer: wait=N is honoured by the result format")
    void honoursWait() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        String location = location(post("/tasks", "a", "X-Format", "result"));
        HttpResponse<String> waited = send("GET", location, "", "Prefer", "wait=0");
        assertThat(waited.statusCode()).isEqualTo(202);
        assertThat(waited.headers().firstValue("Location")).contains(location);
        assertThat(waited.headers().firstValue("Preference-Applied")).contains("wait=0");
        assertThat(JSON.readTree(waited.body()).get("state").textValue()).isIn("queued", "running");
        server.script("a").complete("7");
        assertThat(send("GET", location, "", "Prefer", "wait=100").body()).isEqualTo("7");
    }

    @Test
    @DisplayName("a draining server refuses clients that wait for a result")
    void drainsResults() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        CompletableFuture<HttpResponse<String>> answer =
                client.sendAsync(request("GET", location, ""), HttpResponse.BodyHandlers.ofString());
        await().until(() -> status(location).get("readers").asInt() == 1);
        server.events.drain();
        assertProblem(answer.get(), 503, "interrupted");
        HttpResponse<String> late = send("GET", location, "");
        assertProblem(late, 503, "draining");
        assertThat(late.headers().firstValue("Retry-After")).isPresent();
    }

    @Test
    @DisplayName("HEAD of a document has the headers of GET, and has no length before the task has ended")
    void headOfDocument() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        assertThat(exchange("HEAD", location, ""))
                .startsWith("HTTP/1.1 200")
                .doesNotContainIgnoringCase("Content-Length");
        server.script("a").complete("{\"sum\":12345}");
        assertThat(send("GET", location, "").statusCode()).isEqualTo(200);
        assertThat(exchange("HEAD", location, ""))
                .startsWith("HTTP/1.1 200")
                .containsIgnoringCase("Content-Length: 13\r\n")
                .containsIgnoringCase("Content-Type: application/json");

        String failed = location(post("/tasks", "b", "X-Format", "result"));
        server.script("b").fail(new Problem(502, "upstream_failed", "No answer."));
        HttpResponse<String> get = send("GET", failed, "");
        HttpResponse<String> head = send("HEAD", failed, "");
        assertThat(head.statusCode()).isEqualTo(502);
        assertThat(head.headers().firstValue("Content-Length"))
                .isEqualTo(get.headers().firstValue("Content-Length"));
        String events = location(post("/tasks", "c"));
        assertThat(exchange("HEAD", events, "")).doesNotContainIgnoringCase("Content-Length");
    }
}
