// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.ProblemException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ChatResultTest {

    private static TestChat chat;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    @Test
    void theWholeAnswerIsOneCompletion() throws Exception {
        URI result = chat.begin(TestChat.ask(false, "one two three"));
        HttpResponse<String> response = chat.get(result.getPath());

        assertThat(response.statusCode()).isEqualTo(200);
        assertThat(response.headers().firstValue("Content-Type")).contains("application/json");
        JsonNode json = Json.parse(response.body());
        assertThat(json.get("id").asText()).startsWith("chatcmpl-");
        assertThat(json.get("object").asText()).isEqualTo("chat.completion");
        assertThat(json.get("created").isIntegralNumber()).isTrue();
        assertThat(json.get("model").asText()).isEqualTo("echo");
        assertThat(json.get("choices").toString())
                .isEqualTo("[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"one two three\","
                        + "\"refusal\":null},\"logprobs\":null,\"finish_reason\":\"stop\"}]");
        assertThat(json.get("usage").toString())
                .isEqualTo("{\"prompt_tokens\":3,\"completion_tokens\":3,\"total_tokens\":6}");
    }

    @Test
    void aFailureIsAnHttpErrorThatIsNotToBeRetried() throws Exception {
        URI result = chat.begin(TestChat.ask(false, "one two three", "fail_after", 2));
        HttpResponse<String> response = chat.get(result.getPath());

        assertThat(response.statusCode()).isEqualTo(500);
        assertThat(response.headers().firstValue("x-should-retry")).contains("false");
        JsonNode error = Json.parse(response.body()).get("error");
        assertThat(error.get("type").asText()).isEqualTo("server_error");
        assertThat(error.get("code").asText()).isEqualTo("echo_failed");
    }

    @Test
    @DisplayName("R15: an answer that is too long to combine fails")
    void aResultIsBounded() {
        Completion completion = new Completion(1);
        ObjectNode chunk = Json.object();
        ObjectNode choice = Json.object();
        choice.withObject("/delta").put("content", "a".repeat(1 << 20));
        chunk.putArray("choices").add(choice);

        assertThatThrownBy(() -> {
                    for (int i = 0; i < 16; i++) {
                        completion.add(chunk);
                    }
                })
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("answer_too_long");
        assertThat(completion.toJson().toString().length()).isBetween(15 << 20, 16 << 20);
    }

    @Test
    void aCancelledAnswerIsAConflict() throws Exception {
        URI result = chat.begin(TestChat.ask(false, "one two three", "delay_ms", 60_000));
        CompletableFuture<HttpResponse<String>> waiting =
                CompletableFuture.supplyAsync(() -> chat.get(result.getPath()));

        assertThat(chat.delete(result).statusCode()).isEqualTo(202);

        assertThat(waiting.join().statusCode()).isEqualTo(409);
        assertThat(Json.parse(waiting.join().body()).at("/error/code").asText()).isEqualTo("cancelled");
        assertThat(waiting.join().headers().firstValue("x-should-retry")).contains("false");
    }
}
