// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class RandomBodiesTest {

    private static final int BODIES = 1200;

    @Test
    @DisplayName(
            "each of 1200 random bodies is answered in full or refused with an error of OpenAI's form and a status below 500")
    void noBodyBreaksTheServer() throws Exception {
        int accepted = 0;
        int refused = 0;
        try (TestChat chat = TestChat.start()) {
            for (int seed = 0; seed < BODIES; seed++) {
                RandomBodies bodies = new RandomBodies(seed);
                byte[] body = bodies.next();
                String shown =
                        "seed " + seed + ": " + new String(body, 0, Math.min(body.length, 300), StandardCharsets.UTF_8);
                HttpResponse<String> response = chat.send(TestChat.request(
                                chat.url(bodies.one("/v1", "/api") + "/chat/completions"))
                        .header("Content-Type", bodies.one("application/json", "application/json", "text/plain"))
                        .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
                if (response.statusCode() == 303) {
                    accepted++;
                    assertAnswered(chat.get(chat.accepted(response).getPath()), shown);
                } else {
                    refused++;
                    assertRefused(response, shown);
                }
            }
        }
        assertThat(accepted).isGreaterThan(BODIES / 5);
        assertThat(refused).isGreaterThan(BODIES / 5);
    }

    @Test
    @DisplayName("each of 400 random bodies for a model of an upstream is answered, or refused with a status below 500")
    void noBodyBreaksTheCopyForAnUpstream() throws Exception {
        int answered = 0;
        try (TestChat back = TestChat.start();
                TestChat front = TestChat.start(
                        Map.of(
                                "HANDOFF_SECRET",
                                TestChat.SECRET,
                                "OPENAI_BASE_URL",
                                back.url("/v1").toString()),
                        "--no-echo")) {
            for (int seed = 1_000_000; seed < 1_000_400; seed++) {
                String body = new String(new RandomBodies(seed).next(), StandardCharsets.UTF_8);
                HttpResponse<String> response = front.post(body);
                // Only the copy for a request without chunks differs from the body.
                if (response.statusCode() == 303 && !ChatRequest.parse(body).stream()) {
                    HttpResponse<String> answer =
                            front.get(front.accepted(response).getPath());
                    assertThat(answer.statusCode())
                            .as("seed %s: %s", seed, body)
                            .isBetween(200, 499);
                    answered += answer.statusCode() == 200 ? 1 : 0;
                }
            }
        }
        assertThat(answered).isGreaterThan(40);
    }

    private static void assertAnswered(HttpResponse<String> answer, String shown) throws Exception {
        assertThat(answer.statusCode()).as(shown).isEqualTo(200);
        if (answer.headers().firstValue("Content-Type").orElseThrow().equals("text/event-stream")) {
            assertThat(answer.body()).as(shown).endsWith("data: [DONE]\n\n").doesNotContain("event: error");
        } else {
            assertThat(Json.parse(answer.body()).at("/choices/0/finish_reason").asText())
                    .as(shown)
                    .isIn("stop", "length", "tool_calls");
        }
    }

    private static void assertRefused(HttpResponse<String> response, String shown) throws Exception {
        assertThat(response.statusCode()).as(shown).isBetween(400, 499);
        assertThat(response.headers().firstValue("Content-Type")).as(shown).contains("application/json");
        JsonNode error = Json.parse(response.body()).get("error");
        assertThat(error.fieldNames()).toIterable().as(shown).containsExactly("message", "type", "param", "code");
        assertThat(error.get("message").asText()).as(shown).isNotBlank();
        assertThat(error.get("type").asText()).as(shown).isEqualTo("invalid_request_error");
        assertThat(error.get("code").asText()).as(shown).isNotBlank();
    }
}
