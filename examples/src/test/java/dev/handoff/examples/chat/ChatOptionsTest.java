// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The parameters that the model echo observes. */
class ChatOptionsTest {

    private static final String TOOLS = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"first\"}},"
            + "{\"type\":\"function\",\"function\":{\"name\":\"second\",\"parameters\":{\"type\":\"object\"}}}]";

    private static TestChat chat;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
    }

    @AfterAll
    static void stop() {
        chat.close();
    }

    private static ObjectNode ask(boolean stream, String text, String fields) {
        ObjectNode request = TestChat.ask(stream, text, "delay_ms", 0);
        try {
            ObjectNode more = (ObjectNode) Json.parse('{' + fields + '}');
            JsonNode metadata = more.remove("metadata");
            request.setAll(more);
            if (metadata != null) {
                request.withObject("/metadata").setAll((ObjectNode) metadata);
            }
            return request;
        } catch (Exception e) {
            throw new AssertionError(fields, e);
        }
    }

    private static JsonNode complete(String text, String fields) throws Exception {
        HttpResponse<String> response =
                chat.get(chat.begin(ask(false, text, fields)).getPath());
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        return Json.parse(response.body());
    }

    private static List<JsonNode> stream(String text, String fields) {
        try (EventReader reader = chat.read(chat.begin(ask(true, text, fields)))) {
            List<Frame> frames = reader.rest();
            assertThat(frames.get(frames.size() - 1).isDone()).isTrue();
            return frames.subList(0, frames.size() - 1).stream()
                    .map(Frame::json)
                    .toList();
        }
    }

    private static String text(List<JsonNode> chunks, int index, String path) {
        StringBuilder text = new StringBuilder();
        chunks.stream()
                .flatMap(chunk -> Stream.of(chunk.at("/choices/0")))
                .filter(choice -> choice.path("index").asInt(-1) == index)
                .forEach(choice -> text.append(choice.at("/delta" + path).asText("")));
        return text.toString();
    }

    private static List<String> reasons(List<JsonNode> chunks) {
        return chunks.stream()
                .map(chunk -> chunk.at("/choices/0/finish_reason").asText("null"))
                .filter(reason -> !reason.equals("null") && !reason.isEmpty())
                .toList();
    }

    @ParameterizedTest
    @DisplayName("the answer ends at its limit of words or before a stop, with the reason")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            "max_tokens":2                              | `one two `            | length | 2
            "max_tokens":4                              | `one two three four`  | stop   | 4
            "max_completion_tokens":1,"max_tokens":3    | `one `                | length | 1
            "stop":" three"                             | `one two`             | stop   | 2
            "stop":["four","two t","x"]                 | `one `                | stop   | 1
            "stop":["five","four!"]                     | `one two three four`  | stop   | 4
            "stop":"one"                                | ``                    | stop   | 0
            "stop":"three","max_tokens":2               | `one two `            | length | 2
            "seed":7,"temperature":0.5                  | `one two three four`  | stop   | 4
            """)
    void theAnswerEnds(String fields, String text, String reason, int tokens) throws Exception {
        JsonNode whole = complete("one two three four", fields);
        assertThat(whole.at("/choices/0/message/content").asText()).isEqualTo(text);
        assertThat(whole.at("/choices/0/finish_reason").asText()).isEqualTo(reason);
        assertThat(whole.at("/usage/completion_tokens").asInt()).isEqualTo(tokens);

        List<JsonNode> chunks = stream("one two three four", fields);
        assertThat(text(chunks, 0, "/content")).isEqualTo(text);
        assertThat(reasons(chunks)).containsExactly(reason);
    }

    @Test
    @DisplayName("n choices have n roles, texts and reasons, and the usage counts all of them")
    void severalChoices() throws Exception {
        JsonNode whole = complete("one two", "\"n\":3");
        assertThat(whole.get("choices")).hasSize(3);
        for (int i = 0; i < 3; i++) {
            JsonNode choice = whole.get("choices").get(i);
            assertThat(choice.get("index").asInt()).isEqualTo(i);
            assertThat(choice.at("/message/content").asText()).isEqualTo("one two");
            assertThat(choice.get("finish_reason").asText()).isEqualTo("stop");
        }
        assertThat(whole.get("usage").toString())
                .isEqualTo("{\"prompt_tokens\":2,\"completion_tokens\":6,\"total_tokens\":8}");

        List<JsonNode> chunks = stream("one two", "\"n\":128,\"stream_options\":{\"include_usage\":true}");
        for (int i = 0; i < 128; i++) {
            assertThat(text(chunks, i, "/role")).isEqualTo("assistant");
            assertThat(text(chunks, i, "/content")).isEqualTo("one two");
        }
        assertThat(reasons(chunks)).hasSize(128).containsOnly("stop");
        assertThat(chunks.get(chunks.size() - 1).at("/usage/completion_tokens").asInt())
                .isEqualTo(256);
    }

    @Test
    @DisplayName("an answer with several choices that is cancelled gives each of them a reason")
    void severalChoicesAreCancelled() {
        ObjectNode request = ask(true, "one two", "\"n\":2,\"metadata\":{\"delay_ms\":\"100\",\"repeat\":\"1000\"}");
        var stream = chat.begin(request);
        try (EventReader reader = chat.read(stream)) {
            reader.untilText();
            assertThat(chat.delete(stream).statusCode()).isEqualTo(202);

            List<Frame> rest = reader.rest();
            List<JsonNode> last = rest.subList(rest.size() - 3, rest.size() - 1).stream()
                    .map(Frame::json)
                    .toList();
            assertThat(reasons(last)).containsExactly("stop", "stop");
            assertThat(last)
                    .extracting(chunk -> chunk.at("/choices/0/index").asInt())
                    .containsExactly(0, 1);
        }
    }

    @ParameterizedTest
    @DisplayName("the model calls the function that the request names")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            "tool_choice":"required"                                                                    | first
            "tool_choice":{"type":"function","function":{"name":"second"}}                              | second
            "metadata":{"call_tool":"second"}                                                           | second
            "tool_choice":"auto","metadata":{"call_tool":"first"},"response_format":{"type":"text"}     | first
            """)
    void aFunctionIsCalled(String fields, String function) throws Exception {
        String all = TOOLS + ',' + fields;
        JsonNode choice = complete("one \"two\"", all).at("/choices/0");
        JsonNode call = choice.at("/message/tool_calls/0");
        assertThat(choice.get("finish_reason").asText()).isEqualTo("tool_calls");
        assertThat(choice.at("/message/content").isNull()).isTrue();
        assertThat(call.get("id").asText()).matches("call_[0-9a-f]{24}0");
        assertThat(call.get("type").asText()).isEqualTo("function");
        assertThat(call.at("/function/name").asText()).isEqualTo(function);
        assertThat(Json.parse(call.at("/function/arguments").asText()))
                .isEqualTo(Json.object().put("echo", "one \"two\""));

        List<JsonNode> chunks = stream("one \"two\"", all);
        assertThat(text(chunks, 0, "/role")).isEqualTo("assistant");
        assertThat(text(chunks, 0, "/tool_calls/0/function/name")).isEqualTo(function);
        assertThat(text(chunks, 0, "/tool_calls/0/function/arguments"))
                .isEqualTo(call.at("/function/arguments").asText());
        assertThat(chunks)
                .filteredOn(chunk -> chunk.at("/choices/0/delta/tool_calls/0").has("id"))
                .hasSize(1);
        assertThat(reasons(chunks)).containsExactly("tool_calls");
    }

    @ParameterizedTest
    @DisplayName("the model answers with text if it must not or need not call a function")
    @ValueSource(
            strings = {
                "",
                ",\"tool_choice\":\"auto\"",
                ",\"tool_choice\":\"none\",\"metadata\":{\"call_tool\":\"first\"}",
                ",\"metadata\":{\"call_tool\":\"first\"},\"messages\":[{\"role\":\"user\",\"content\":\"one two\"},"
                        + "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\","
                        + "\"function\":{\"name\":\"first\",\"arguments\":\"{}\"}}]},"
                        + "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"7\"}]",
            })
    void noFunctionIsCalled(String fields) throws Exception {
        JsonNode choice = complete("one two", TOOLS + fields).at("/choices/0");

        assertThat(choice.at("/message/content").asText()).isEqualTo("one two");
        assertThat(choice.get("message").has("tool_calls")).isFalse();
        assertThat(choice.get("finish_reason").asText()).isEqualTo("stop");
    }

    @Test
    @DisplayName("each of several choices calls the function under its own id, and a limit cuts the arguments")
    void severalChoicesCall() throws Exception {
        JsonNode choices = complete("one two", TOOLS + ",\"tool_choice\":\"required\",\"n\":2,\"max_tokens\":1")
                .get("choices");

        assertThat(choices.findValuesAsText("id")).hasSize(2).doesNotHaveDuplicates();
        assertThat(choices.findValuesAsText("arguments")).containsOnly("{\"echo\":\"one ");
        assertThat(choices.findValuesAsText("finish_reason")).containsOnly("length");
    }

    @Test
    @DisplayName("a setting that calls a function which is not there is refused")
    void anUnknownFunctionIsRefused() throws Exception {
        HttpResponse<String> response = chat.post(ask(true, "one", "\"metadata\":{\"call_tool\":\"first\"}"));

        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(Json.parse(response.body()).at("/error/param").asText()).isEqualTo("metadata.call_tool");
    }

    @Test
    @DisplayName("the function with the longest name can be called by the setting")
    void aLongNameIsCalled() throws Exception {
        String name = "f".repeat(64);
        String fields = "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"" + name + "\"}}],"
                + "\"metadata\":{\"call_tool\":\"" + name + "\"}";

        assertThat(complete("{\"a\": 1}", fields)
                        .at("/choices/0/message/tool_calls/0/function")
                        .toString())
                .isEqualTo("{\"name\":\"" + name + "\",\"arguments\":\"{\\\"a\\\": 1}\"}");
    }

    @ParameterizedTest
    @DisplayName("the answer is a JSON object if the request wants one")
    @ValueSource(
            strings = {
                "\"response_format\":{\"type\":\"json_object\"}",
                "\"response_format\":{\"json_schema\":{\"name\":\"a\",\"schema\":{\"type\":\"object\"}},\"type\":\"json_schema\"}",
            })
    void theAnswerIsJson(String fields) throws Exception {
        String content = complete("one \"two\"\n three", fields)
                .at("/choices/0/message/content")
                .asText();

        assertThat(Json.parse(content)).isEqualTo(Json.object().put("echo", "one \"two\"\n three"));
        assertThat(text(stream("one \"two\"\n three", fields), 0, "/content")).isEqualTo(content);
        assertThat(complete("{\"n\": [1]}", fields)
                        .at("/choices/0/message/content")
                        .asText())
                .isEqualTo("{\"n\": [1]}");
    }

    @Test
    @DisplayName("each word has its log probability, and as many alternatives as the request wants")
    void logProbabilities() throws Exception {
        String fields = "\"logprobs\":true,\"top_logprobs\":3";
        JsonNode logprobs = complete("one gr\u00fcn", fields).at("/choices/0/logprobs");
        assertThat(logprobs.get("refusal").isNull()).isTrue();
        JsonNode content = logprobs.get("content");
        assertThat(content.findValuesAsText("token"))
                .containsExactly("one ", "one ", "other1 ", "other2 ", "gr\u00fcn", "gr\u00fcn", "other1 ", "other2 ");
        assertThat(content.get(1).get("bytes").toString()).isEqualTo("[103,114,195,188,110]");
        for (JsonNode position : content) {
            double sum = 0;
            for (JsonNode top : position.get("top_logprobs")) {
                sum += Math.exp(top.get("logprob").asDouble());
            }
            assertThat(position.get("top_logprobs").get(0).get("logprob")).isEqualTo(position.get("logprob"));
            assertThat(sum).isBetween(0.9, 1.0);
        }

        List<JsonNode> chunks = stream("one gr\u00fcn", fields);
        assertThat(chunks.get(1).at("/choices/0/logprobs/content/0")).isEqualTo(content.get(0));
        assertThat(chunks.get(2).at("/choices/0/logprobs/content/0")).isEqualTo(content.get(1));
        assertThat(complete("one", "\"logprobs\":true").at("/choices/0/logprobs/content/0/top_logprobs"))
                .isEmpty();
        assertThat(complete("one", "").at("/choices/0/logprobs").isNull()).isTrue();
    }
}
