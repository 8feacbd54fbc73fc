// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ProblemTest {

    @Test
    @DisplayName("the JSON has the members of RFC 9457 and the code, and nothing else")
    void json() throws Exception {
        JsonNode json = new ObjectMapper().readTree(new Problem(410, "stream_gone", "It is \"gone\".\n").toJson());
        assertThat(new ObjectMapper().convertValue(json, Map.class))
                .isEqualTo(Map.of(
                        "type", "about:blank",
                        "title", "Gone",
                        "status", 410,
                        "detail", "It is \"gone\".\n",
                        "code", "stream_gone"));
    }

    @Test
    @DisplayName("the JSON is one line, whatever the detail, so that it can be the data of an event")
    void jsonIsOneLine() {
        assertThat(new Problem(500, "x", "a\r\nb").toJson()).doesNotContain("\n", "\r");
    }

    @ParameterizedTest
    @CsvSource({
        "400, Bad Request",
        "401, Unauthorized",
        "403, Forbidden",
        "404, Not Found",
        "405, Method Not Allowed",
        "409, Conflict",
        "410, Gone",
        "413, Content Too Large",
        "415, Unsupported Media Type",
        "422, Unprocessable Content",
        "429, Too Many Requests",
        "500, Internal Server Error",
        "502, Bad Gateway",
        "503, Service Unavailable",
        "408, Request Timeout",
        "504, Gateway Timeout",
        "505, HTTP Version Not Supported",
        "507, Insufficient Storage"
    })
    @DisplayName("the title is the phrase that the status has, for every status that we use")
    void titles(int status, String title) throws Exception {
        JsonNode json = new ObjectMapper().readTree(new Problem(status, "x", "x").toJson());
        assertThat(json.get("title").textValue()).isEqualTo(title);
    }

    @Test
    @DisplayName("a status without a phrase of ours has the name of its class")
    void otherTitles() {
        assertThat(new Problem(499, "x", "x").toJson()).contains("\"title\":\"Client Error\"");
        assertThat(new Problem(599, "x", "x").toJson()).contains("\"title\":\"Server Error\"");
    }

    @Test
    @DisplayName("the reply is problem JSON that no cache keeps")
    void reply() {
        Problem problem = new Problem(422, "idempotency_key_reused", "The key was used.");
        Reply reply = problem.toReply();
        assertThat(reply.status()).isEqualTo(422);
        assertThat(reply.body()).isEqualTo(problem.toJson());
        assertThat(reply.headers())
                .isEqualTo(Map.of(
                        "Content-Type", List.of("application/problem+json"), "Cache-Control", List.of("no-store")));
    }

    @Test
    @DisplayName("a 401 has the challenge that RFC 9110 demands, and no other has")
    void challenge() {
        assertThat(new Problem(401, "token_expired", "x").toReply().headers())
                .containsEntry("WWW-Authenticate", List.of("Bearer error=\"invalid_token\""));
        assertThat(List.of(400, 403, 410, 500, 503))
                .allSatisfy(status -> assertThat(
                                new Problem(status, "x", "x").toReply().headers())
                        .doesNotContainKey("WWW-Authenticate"));
    }

    @Test
    @DisplayName("a 503 says when to come back, and no other does")
    void retryAfter() {
        assertThat(new Problem(503, "overloaded", "x").toReply().headers()).containsEntry("Retry-After", List.of("1"));
        assertThat(List.of(400, 401, 429, 500, 504, 507))
                .allSatisfy(status -> assertThat(
                                new Problem(status, "x", "x").toReply().headers())
                        .doesNotContainKey("Retry-After"));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 599})
    @DisplayName("the status is one of an error")
    void statusRange(int status) {
        assertThat(new Problem(status, "x", "x").status()).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 200, 303, 399, 600})
    @DisplayName("a status that is no error is refused by name")
    void badStatus(int status) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Problem(status, "x", "x"))
                .withMessageContaining(Integer.toString(status));
    }

    @Test
    @DisplayName("an exception tells the code and the detail, and keeps its cause from the client")
    void exception() {
        Exception cause = new IllegalStateException("internal");
        ProblemException e = new ProblemException(new Problem(502, "upstream_failed", "No answer."), cause);
        assertThat(e).hasMessage("upstream_failed: No answer.").hasCause(cause);
        assertThat(e.problem().toJson()).doesNotContain("internal");
    }
}
