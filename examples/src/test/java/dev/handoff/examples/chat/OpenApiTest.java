// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Holds openapi.yaml against the running server. */
class OpenApiTest {

    private static final String RESPONSES = "/v1/responses";
    private static final String CHAT = "/v1/chat/completions";

    private static TestChat chat;
    private static ApiContract contract;

    @BeforeAll
    static void start() throws Exception {
        chat = TestChat.start();
        contract = new ApiContract(chat.get("/openapi.yaml").body());
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    private static HttpResponse<String> exchange(String method, String path, String body, String... headers)
            throws JsonProcessingException {
        HttpResponse<String> response = chat.send(
                TestChat.request(chat.url(path), headers).method(method, HttpRequest.BodyPublishers.ofString(body)));
        contract.check(method, path, response);
        return response;
    }

    private static String begin(ObjectNode request) throws JsonProcessingException {
        assertThat(contract.requestErrors("POST", CHAT, request)).isEmpty();
        return chat.accepted(exchange("POST", CHAT, request.toString())).getPath();
    }

    private static ObjectNode with(boolean stream, String fields) throws JsonProcessingException {
        ObjectNode request = TestChat.ask(stream, "one two", "delay_ms", 0);
        return request.setAll((ObjectNode) Json.parse('{' + fields + '}'));
    }

    @Test
    @DisplayName("each operation of the document is served, and its answers are as the document describes them")
    void operations() throws Exception {

        for (String prefix : new String[] {"/v1", "/api"}) {
            exchange("GET", prefix + "/models", "");
            exchange("GET", prefix + "/models/echo", "");
            exchange("GET", prefix + "/models/none", "");
            exchange("OPTIONS", prefix + "/chat/completions", "");
            String response = prefix + "/responses/"
                    + Json.parse(exchange("POST", prefix + "/responses", response(true, false, 60_000))
                                    .body())
                            .path("id")
                            .asText();
            exchange("GET", response, "");
            exchange("POST", response + "/cancel", "");
            exchange("DELETE", response, "");
            exchange(
                    "POST",
                    prefix + "/chat/completions",
                    TestChat.ask(false, "one").toString());
        }
        String stream = begin(TestChat.ask(true, "one two", "delay_ms", 0));
        String events = exchange("GET", stream, "").body();
        exchange("POST", stream, "ignored");
        exchange("GET", stream + "/status", "");
        exchange("OPTIONS", stream, "");
        exchange("OPTIONS", stream + "/status", "");
        exchange("DELETE", stream, "");
        String[] ids = events.lines().filter(line -> line.startsWith("id: ")).toArray(String[]::new);
        String first = ids[0].substring(4);
        exchange("GET", CHAT, "", "Last-Event-ID", first);
        exchange("GET", stream, "", "Last-Event-ID", first);
        exchange("GET", stream, "", "Last-Event-ID", ids[ids.length - 1].substring(4));
        exchange("GET", "/healthz", "");
        exchange("GET", "/readyz", "");
        exchange("GET", "/openapi.yaml", "");

        assertThat(contract.succeeded()).isEqualTo(contract.operations());
    }

    /** A request for a response, which the document must describe. */
    private static String response(boolean background, boolean stream, int delayMillis) throws JsonProcessingException {
        ObjectNode request = Json.object();
        request.put("model", "echo");
        request.put("input", "one two");
        request.put("background", background);
        request.put("stream", stream);
        request.putObject("metadata").put("delay_ms", String.valueOf(delayMillis));
        assertThat(contract.requestErrors("POST", RESPONSES, request)).isEmpty();
        return request.toString();
    }

    @Test
    @DisplayName("responses and their events have exactly the fields that the document describes")
    void responses() throws Exception {
        String stream = chat.accepted(exchange("POST", RESPONSES, response(true, true, 0)))
                .getPath();
        List<JsonNode> events = new ArrayList<>();
        try (EventReader reader = chat.read(chat.url(stream))) {
            reader.rest().forEach(frame -> events.add(frame.json()));
        }
        events.forEach(event -> contract.checkSchema("ResponseEvent", event));
        String path = RESPONSES + '/' + events.get(0).at("/response/id").asText();
        assertThat(exchange("GET", path, "").statusCode()).isEqualTo(200);
        assertThat(exchange("GET", path + "?stream=true&starting_after=1", "").statusCode())
                .isEqualTo(303);
        assertThat(exchange("POST", path + "/cancel", "").statusCode()).isEqualTo(400);
        assertThat(exchange("GET", path + "?stream=maybe", "").statusCode()).isEqualTo(400);
        assertThat(exchange("GET", RESPONSES + "/resp_none", "").statusCode()).isEqualTo(404);
        assertThat(exchange("DELETE", path, "").statusCode()).isEqualTo(200);
        String document = chat.accepted(exchange("POST", RESPONSES, response(false, false, 0)))
                .getPath();
        assertThat(exchange("GET", document, "").statusCode()).isEqualTo(200);
    }

    @Test
    @DisplayName("a client that prefers it gets 202, and a cancelled answer is a conflict")
    void otherAnswers() throws Exception {
        String body = TestChat.ask(false, "one", "delay_ms", 60_000).toString();
        HttpResponse<String> accepted = exchange("POST", CHAT, body, "Prefer", "respond-async");
        String answer = accepted.headers().firstValue("Location").orElseThrow();

        assertThat(accepted.statusCode()).isEqualTo(202);
        assertThat(exchange("GET", answer, "", "Prefer", "wait=0").statusCode()).isEqualTo(202);
        assertThat(exchange("GET", answer + "/status", "").statusCode()).isEqualTo(200);
        assertThat(exchange("DELETE", answer, "").statusCode()).isEqualTo(202);
        assertThat(exchange("GET", answer, "").statusCode()).isEqualTo(409);
    }

    @ParameterizedTest
    @DisplayName("an error has the form that the document describes")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            400 | POST   | /v1/chat/completions | {
            400 | POST   | /v1/chat/completions | {"model":"echo","messages":[]}
            404 | POST   | /v1/chat/completions | {"model":"none","messages":[{"role":"user","content":"x"}]}
            405 | GET    | /api/chat/completions| ``
            401 | GET    | /events/x            | ``
            401 | GET    | /events/x/status     | ``
            401 | DELETE | /events/x            | ``
            """)
    void errors(int status, String method, String path, String body) throws Exception {
        assertThat(exchange(method, path, body).statusCode()).isEqualTo(status);
    }

    @Test
    @DisplayName("errors of access and of content have the form that the document describes")
    void otherErrors() throws Exception {
        String body = TestChat.ask(true, "one", "delay_ms", 0).toString();
        assertThat(exchange("POST", CHAT, body, "Idempotency-Key", "k").statusCode())
                .isEqualTo(303);
        assertThat(exchange("POST", CHAT, body + ' ', "Idempotency-Key", "k").statusCode())
                .isEqualTo(422);
        assertThat(exchange("POST", CHAT, "x", "Content-Type", "multipart/form-data; boundary=x")
                        .statusCode())
                .isEqualTo(415);
        assertThat(exchange("GET", "/v1/models", "", "Origin", "http://other.example")
                        .statusCode())
                .isEqualTo(403);
        String failed = begin(TestChat.ask(false, "one", "delay_ms", 0, "fail_after", 0));
        assertThat(exchange("GET", failed, "").statusCode()).isEqualTo(500);
        Map<String, String> environment = Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key");
        try (TestChat guarded = TestChat.start(environment)) {
            HttpResponse<String> refused = guarded.post(body);
            assertThat(refused.statusCode()).isEqualTo(401);
            contract.check("POST", CHAT, refused);
        }
    }

    @ParameterizedTest
    @DisplayName("answers and chunks have exactly the fields that the document describes")
    @ValueSource(
            strings = {
                "",
                "\"n\":2,\"logprobs\":true,\"top_logprobs\":2,\"stop\":\"x\"",
                "\"max_tokens\":1,\"response_format\":{\"type\":\"json_object\"}",
                "\"stream_options\":{\"include_usage\":true}",
                "\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]",
            })
    void answers(String fields) throws Exception {
        exchange("GET", begin(with(false, fields)), "");
        try (EventReader reader = chat.read(chat.url(begin(with(true, fields))))) {
            reader.rest().stream()
                    .filter(frame -> !frame.isDone())
                    .forEach(frame -> contract.checkSchema("ChatCompletionChunk", frame.json()));
        }
    }

    @Test
    @DisplayName("chunks of a cancelled answer and events of a failed one are as the document describes them")
    void interruptedAnswers() throws Exception {
        String cancelled = begin(TestChat.ask(true, "one two", "delay_ms", 60_000));
        try (EventReader reader = chat.read(chat.url(cancelled))) {
            exchange("DELETE", cancelled, "");
            reader.rest().stream()
                    .filter(frame -> !frame.isDone())
                    .forEach(frame -> contract.checkSchema("ChatCompletionChunk", frame.json()));
        }
        String failed = begin(TestChat.ask(true, "one", "delay_ms", 0, "fail_after", 0));
        try (EventReader reader = RawHttp.read(chat.url(failed))) {
            var frames = reader.untilAbort();
            contract.checkSchema("Error", frames.get(frames.size() - 1).json());
        }
    }

    @Test
    @DisplayName("the document describes each random body that the server accepts")
    void acceptedBodiesAreDescribed() throws Exception {
        int accepted = 0;
        int refusedByBoth = 0;
        for (int seed = 100_000; seed < 100_600; seed++) {
            String body = new String(new RandomBodies(seed).next(), StandardCharsets.UTF_8);
            HttpResponse<String> response = exchange("POST", CHAT, body);
            if (response.statusCode() < 400) {
                JsonNode json = Json.parse(body.startsWith("\uFEFF") ? body.substring(1) : body);
                assertThat(contract.requestErrors("POST", CHAT, json))
                        .as("seed %s: %s", seed, body)
                        .isEmpty();
                accepted++;
            } else if (isObject(body)
                    && !contract.requestErrors("POST", CHAT, Json.parse(body)).isEmpty()) {
                refusedByBoth++;
            }
        }
        assertThat(accepted).isGreaterThan(100);
        assertThat(refusedByBoth).isGreaterThan(100);
    }

    private static boolean isObject(String body) {
        try {
            return Json.parse(body).isObject();
        } catch (JsonProcessingException e) {
            return false;
        }
    }
}
