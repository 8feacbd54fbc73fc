// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.task.Task;
import dev.handoff.testkit.SseReader;
import dev.handoff.token.Grant;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests which requests a server refuses because of the token, a right, an event id or the method. */
@Timeout(60)
public abstract class AccessContract extends ContainerClient {

    @Test
    @DisplayName("R12 a token that is tampered with, cut, foreign or expired: 401 with a problem")
    void refusesTokens() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        char last = location.charAt(location.length() - 1);
        String tampered = location.substring(0, location.length() - 3) + (last == 'A' ? "BBB" : "AAA");
        for (String bad : List.of(
                tampered,
                location.substring(0, location.length() - 1),
                location.substring(0, 60),
                "/events/",
                "/events",
                "/events/a.b.c.d.e",
                location + "x",
                "/events/" + "x".repeat(5000))) {
            // Some containers refuse a path with an empty segment by themselves.
            for (String path : bad.endsWith("/") ? List.of(bad) : List.of(bad, bad + "/status")) {
                HttpResponse<String> answer = send("GET", path, "");
                assertProblem(answer, 401, "invalid_token");
                assertThat(answer.headers().firstValue("WWW-Authenticate")).isPresent();
                assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
            }
            assertProblem(send("DELETE", bad, ""), 401, "invalid_token");
            assertProblem(send("POST", bad, "body"), 401, "invalid_token");
        }
        server.clock.tick(Duration.ofHours(25));
        assertProblem(send("GET", location, ""), 401, "token_expired");
    }

    @Test
    @DisplayName("R12 a token with another spelling is refused, even if only unused bits differ")
    void refusesOtherSpellings() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        String start = location.substring(0, location.length() - 1);
        for (char c : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".toCharArray()) {
            if (!location.equals(start + c)) {
                assertProblem(send("HEAD", start + c, ""), 401, null);
            }
        }
        assertProblem(send("GET", location + "=", ""), 401, "invalid_token");
    }

    @Test
    @DisplayName("R12 a client without a subject can resume with an event id, but cannot cancel")
    void resumesAnonymously() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        String last = new SseReader(get(location).body()).next().orElseThrow().lastEventId();
        String again = location(post("/tasks", "a", "Last-Event-ID", last));
        assertProblem(send("DELETE", again, ""), 403, "right_missing");
        assertThat(send("DELETE", location, "").statusCode()).isEqualTo(202);
    }

    @Test
    @DisplayName("R12 a request for which the token has no right: 403")
    void refusesRights() throws Exception {
        ContractServer server = server();
        String id = taskOf(post("/tasks", "a"));
        String readOnly = server.readOnly(id);
        assertProblem(send("DELETE", readOnly, ""), 403, "right_missing");
        String cancelOnly = server.path(id, "standard", Duration.ofHours(1), Grant.Right.CANCEL);
        assertProblem(send("GET", cancelOnly, ""), 403, "right_missing");
        assertProblem(send("GET", cancelOnly + "/status", ""), 403, "right_missing");
        String resultOnly = server.path(id, "result", Duration.ofHours(1), Grant.Right.CANCEL);
        assertProblem(send("GET", resultOnly, ""), 403, "right_missing");
        assertThat(send("DELETE", cancelOnly, "").statusCode()).isEqualTo(202);
    }

    @Test
    @DisplayName("a Last-Event-ID that is no id of the stream: 400, and the error names the value")
    void refusesLastEventIds() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 3);
        String id = status(location).get("task").textValue();
        await().until(() -> status(location).get("events").asInt() == 3);
        String other = Task.of("script", "").id() + ":0";
        for (String bad : List.of(
                "17",
                "abc",
                id,
                id + ":",
                id + ":x",
                id + ":-1",
                id + ":3",
                other,
                id + ":0x",
                id + ":01",
                id + ":0.9",
                id + ":2.1")) {
            HttpResponse<String> answer = send("GET", location, "", "Last-Event-ID", bad);
            assertProblem(answer, 400, "invalid_last_event_id");
            assertThat(JSON.readTree(answer.body()).get("detail").textValue()).contains(bad);
        }
        HttpResponse<String> atTheStart = post("/tasks", "a", "Last-Event-ID", "17");
        assertProblem(atTheStart, 400, "invalid_last_event_id");
        assertThat(atTheStart.body()).contains("17");
        assertProblem(post("/tasks", "a", "Last-Event-ID", other), 403, "not_your_stream");
        assertProblem(post("/tasks", "a", "X-Subject", "alice", "Last-Event-ID", other), 410, "stream_gone");
        assertThat(server.script("a").runs()).isEqualTo(1);
    }

    @Test
    @DisplayName("R13 a last event id with bad percent-encoding: 400, and the error names the value")
    void refusesBadEncoding() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        for (String bad : List.of("%zz", "%", "a%2")) {
            // The JDK's client refuses to send such a query.
            String answer = exchange("GET", location + "?last_event_id=" + bad, "");
            assertThat(answer).startsWith("HTTP/1.1 400").doesNotContainIgnoringCase("<html");
            // Some containers refuse such a query by themselves, without a body.
            if (!answer.endsWith("\r\n\r\n")) {
                assertThat(answer)
                        .containsIgnoringCase("x-should-retry: false")
                        .contains("invalid_last_event_id")
                        .contains("\\\"" + bad + "\\\"");
            }
        }
    }

    @Test
    @DisplayName("only the subject that began a stream can resume it")
    void refusesStrangers() throws Exception {
        server();
        String id = taskOf(post("/tasks", "a", "X-Subject", "alice")) + ":0";
        assertProblem(post("/tasks", "a", "X-Subject", "mallory", "Last-Event-ID", id), 403, "not_your_stream");
        assertProblem(post("/tasks", "a", "Last-Event-ID", id), 403, "not_your_stream");
    }

    @Test
    @DisplayName("a method that the server does not support: 405")
    void refusesMethods() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        HttpResponse<String> status = send("DELETE", location + "/status", "");
        assertProblem(status, 405, "method_not_allowed");
        assertThat(status.headers().firstValue("Allow")).contains("GET, HEAD, OPTIONS");
        // Comes last, because a container may close the connection of a request whose body nobody has read.
        HttpResponse<String> put = send("PUT", location, "x");
        assertProblem(put, 405, "method_not_allowed");
        assertThat(put.headers().firstValue("x-should-retry")).contains("false");
    }
}
