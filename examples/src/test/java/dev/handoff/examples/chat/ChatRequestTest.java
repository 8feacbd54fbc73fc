// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatRequestTest {

    private static ChatRequest parse(String messages) {
        return ChatRequest.parse("{\"model\":\"echo\",\"messages\":[" + messages + "]}");
    }

    private static void assertRefused(String body, String detail) {
        assertThatThrownBy(() -> ChatRequest.parse(body))
                .isInstanceOf(ProblemException.class)
                .extracting(e -> ((ProblemException) e).problem())
                .asInstanceOf(InstanceOfAssertFactories.type(Problem.class))
                .satisfies(problem -> {
                    assertThat(problem.status()).isEqualTo(400);
                    assertThat(problem.detail()).startsWith(detail);
                });
    }

    @Test
    @DisplayName("fields may come in any order, and unknown fields may hold anything")
    void anyOrder() {
        ChatRequest request = ChatRequest.parse("{\"x\":{\"model\":[1,{\"messages\":[]}]},"
                + "\"messages\":[{\"content\":[{\"text\":\"one \",\"type\":\"text\",\"y\":[[]]}],\"z\":{},\"role\":\"user\"}],"
                + "\"stream_options\":{\"other\":[1],\"include_usage\":true},\"stream\":true,"
                + "\"metadata\":{\"repeat\":\"2\",\"other\":{\"repeat\":7},\"delay_ms\":5,\"fail_after\":null},"
                + "\"n\":1,\"model\":\"echo\"}");

        assertThat(request.model()).isEqualTo("echo");
        assertThat(request.prompt()).isEqualTo(new ChatMessage("one ", null));
        assertThat(request.words()).isEqualTo(1);
        assertThat(request.stream()).isTrue();
        assertThat(request.includeUsage()).isTrue();
        EchoSettings settings = EchoSettings.of(request);
        assertThat(settings.repeat()).isEqualTo(2);
        assertThat(settings.delay()).hasMillis(5);
        assertThat(settings.failAfter()).isEmpty();
    }

    @Test
    @DisplayName("if a field occurs twice, the last value is used")
    void theLastOfTwoCounts() {
        ChatRequest request = ChatRequest.parse("{\"model\":7,\"n\":3,\"messages\":\"x\",\"stream\":1,"
                + "\"metadata\":{\"repeat\":3},\"metadata\":{\"repeat\":2,\"repeat\":4},"
                + "\"model\":\"echo\",\"n\":1,\"stream\":true,\"messages\":[{\"role\":\"king\",\"role\":\"user\","
                + "\"content\":\"a\",\"content\":\"b\"}]}");

        assertThat(request.model()).isEqualTo("echo");
        assertThat(request.stream()).isTrue();
        assertThat(request.prompt()).isEqualTo(new ChatMessage("b", null));
        assertThat(EchoSettings.of(request).repeat()).isEqualTo(4);
    }

    @Test
    @DisplayName("the prompt is the last message of the user, and the words are those of all messages")
    void thePromptIsTheLastOfTheUser() {
        ChatRequest request = parse("{\"role\":\"user\",\"content\":\"first one\"},"
                + "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"lo\"},{\"type\":\"image_url\",\"text\":\"no\"},"
                + "{\"type\":\"text\",\"text\":\"ng word\"}]},"
                + "{\"role\":\"assistant\",\"content\":null},{\"role\":\"assistant\"},"
                + "{\"role\":\"system\",\"content\":\" be\\tbrief\\n\"}");

        assertThat(request.prompt()).isEqualTo(new ChatMessage("long word", "messages[1].content[1]"));
        assertThat(request.words()).isEqualTo(6);
        assertThat(parse("{\"role\":\"system\",\"content\":\"x\"}").prompt()).isNull();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"messages":[],"n":0}                                     | 'model' is not the name of a model.
            {"model":"m","messages":[5,7]}                            | 'messages[0]' is not an object.
            {"model":"m","messages":[{"role":"user","content":{}}]}   | 'messages[0].content' is neither a string nor an array of parts.
            {"model":"m","messages":[{"role":"tool"}],"n":[1, {}]}    | 'n' is [1, {}], not a whole number of 1 to 128.
            {"model":"m","messages":[],"stream":"yes"}                | 'stream' is "yes", neither true nor false.
            {"model":"m","messages":[],"stream":12}                   | 'stream' is 12, neither true nor false.
            {"model":"m","messages":[]                                | The content is not JSON
            {"model":"m","messages":[{"role":"user","content":"x"}]}5 | The content is not JSON
            {"model":7,"messages":[{]}                                | The content is not JSON
            {"model":"m","messages":[{"role":"system","content":"\\ud83d"}]} | 'messages[0].content' holds a surrogate without its other half.
            {"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a\\udc00b"}]}]} | 'messages[0].content[0].text' holds a surrogate
            {"model":"m\\ud800"}                                      | 'model' holds a surrogate without its other half.
            {"metadata":{"a":["\\ude00\\ud83d"]}}                     | 'metadata.a[0]' holds a surrogate without its other half.
            {"tools":[{"\\ud83d":1}]}                                 | The content is not JSON: Broken surrogate
            """)
    void mistakesAreNamed(String body, String detail) {
        assertRefused(body, detail);
    }

    @Test
    @DisplayName("a long value is cut in the message about it")
    void aLongValueIsCut() {
        assertRefused("{\"model\":\"m\",\"n\":\"" + "1".repeat(100) + "\"}", "'n' is \"" + "1".repeat(49) + "…, not");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\\ud83d\\ude00", "\ud83d\ude00"})
    @DisplayName("a pair of surrogates is one character, escaped or not")
    void pairsAreKept(String smile) {
        ChatRequest request = parse("{\"role\":\"user\",\"content\":\"" + "x".repeat(5000) + smile + "\"}");

        assertThat(request.prompt()).isEqualTo(new ChatMessage("x".repeat(5000) + "\ud83d\ude00", null));
    }

    @Test
    @DisplayName("a byte order mark before the JSON is ignored")
    void aByteOrderMarkIsIgnored() {
        String body = TestChat.ask(true, "one").toString();

        assertThat(ChatRequest.parse('\uFEFF' + body)).isEqualTo(ChatRequest.parse(body));
    }
}
