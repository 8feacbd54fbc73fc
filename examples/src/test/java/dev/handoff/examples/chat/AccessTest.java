package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

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
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which requests get an answer, whatever the spelling of their path. */
class AccessTest {

    private static final String KEY = "Authorization: Bearer key-of-ann";
    private static final String ASK = TestChat.ask(true, "one", "delay_ms", 0).toString();

    private static TestChat guarded;

    @BeforeAll
    static void start() {
        guarded = TestChat.start(Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key-of-ann"));
    }

    @AfterAll
    static void stop() {
        guarded.close();
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
    @DisplayName("an answer that needs an API key is given to nobody without one, however the path is spelled")
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
}
