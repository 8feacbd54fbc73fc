// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The Responses API in front of a server that knows only chat completions. */
@Timeout(120)
class ResponseUpstreamTest {

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final AtomicReference<JsonNode> asked = new AtomicReference<>();
    private volatile String answer = "";
    private HttpServer upstream;
    private TestChat chat;

    @BeforeEach
    void start() throws IOException {
        upstream = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
        upstream.setExecutor(threads);
        upstream.createContext(
                "/v1/models",
                exchange -> send(exchange, "application/json", "{\"data\":[{\"id\":\"tiny\",\"created\":5}]}"));
        upstream.createContext("/v1/chat/completions", exchange -> {
            asked.set(Json.parse(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
            send(exchange, "text/event-stream", answer);
        });
        upstream.start();
        String base = "http://127.0.0.1:" + upstream.getAddress().getPort() + "/v1";
        chat = TestChat.start(Map.of("HANDOFF_SECRET", TestChat.SECRET, "OPENAI_BASE_URL", base));
    }

    @AfterEach
    void stop() {
        chat.close();
        upstream.stop(0);
        threads.shutdownNow();
    }

    private static void send(HttpExchange exchange, String type, String body) throws IOException {
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
        exchange.close();
    }

    private static String chunk(String text, String finishReason) {
        return "data: {\"id\":\"c1\",\"created\":7,\"model\":\"tiny-2\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\""
                + text + "\"},\"finish_reason\":" + finishReason + "}]}\n\n";
    }

    private static ObjectNode request() {
        ObjectNode body = Json.object();
        body.put("model", "tiny");
        body.put("background", true);
        body.put("instructions", "Be brief.");
        body.put("max_output_tokens", 100);
        body.put("temperature", 0.5);
        body.putObject("metadata").put("colour", "red");
        ObjectNode message = body.putArray("input").addObject();
        message.put("role", "user");
        message.putArray("content").addObject().put("type", "input_text").put("text", "hello");
        return body;
    }

    /** Returns the response when it has ended. */
    private JsonNode response() throws Exception {
        HttpResponse<String> begun = chat.send(TestChat.request(chat.url("/v1/responses"))
                .POST(HttpRequest.BodyPublishers.ofString(request().toString())));
        String path = "/v1/responses/" + Json.parse(begun.body()).path("id").asText();
        return await().atMost(Duration.ofSeconds(60))
                .until(
                        () -> Json.parse(chat.get(path).body()),
                        now -> !now.path("status").asText().matches("queued|in_progress"));
    }

    @Test
    void theUpstreamGetsAChatCompletion() throws Exception {
        answer = chunk("Hel", "null") + chunk("lo", "\"stop\"")
                + "data: {\"id\":\"c1\",\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":22,"
                + "\"prompt_tokens_details\":{\"cached_tokens\":3},\"completion_tokens_details\":{\"reasoning_tokens\":4}}}\n\n"
                + "data: [DONE]\n\n";
        JsonNode response = response();

        assertThat(response.path("status").asText()).isEqualTo("completed");
        assertThat(response.path("model").asText()).isEqualTo("tiny");
        assertThat(response.at("/metadata/colour").asText()).isEqualTo("red");
        assertThat(response.at("/output/0/content/0/text").asText()).isEqualTo("Hello");
        assertThat(response.at("/usage/input_tokens").asInt()).isEqualTo(11);
        assertThat(response.at("/usage/input_tokens_details/cached_tokens").asInt())
                .isEqualTo(3);
        assertThat(response.at("/usage/output_tokens").asInt()).isEqualTo(22);
        assertThat(response.at("/usage/output_tokens_details/reasoning_tokens").asInt())
                .isEqualTo(4);
        assertThat(response.at("/usage/total_tokens").asInt()).isEqualTo(33);
        JsonNode chatRequest = asked.get();
        assertThat(chatRequest.path("model").asText()).isEqualTo("tiny");
        assertThat(chatRequest.path("stream").asBoolean()).isTrue();
        assertThat(chatRequest.at("/stream_options/include_usage").asBoolean()).isTrue();
        assertThat(chatRequest.path("max_completion_tokens").asInt()).isEqualTo(100);
        assertThat(chatRequest.path("temperature").asDouble()).isEqualTo(0.5);
        assertThat(chatRequest.has("metadata")).isFalse();
        assertThat(chatRequest.at("/messages/0/role").asText()).isEqualTo("system");
        assertThat(chatRequest.at("/messages/0/content").asText()).isEqualTo("Be brief.");
        assertThat(chatRequest.at("/messages/1/role").asText()).isEqualTo("user");
        assertThat(chatRequest.at("/messages/1/content/0/type").asText()).isEqualTo("text");
        assertThat(chatRequest.at("/messages/1/content/0/text").asText()).isEqualTo("hello");
    }

    @Test
    void anAnswerThatTheUpstreamHasCutIsIncomplete() throws Exception {
        answer = chunk("Hel", "\"length\"") + "data: [DONE]\n\n";
        JsonNode response = response();

        assertThat(response.path("status").asText()).isEqualTo("incomplete");
        assertThat(response.at("/incomplete_details/reason").asText()).isEqualTo("max_output_tokens");
        assertThat(response.at("/output/0/status").asText()).isEqualTo("incomplete");
    }

    @Test
    void anErrorOfTheUpstreamFailsTheResponse() throws Exception {
        answer = chunk("Hel", "null") + "data: {\"error\":{\"message\":\"out of memory\"}}\n\n";
        JsonNode response = response();

        assertThat(response.path("status").asText()).isEqualTo("failed");
        assertThat(response.at("/error/message").asText()).isEqualTo("out of memory");
        assertThat(response.at("/output/0/content/0/text").asText()).isEqualTo("Hel");
    }
}
