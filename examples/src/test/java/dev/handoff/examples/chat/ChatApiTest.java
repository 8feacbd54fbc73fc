// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatApiTest {

    private static TestChat chat;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    private static JsonNode error(HttpResponse<String> response, int status) throws Exception {
        assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
        assertThat(response.headers().firstValue("Content-Type").orElseThrow()).startsWith("application/json");
        JsonNode error = Json.parse(response.body()).get("error");
        assertThat(error.fieldNames()).toIterable().containsExactly("message", "type", "param", "code");
        assertThat(error.get("message").asText()).isNotBlank();
        return error;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            model                       | {"messages":[{"role":"user","content":"x"}]}
            model                       | {"model":7,"messages":[{"role":"user","content":"x"}]}
            messages                    | {"model":"echo"}
            messages                    | {"model":"echo","messages":[]}
            messages                    | {"model":"echo","messages":"x"}
            messages                    | {"model":"echo","messages":[{"role":"system","content":"x"}]}
            messages[0]                 | {"model":"echo","messages":["x"]}
            messages[1].role            | {"model":"echo","messages":[{"role":"user","content":"x"},{"role":"king","content":"x"}]}
            messages[0].content         | {"model":"echo","messages":[{"role":"user"}]}
            messages[0].content         | {"model":"echo","messages":[{"role":"user","content":5}]}
            messages[0].content[0].type | {"model":"echo","messages":[{"role":"user","content":[{"text":"x"}]}]}
            messages[0].content[0].text | {"model":"echo","messages":[{"role":"user","content":[{"type":"text"}]}]}
            messages[0].content[1]      | {"model":"echo","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url"}]}]}
            stream                      | {"model":"echo","stream":"yes","messages":[{"role":"user","content":"x"}]}
            stream_options              | {"model":"echo","stream":true,"stream_options":1,"messages":[{"role":"user","content":"x"}]}
            stream_options.include_usage| {"model":"echo","stream":true,"stream_options":{"include_usage":1},"messages":[{"role":"user","content":"x"}]}
            n                           | {"model":"echo","n":129,"messages":[{"role":"user","content":"x"}]}
            metadata                    | {"model":"echo","metadata":[],"messages":[{"role":"user","content":"x"}]}
            metadata.delay_ms           | {"model":"echo","metadata":{"delay_ms":"soon"},"messages":[{"role":"user","content":"x"}]}
            metadata.delay_ms           | {"model":"echo","metadata":{"delay_ms":60001},"messages":[{"role":"user","content":"x"}]}
            metadata.repeat             | {"model":"echo","metadata":{"repeat":"0"},"messages":[{"role":"user","content":"x"}]}
            metadata.repeat             | {"model":"echo","metadata":{"repeat":1.5},"messages":[{"role":"user","content":"x"}]}
            metadata.fail_after         | {"model":"echo","metadata":{"fail_after":"-1"},"messages":[{"role":"user","content":"x"}]}
            """)
    void aBadParameterIsNamed(String param, String body) throws Exception {
        HttpResponse<String> response = chat.post(body);
        JsonNode error = error(response, 400);

        assertThat(error.get("type").asText()).isEqualTo("invalid_request_error");
        assertThat(error.get("param").asText()).isEqualTo(param);
        assertThat(response.headers().firstValue("x-should-retry")).contains("false");
        assertThat(response.headers().firstValue("x-request-id")).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "[]", "null", "hello", "{} {}"})
    void whatIsNotAJsonObjectIsRefused(String body) throws Exception {
        JsonNode error = error(chat.post(body), 400);

        assertThat(error.get("code").asText()).isEqualTo("invalid_json");
        assertThat(error.get("param").isNull()).isTrue();
    }

    @Test
    void whatIsNotKnownIsIgnored() {
        var request = TestChat.ask(true, "one", "delay_ms", 0, "colour", "red");
        request.put("store", true).put("verbosity", "low").put("n", 1).putNull("stop");

        try (EventReader reader = chat.read(chat.begin(request))) {
            assertThat(EventReader.text(reader.rest())).isEqualTo("one");
        }
    }

    @Test
    void anUnknownModelIsNotFound() throws Exception {
        JsonNode error = error(chat.post(TestChat.ask(true, "one").put("model", "gpt-99")), 404);

        assertThat(error.get("code").asText()).isEqualTo("model_not_found");
        assertThat(error.get("param").asText()).isEqualTo("model");
        assertThat(error.get("message").asText()).contains("gpt-99");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1", "/api"})
    void modelsAreListed(String prefix) throws Exception {
        JsonNode list = Json.parse(chat.get(prefix + "/models").body());

        assertThat(list.get("object").asText()).isEqualTo("list");
        assertThat(list.get("data")).hasSize(1);
        JsonNode echo = list.get("data").get(0);
        assertThat(echo.fieldNames()).toIterable().containsExactly("id", "object", "created", "owned_by");
        assertThat(Json.parse(chat.get(prefix + "/models/echo").body())).isEqualTo(echo);
        assertThat(error(chat.get(prefix + "/models/gpt-99"), 404).get("code").asText())
                .isEqualTo("model_not_found");
        assertThat(error(chat.get(prefix + "/models/meta%2Fllama"), 404)
                        .get("message")
                        .asText())
                .contains("meta/llama");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1", "/v1/", "/v1/embeddings", "/api/chat", "/api/models2"})
    void otherPathsAreNotFound(String path) throws Exception {
        assertThat(error(chat.get(path), 404).get("code").asText()).isEqualTo("unknown_url");
    }

    @Test
    void otherMethodsAreNotAllowed() throws Exception {
        HttpResponse<String> get = chat.get("/v1/chat/completions");
        HttpResponse<String> delete = chat.delete(chat.url("/api/models"));

        error(get, 405);
        assertThat(get.headers().firstValue("Allow")).contains("POST");
        error(delete, 405);
        assertThat(delete.headers().firstValue("Allow")).contains("GET, HEAD");
    }

    @Test
    void aMalformedRequestIsRefusedInTheSameForm() throws Exception {
        HttpResponse<String> response = chat.post("x", "Content-Type", "multipart/form-data; boundary=x");

        error(response, 415);
    }

    private static final Pattern PAGE_FILE = Pattern.compile("(?:src|href)=\"([a-z-]+\\.(?:js|css))\"");
    private static final Pattern MODULE = Pattern.compile("from '\\./([a-z-]+\\.js)'");

    @Test
    void probesAndPageAreServed() {
        assertThat(chat.get("/healthz").body()).isEqualTo("ok");
        assertThat(chat.get("/readyz").body()).isEqualTo("ready");
        HttpResponse<String> page = chat.get("/");
        assertThat(page.headers().firstValue("Content-Type").orElseThrow()).startsWith("text/html");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .contains("default-src 'none'");
        assertThat(page.body()).contains("<title>handoff chat</title>");
        for (Matcher file = PAGE_FILE.matcher(page.body()); file.find(); ) {
            HttpResponse<String> part = chat.get("/" + file.group(1));
            assertThat(part.statusCode()).as(file.group(1)).isEqualTo(200);
            for (Matcher module = MODULE.matcher(part.body()); module.find(); ) {
                assertThat(chat.get("/" + module.group(1)).statusCode())
                        .as(module.group(1))
                        .isEqualTo(200);
            }
        }
        assertThat(chat.get("/other").statusCode()).isEqualTo(404);
    }

    @Test
    void aDamagedOrExpiredTokenIsNoToken() throws Exception {
        URI stream = chat.begin(TestChat.ask(true, "one", "delay_ms", 0));
        String path = stream.getPath();
        int middle = path.length() - 40;
        String tampered =
                path.substring(0, middle) + (path.charAt(middle) == 'A' ? 'B' : 'A') + path.substring(middle + 1);
        String task = "0123456789abcdef0123456789abcdef";
        String expired = "/events/"
                + TokenSealer.of(TestChat.SECRET)
                        .seal(new Grant(
                                task,
                                Set.of(Grant.Right.READ),
                                "openai",
                                null,
                                Instant.now().minusSeconds(9)));

        for (String bad : new String[] {tampered, path.substring(0, middle), expired, "/events/x", "/events/"}) {
            HttpResponse<String> response = chat.get(bad);

            assertThat(response.statusCode()).isEqualTo(401);
            assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
            assertThat(response.headers().firstValue("x-should-retry")).contains("false");
            JsonNode problem = Json.parse(response.body());
            assertThat(problem.get("status").asInt()).isEqualTo(401);
            assertThat(problem.get("code").asText()).isEqualTo(bad.equals(expired) ? "token_expired" : "invalid_token");
        }
    }

    @Test
    void withKeysOnlyThoseWhoHaveOneAreServed() throws Exception {
        Map<String, String> environment =
                Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key-of-ann, key-of-bob");
        try (TestChat guarded = TestChat.start(environment)) {
            String body = TestChat.ask(true, "one two", "delay_ms", 0).toString();

            for (HttpResponse<String> refused : List.of(
                    guarded.post(body),
                    guarded.post(body, "Authorization", "Bearer wrong"),
                    guarded.post(body, "Authorization", "Basic key-of-ann"),
                    guarded.get("/v1/models"),
                    guarded.get("/api/none"))) {
                assertThat(error(refused, 401).get("code").asText()).isEqualTo("invalid_api_key");
                assertThat(refused.headers().firstValue("WWW-Authenticate")).contains("Bearer");
                assertThat(refused.headers().firstValue("x-request-id")).isPresent();
            }

            URI stream = guarded.begin(body, "Authorization", "Bearer key-of-ann");
            String second;
            try (EventReader reader = guarded.read(stream)) {
                assertThat(EventReader.text(reader.untilText())).isEqualTo("one ");
                second = reader.next().orElseThrow().id();
            }
            HttpResponse<String> other =
                    guarded.post(body, "Authorization", "Bearer key-of-bob", "Last-Event-ID", second);
            assertThat(error(other, 403).get("code").asText()).isEqualTo("not_your_stream");
            URI resumed = guarded.begin(body, "Authorization", "bearer key-of-ann", "Last-Event-ID", second);
            try (EventReader reader = guarded.read(resumed)) {
                assertThat(reader.rest()).hasSize(2);
            }
        }
    }

    @Test
    void theSubjectOfAKeyDoesNotShowIt() {
        ApiKeys keys = ApiKeys.parse("key-of-ann,,  ");

        assertThat(keys.count()).isEqualTo(1);
        assertThat(keys.subject("Bearer key-of-ann").orElseThrow())
                .matches("key-[0-9a-f]{16}")
                .doesNotContain("ann");
        assertThat(ApiKeys.parse(null).open()).isTrue();
        assertThat(ApiKeys.parse(" , ").open()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"see-other,303", "found,302", "temporary,307", "accel,303", "accepted,202"})
    void theRedirectCanBeChosen(String name, int status) {
        try (TestChat other = TestChat.start("--redirect", name)) {
            HttpResponse<String> response = other.post(TestChat.ask(true, "one", "delay_ms", 0));

            assertThat(response.statusCode()).isEqualTo(status);
            assertThat(response.headers().firstValue("X-Accel-Redirect").isPresent())
                    .isEqualTo(name.equals("accel"));
            URI stream = other.url(response.headers().firstValue("Location").orElseThrow());
            HttpRequest.Builder repeated =
                    TestChat.request(stream).POST(HttpRequest.BodyPublishers.ofString("ignored"));
            assertThat(other.send(repeated).body()).contains("[DONE]");
        }
    }
}
