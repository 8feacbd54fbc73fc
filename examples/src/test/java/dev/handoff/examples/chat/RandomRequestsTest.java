// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Random requests to the Responses API, and with random methods, targets and header fields. */
@Timeout(180)
class RandomRequestsTest {

    private static final String[] METHODS = {
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "HEAD",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "QUERY",
        "get",
        "P\u00f6st",
        "X-Y",
        "*"
    };

    private static final String[] PATHS = {
        "/v1/chat/completions",
        "/api/chat/completions",
        "/v1/chat/completions/",
        "/v1//chat/completions",
        "/v1/chat/completions/x/y",
        "/v1/chat/./completions",
        "/v1/chat/../chat/completions",
        "/v1/chat%2Fcompletions",
        "/v1/%63hat/completions",
        "/v1/chat/completions;a=b",
        "/v1/chat/completions%00",
        "/v1/chat/completions%zz",
        "/v1/chat/completions%",
        "/v1/responses",
        "/v1/responses/",
        "/v1/responses/resp_1",
        "/v1/responses/%2e%2e/models",
        "/v1/responses/resp_%00",
        "/v1/responses/resp_1/cancel",
        "/v1/responses/resp_1/input_items",
        "/v1/responses/" + "r".repeat(5000),
        "/v1/models",
        "/v1/models/echo",
        "/v1/models/a%2Fb",
        "/v1/models/%F0%9F%98%80",
        "/v1/models/%ff%fe",
        "/v1/models//",
        "/v1",
        "/v1/",
        "/api/",
        "/v2/models",
        "/v1/embeddings",
        "/events",
        "/events/",
        "/events/x",
        "/events/eyJhbGciOiJkaXIifQ..a.b.c",
        "/events/x/status",
        "/events/%2e%2e/v1/models",
        "/openapi.yaml",
        "/healthz",
        "/readyz",
        "/",
        "//",
        "/favicon.ico",
        "/%",
        "/\u00e4\u00f6",
        "*",
        "v1/models",
        "http://example.com/v1/models",
        "/" + "p".repeat(9000)
    };

    private static final String[] QUERIES = {
        "",
        "",
        "?",
        "?a=b",
        "?stream=true",
        "?stream=true&starting_after=-1",
        "?stream=maybe",
        "?starting_after=9".repeat(3),
        "?stream=true&starting_after=99999999999999999999",
        "?%",
        "?%zz=%ff",
        "?a=%00",
        "?last_event_id=x",
        "?&&==&",
        "?\u00e4"
    };

    private static final String[] FIELDS = {
        "Content-Type: application/json",
        "Content-Type: text/html; charset=nonsense",
        "Content-Type: application/json; charset=utf-16",
        "Content-Type: ,;=",
        "Content-Encoding: gzip",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: nonsense",
        "Content-Length: -1",
        "Content-Length: 99999999999999999999",
        "Content-Length: x",
        "Accept: nonsense",
        "Accept: application/x-ndjson",
        "Accept-Encoding: gzip, br;q=x",
        "Authorization: Bearer",
        "Authorization: Basic \u00e4",
        "Authorization: Bearer " + "k".repeat(3000),
        "Idempotency-Key: \"",
        "Idempotency-Key: " + "k".repeat(300),
        "Idempotency-Key: a",
        "Idempotency-Key: \u00e4",
        "Last-Event-ID: x",
        "Last-Event-ID: 0123456789abcdef0123456789abcdef:1:0123456789abcdef",
        "Last-Event-ID: \u00e4",
        "Prefer: respond-async, wait=99999999999999999999",
        "Prefer: =,;;\"",
        "X-Stainless-Retry-Count: 1",
        "X-Stainless-Retry-Count: x",
        "Origin: null",
        "Origin: http://evil.example",
        "Host: evil.example",
        "Host: a b",
        "Host:",
        "Expect: 100-continue",
        "Expect: nonsense",
        "Range: bytes=0-1",
        "If-None-Match: *",
        "Upgrade: h2c",
        "Upgrade: websocket",
        "X-Accel-Redirect: /events/x",
        "X-Forwarded-For: \u00e4",
        "Cookie: a=b; c",
        "Cookie: =;=;\u0001",
        ": x",
        "no colon",
        "A: b\r\n folded",
        "X: " + "x".repeat(9000),
        "\u00e4: b"
    };

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @BeforeEach
    void watchLog() {
        log.start();
        root().addAppender(log);
    }

    @AfterEach
    void leaveLog() {
        root().detachAppender(log);
    }

    private static Logger root() {
        return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    }

    private void assertLogHasNoStackTrace() {
        List<ILoggingEvent> traces = new ArrayList<>(log.list);
        traces.removeIf(
                event -> event.getThrowableProxy() == null || !event.getLevel().isGreaterOrEqual(Level.INFO));
        assertThat(traces).isEmpty();
    }

    @Test
    @DisplayName(
            "each of 1000 random bodies to the Responses API is answered or refused with an error of OpenAI's form")
    void noBodyBreaksTheResponsesApi() throws Exception {
        int accepted = 0;
        int refused = 0;
        try (TestChat chat = TestChat.start()) {
            for (int seed = 2_000_000; seed < 2_001_000; seed++) {
                RandomBodies bodies = new RandomBodies(seed);
                byte[] body = bodies.nextResponse();
                String shown =
                        "seed " + seed + ": " + new String(body, 0, Math.min(body.length, 300), StandardCharsets.UTF_8);
                HttpResponse<String> response =
                        chat.send(TestChat.request(chat.url(bodies.one("/v1", "/api") + "/responses"))
                                .header("Content-Type", "application/json")
                                .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
                if (response.statusCode() == 303) {
                    accepted++;
                    HttpResponse<String> answer =
                            chat.get(chat.accepted(response).getPath());
                    assertThat(answer.statusCode()).as(shown).isEqualTo(200);
                    assertThat(answer.body()).as(shown).contains("\"output\"");
                } else if (response.statusCode() == 200) {
                    accepted++;
                    assertThat(Json.parse(response.body()).path("status").asText())
                            .as(shown)
                            .isIn("queued", "in_progress", "completed");
                } else {
                    refused++;
                    assertThat(response.statusCode()).as(shown).isBetween(400, 499);
                    assertError(response.body(), shown);
                }
            }
        }
        assertThat(accepted).isGreaterThan(200);
        assertThat(refused).isGreaterThan(200);
        assertLogHasNoStackTrace();
    }

    @Test
    @DisplayName(
            "none of 2000 requests with random methods, targets and header fields gets a status of 500 or more, and each error has OpenAI's form")
    void noRequestBreaksTheServer() throws Exception {
        int errors = 0;
        List<String> failures = new ArrayList<>();
        try (TestChat chat = TestChat.start("--heartbeat", "100ms")) {
            URI url = chat.url("/");
            for (int seed = 0; seed < 2000; seed++) {
                Random random = new Random(seed);
                String method =
                        random.nextInt(3) > 0 ? one(random, "GET", "POST", "DELETE", "HEAD") : one(random, METHODS);
                String target = one(random, PATHS) + one(random, QUERIES);
                String[] fields = new String[random.nextInt(4)];
                for (int i = 0; i < fields.length; i++) {
                    fields[i] = one(random, FIELDS);
                }
                String body = random.nextBoolean()
                        ? ""
                        : new String(new RandomBodies(seed).next(), StandardCharsets.ISO_8859_1);
                String shown = "seed " + seed + ": " + method + ' ' + target + ' ' + String.join(" | ", fields);
                shown = shown.substring(0, Math.min(shown.length(), 400));

                try {
                    RawHttp.Answer answer = RawHttp.send(url, method, target, body, fields);
                    assertThat(answer.status()).as(shown).isLessThan(500);
                    if (answer.status() >= 400 && !method.equals("HEAD")) {
                        errors++;
                        assertAnyError(target, answer, shown);
                    }
                } catch (UncheckedIOException | IOException | AssertionError e) {
                    failures.add(shown + ": " + e);
                }
            }
        }
        assertThat(failures).isEmpty();
        assertThat(errors).isGreaterThan(500);
        assertLogHasNoStackTrace();
    }

    /** Errors of streams without a valid token are problem details (RFC 9457), because no format is known. */
    private static void assertAnyError(String target, RawHttp.Answer answer, String shown) throws Exception {
        if (answer.header("Content-Type").orElse("").equals("application/problem+json")) {
            assertThat(target).as(shown).contains("events");
            assertThat(Json.parse(answer.body()).path("code").asText())
                    .as(shown)
                    .isNotBlank();
        } else {
            assertError(answer.body(), shown);
        }
    }

    private static void assertError(String body, String shown) throws Exception {
        JsonNode error = Json.parse(body).path("error");
        assertThat(error.fieldNames())
                .toIterable()
                .as(shown + " -> " + body)
                .containsExactly("message", "type", "param", "code");
        assertThat(error.get("message").asText()).as(shown).isNotBlank();
        assertThat(error.get("type").asText())
                .as(shown)
                .isIn("invalid_request_error", "authentication_error", "permission_error");
        assertThat(error.get("code").asText()).as(shown).isNotBlank();
    }

    private static String one(Random random, String... values) {
        return values[random.nextInt(values.length)];
    }
}
