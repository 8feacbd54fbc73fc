// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests get an answer, whatever the spelling of their path. */
class AccessTest {

    private static final String KEY = "Authorization: Bearer key-of-ann";
    private static final String ASK = TestChat.ask(true, "one", "delay_ms", 0).toString();

    private static TestChat guarded;
    private static TestChat open;

    @BeforeAll
    static void start() {
        guarded = TestChat.start(
                Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key-of-ann"),
                "--cors-origin",
                "http://pages.example.com:81");
        open = TestChat.start(
                "--cors-origin",
                "http://pages.example.com:81",
                "--allowed-host",
                "chat.example.com,x.example.com",
                "--allowed-host=other.example.com");
    }

    @AfterAll
    static void stop() {
        guarded.close();
        open.close();
    }

    static List<String> paths() {
        return List.of(
                "/v1/models",
                "/v1/models/echo",
                "/v1/chat/completions",
                "/v1",
                "/api/models",
                "/api/chat/completions",
                "/events/token",
                "/events/token/status",
                "/healthz",
                "/readyz",
                "/",
                "/chat.js",
                "/chat.css");
    }

    private static Set<String> spellings(String path) {
        Set<String> all = new LinkedHashSet<>();
        all.add(path);
        for (String separator : new String[] {
            "%2F", "%2f", "//", "\\", "%5C", "/./", "/x/../", "/%2e/", "/x/%2e%2e/", "/;a=b/", ";a=b/", "/%2F", "%252F"
        }) {
            for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
                all.add(path.substring(0, slash) + separator + path.substring(slash + 1));
                all.add('/' + path.substring(1, Math.max(1, slash)) + separator + path.substring(slash + 1));
            }
            all.add(path.charAt(0) + path.substring(1).replace("/", separator));
        }
        for (String end : new String[] {"/", "%2F", ";a=b", "/.", "/..", "/x/..", "%20", "%00", "?a=b", "#a"}) {
            all.add(path + end);
        }
        all.add(path.toUpperCase(Locale.ROOT));
        for (int i = 1; i < path.length(); i++) {
            if (path.charAt(i) != '/') {
                all.add(path.substring(0, i) + "%" + Integer.toHexString(path.charAt(i)) + path.substring(i + 1));
            }
        }
        all.add("http://127.0.0.1" + path);
        return all;
    }

    @ParameterizedTest
    @MethodSource("paths")
    @DisplayName("a request without an API key gets no answer that needs one, however the path is spelled")
    void noSpellingGetsAroundTheKey(String path) {
        List<String> wrong = new ArrayList<>();
        for (String spelling : spellings(path)) {
            for (String method : List.of("GET", "POST", "PUT")) {
                String body = method.equals("GET") ? "" : ASK;
                RawHttp.Answer without = RawHttp.send(guarded.url("/"), method, spelling, body);
                RawHttp.Answer with = RawHttp.send(guarded.url("/"), method, spelling, body, KEY);
                boolean ofTheApi = with.header("x-request-id").isPresent();
                boolean leaks = without.status() == 303
                        || without.body().contains("\"object\"")
                        || without.header("Location").isPresent();
                if (leaks
                        || ofTheApi
                                != (without.status() == 401 && without.body().contains("invalid_api_key"))) {
                    wrong.add(method + ' ' + spelling + ": " + without.status() + ", with a key " + with.status());
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    @DisplayName("a slash in the name of a model may be encoded")
    void namesOfModelsHaveSlashes() {
        RawHttp.Answer answer = RawHttp.send(guarded.url("/"), "GET", "/v1/models/meta%2Fllama", "", KEY);

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.body()).contains("meta/llama").contains("model_not_found");
    }

    @ParameterizedTest
    @MethodSource("paths")
    @DisplayName("TRACE is refused on every path and echoes nothing")
    void traceIsRefused(String path) {
        for (String key : new String[] {KEY, "X-Other: secret"}) {
            RawHttp.Answer answer = RawHttp.send(guarded.url("/"), "TRACE", path, "", key, "Cookie: a=secret");

            assertThat(answer.status()).as(path).isEqualTo(405);
            assertThat(answer.body()).doesNotContain("secret").doesNotContain("key-of-ann");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/models", "/v1/none", "/events/x", "/healthz", "/readyz", "/", "/none", "/v1/%zz"})
    @DisplayName("no answer lets a browser guess its type")
    void typesAreNotGuessed(String path) {
        RawHttp.Answer answer = RawHttp.send(guarded.url("/"), "GET", path, "", KEY);

        assertThat(answer.header("X-Content-Type-Options")).contains("nosniff");
    }

    @ParameterizedTest
    @CsvSource({
        "/v1/chat/completions, evil.example:8080",
        "/api/chat/completions, evil.example",
        "/v1/models, localhost.evil.example",
        "/, evil.example",
        "/chat.js, 127.0.0.1.evil.example"
    })
    @DisplayName("without keys, an unknown host name is refused, and the error names the option that allows it")
    void unknownHostsAreRefused(String path, String host) throws Exception {
        String method = path.endsWith("completions") ? "POST" : "GET";
        String body = method.equals("POST") ? ASK : "";
        RawHttp.Answer refused = RawHttp.send(open.url("/"), method, path, body, "Host: " + host);

        assertThat(refused.status()).isEqualTo(403);
        JsonNode error = Json.parse(refused.body()).get("error");
        assertThat(error.get("code").asText()).isEqualTo("host_not_allowed");
        assertThat(error.get("message").asText()).contains("--allowed-host " + host.replaceFirst(":.*", ""));
        assertThat(RawHttp.send(guarded.url("/"), method, path, body, "Host: " + host, KEY)
                        .status())
                .isIn(200, 303);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "localhost",
                "LOCALHOST:8080",
                "localhost.",
                "chat.localhost:80",
                "127.0.0.1:9",
                "[::1]:8080",
                "192.168.7.7",
                "chat.example.com",
                "Other.Example.com:443"
            })
    @DisplayName("without keys, IP addresses, localhost and the allowed names are served")
    void knownHostsAreServed(String host) {
        RawHttp.Answer answer = RawHttp.send(open.url("/"), "POST", "/v1/chat/completions", ASK, "Host: " + host);

        assertThat(answer.status()).isEqualTo(303);
    }

    @Test
    @DisplayName("probes and streams are served under every host name: they do no work, or ask for a token")
    void probesAndStreamsAreServedEverywhere() {
        assertThat(RawHttp.send(open.url("/"), "GET", "/healthz", "", "Host: evil.example")
                        .status())
                .isEqualTo(200);
        assertThat(RawHttp.send(open.url("/"), "GET", "/readyz", "", "Host: evil.example")
                        .status())
                .isEqualTo(200);
        assertThat(RawHttp.send(open.url("/"), "GET", "/events/x", "", "Host: evil.example")
                        .status())
                .isEqualTo(401);
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://evil.example", "null", "http://127.0.0.1:1", "http://localhost"})
    @DisplayName("without keys, a page of another origin starts nothing")
    void pagesOfOtherOriginsAreRefused(String origin) throws Exception {
        RawHttp.Answer refused = RawHttp.send(
                open.url("/"), "POST", "/v1/chat/completions", ASK, "Content-Type: text/plain", "Origin: " + origin);

        assertThat(refused.status()).isEqualTo(403);
        JsonNode error = Json.parse(refused.body()).get("error");
        assertThat(error.get("code").asText()).isEqualTo("origin_not_allowed");
        assertThat(error.get("message").asText()).contains("--cors-origin " + origin);
        assertThat(refused.header("Access-Control-Allow-Origin")).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "localhost:8080, http://localhost:8080",
        "chat.example.com, https://chat.example.com",
        "chat.example.com:443, https://chat.example.com",
        "localhost, http://pages.example.com:81"
    })
    @DisplayName("without keys, the server's own pages and those of allowed origins are served")
    void ownPagesAreServed(String host, String origin) {
        RawHttp.Answer answer =
                RawHttp.send(open.url("/"), "POST", "/v1/chat/completions", ASK, "Host: " + host, "Origin: " + origin);

        assertThat(answer.status()).isEqualTo(303);
    }

    @ParameterizedTest
    @ValueSource(strings = {"/v1/chat/completions", "/api/chat/completions", "/v1/models", "/v1/models/echo"})
    @DisplayName("a preflight of an allowed origin gets the header fields it asks for, without a key")
    void preflightsAreAnswered(String path) {
        for (TestChat chat : new TestChat[] {open, guarded}) {
            RawHttp.Answer answer = RawHttp.send(
                    chat.url("/"),
                    "OPTIONS",
                    path,
                    "",
                    "Origin: http://pages.example.com:81",
                    "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: authorization,content-type,x-stainless-os,x-stainless-lang");

            assertThat(answer.status()).isEqualTo(204);
            assertThat(answer.header("Access-Control-Allow-Origin")).contains("http://pages.example.com:81");
            assertThat(answer.header("Access-Control-Allow-Headers"))
                    .contains("authorization,content-type,x-stainless-os,x-stainless-lang");
            assertThat(answer.header("Access-Control-Allow-Methods").orElseThrow())
                    .contains("GET", "POST");
            assertThat(answer.header("Vary").orElseThrow()).contains("Origin");
            RawHttp.Answer other = RawHttp.send(chat.url("/"), "OPTIONS", path, "", "Origin: https://evil.example");
            assertThat(other.status()).isEqualTo(204);
            assertThat(other.head().toLowerCase(Locale.ROOT)).doesNotContain("access-control");
        }
    }

    @Test
    @DisplayName("pages of an allowed origin can read answers, refusals and redirects")
    void answersCanBeReadAcrossOrigins() {
        String origin = "Origin: http://pages.example.com:81";
        RawHttp.Answer models = RawHttp.send(open.url("/"), "GET", "/v1/models", "", origin);
        RawHttp.Answer redirect = RawHttp.send(open.url("/"), "POST", "/v1/chat/completions", ASK, origin);
        RawHttp.Answer accepted =
                RawHttp.send(open.url("/"), "POST", "/v1/chat/completions", ASK, origin, "Prefer: respond-async");
        RawHttp.Answer refused = RawHttp.send(guarded.url("/"), "GET", "/v1/models", "", origin);

        for (RawHttp.Answer answer : List.of(models, redirect, accepted, refused)) {
            assertThat(answer.header("Access-Control-Allow-Origin")).contains("http://pages.example.com:81");
            assertThat(answer.header("Access-Control-Expose-Headers").orElseThrow())
                    .contains("x-request-id");
        }
        assertThat(accepted.header("Access-Control-Expose-Headers").orElseThrow())
                .contains("Location");
        RawHttp.Answer stream =
                RawHttp.send(open.url("/"), "GET", redirect.header("Location").orElseThrow(), "", origin);
        assertThat(stream.header("Access-Control-Allow-Origin")).contains("http://pages.example.com:81");
    }

    @Test
    @DisplayName("without --cors-origin, OPTIONS lists the methods and no other origins")
    void optionsWithoutCors() {
        try (TestChat plain = TestChat.start()) {
            for (String path : List.of("/v1/chat/completions", "/v1/models", "/")) {
                RawHttp.Answer answer =
                        RawHttp.send(plain.url("/"), "OPTIONS", path, "", "Origin: https://pages.example.com");

                assertThat(answer.status()).isEqualTo(path.equals("/") ? 403 : 204);
                assertThat(answer.head().toLowerCase(Locale.ROOT)).doesNotContain("access-control");
            }
            RawHttp.Answer options = RawHttp.send(plain.url("/"), "OPTIONS", "/v1/chat/completions", "");
            assertThat(options.header("Allow")).contains("POST, OPTIONS");
            for (String path : List.of("/healthz", "/readyz", "/", "/chat.js")) {
                assertThat(RawHttp.send(plain.url("/"), "OPTIONS", path, "").header("Allow"))
                        .as(path)
                        .isPresent()
                        .hasValueSatisfying(allow -> assertThat(allow).doesNotContain("TRACE"));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /chat/completions",
        "POST, /v1/v1/chat/completions",
        "GET, /models",
        "GET, /v1/v1/models",
        "POST, /completions",
        "DELETE, /none"
    })
    @DisplayName("a wrong base URL is answered with 404 and the address of the API")
    void aWrongBaseUrlIsExplained(String method, String path) throws Exception {
        RawHttp.Answer answer = RawHttp.send(open.url("/"), method, path, method.equals("POST") ? ASK : "");

        assertThat(answer.status()).isEqualTo(404);
        JsonNode error = Json.parse(answer.body()).get("error");
        assertThat(error.get("code").asText()).isEqualTo("unknown_url");
        assertThat(error.get("message").asText()).contains(path, "/v1/chat/completions", "base URL");
    }
}
