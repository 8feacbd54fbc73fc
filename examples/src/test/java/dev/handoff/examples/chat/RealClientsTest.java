// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.InternalServerException;
import com.openai.errors.NotFoundException;
import com.openai.errors.SseException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import dev.langchain4j.http.client.jdk.JdkHttpClient;
import dev.langchain4j.http.client.jdk.JdkHttpClientBuilder;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.net.http.HttpClient;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Clients as their projects publish them, with no setting but the address; LangChain4j has to be told to follow redirects. */
@Timeout(60)
class RealClientsTest {

    private static final Map<String, String> SLOW = Map.of("delay_ms", "300");

    private static TestChat chat;
    private static OpenAIClient openai;

    @BeforeAll
    static void start() {
        chat = TestChat.start("--heartbeat", "50ms");
        openai = OpenAIOkHttpClient.builder()
                .baseUrl(chat.url("/v1").toString())
                .apiKey("any")
                .build();
    }

    @AfterAll
    static void stop() {
        openai.close();
        chat.close();
    }

    private static ChatCompletionCreateParams ask(String text, Map<String, String> metadata) {
        Map<String, JsonValue> values = new HashMap<>();
        metadata.forEach((name, value) -> values.put(name, JsonValue.from(value)));
        return ChatCompletionCreateParams.builder()
                .model("echo")
                .addUserMessage(text)
                .metadata(ChatCompletionCreateParams.Metadata.builder()
                        .additionalProperties(values)
                        .build())
                .build();
    }

    private static String streamed(ChatCompletionCreateParams request) {
        StringBuilder text = new StringBuilder();
        try (StreamResponse<ChatCompletionChunk> chunks =
                openai.chat().completions().createStreaming(request)) {
            chunks.stream()
                    .flatMap(chunk -> chunk.choices().stream())
                    .forEach(choice -> choice.delta().content().ifPresent(text::append));
        }
        return text.toString();
    }

    @Test
    void openaiJavaReadsTheWholeStream() {
        assertThat(streamed(ask("one two three", Map.of()))).isEqualTo("one two three");
    }

    @Test
    void openaiJavaAccumulatesChunksAndUsage() {
        ChatCompletionCreateParams request = ask("one two three", Map.of()).toBuilder()
                .streamOptions(
                        ChatCompletionStreamOptions.builder().includeUsage(true).build())
                .build();
        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> chunks =
                openai.chat().completions().createStreaming(request)) {
            chunks.stream().forEach(accumulator::accumulate);
        }
        ChatCompletion whole = accumulator.chatCompletion();
        assertThat(whole.choices().get(0).message().content()).contains("one two three");
        assertThat(whole.choices().get(0).finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.STOP);
        assertThat(whole.usage().orElseThrow().totalTokens()).isEqualTo(6);
    }

    @Test
    void openaiJavaReadsTheWholeResult() {
        ChatCompletion whole = openai.chat().completions().create(ask("one two three", Map.of()));

        whole.validate();
        assertThat(whole.choices().get(0).message().content()).contains("one two three");
        assertThat(whole.usage().orElseThrow().totalTokens()).isEqualTo(6);
    }

    @Test
    void openaiJavaRaisesAFailureInBothForms() {
        ChatCompletionCreateParams request = ask("one two three", Map.of("fail_after", "2"));

        assertThatThrownBy(() -> streamed(request))
                .isInstanceOf(SseException.class)
                .hasMessageContaining("after 2 words");
        assertThatThrownBy(() -> openai.chat().completions().create(request))
                .isInstanceOf(InternalServerException.class)
                .hasMessageContaining("after 2 words");
    }

    @Test
    void openaiJavaReadsAStreamThatOutlastsManyHeartbeats() {
        assertThat(streamed(ask("one two three", SLOW))).isEqualTo("one two three");
        assertThat(openai.chat()
                        .completions()
                        .create(ask("one two three", SLOW))
                        .choices()
                        .get(0)
                        .message()
                        .content())
                .contains("one two three");
    }

    @Test
    void openaiJavaListsTheModelsAndMissesOthers() {
        assertThat(openai.models().list().data()).extracting(m -> m.id()).containsExactly("echo");
        assertThat(openai.models().retrieve("echo").ownedBy()).isEqualTo("handoff");
        assertThatThrownBy(() -> openai.models().retrieve("meta/llama")).isInstanceOf(NotFoundException.class);
    }

    private static JdkHttpClientBuilder followingRedirects() {
        return JdkHttpClient.builder()
                .httpClientBuilder(HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL));
    }

    private static OpenAiChatModel langChain4j(Map<String, String> metadata) {
        return OpenAiChatModel.builder()
                .httpClientBuilder(followingRedirects())
                .baseUrl(chat.url("/v1").toString())
                .apiKey("any")
                .modelName("echo")
                .store(true)
                .metadata(metadata)
                // It does not know x-should-retry, and would have each failure again.
                .maxRetries(0)
                .build();
    }

    /** The partial answers and then the whole one; fails with the first error. */
    private static CompletableFuture<ChatResponse> streamed(Map<String, String> metadata, List<String> parts) {
        OpenAiStreamingChatModel model = OpenAiStreamingChatModel.builder()
                .httpClientBuilder(followingRedirects())
                .baseUrl(chat.url("/v1").toString())
                .apiKey("any")
                .modelName("echo")
                .store(true)
                .metadata(metadata)
                .build();
        CompletableFuture<ChatResponse> answer = new CompletableFuture<>();
        model.chat("one two three", new StreamingChatResponseHandler() {
            @Override
            public void onPartialResponse(String part) {
                parts.add(part);
            }

            @Override
            public void onCompleteResponse(ChatResponse whole) {
                answer.complete(whole);
            }

            @Override
            public void onError(Throwable error) {
                answer.completeExceptionally(error);
            }
        });
        return answer.orTimeout(20, TimeUnit.SECONDS);
    }

    @Test
    void langChain4jReadsTheWholeStream() {
        List<String> parts = new ArrayList<>();
        ChatResponse whole = streamed(Map.of(), parts).join();

        assertThat(parts).containsExactly("one ", "two ", "three");
        assertThat(whole.aiMessage().text()).isEqualTo("one two three");
        assertThat(whole.tokenUsage().totalTokenCount()).isEqualTo(6);
    }

    @Test
    void langChain4jReadsTheWholeResult() {
        assertThat(langChain4j(Map.of()).chat("one two three")).isEqualTo("one two three");
    }

    @Test
    void langChain4jRaisesAFailureInBothForms() {
        Map<String, String> failing = Map.of("fail_after", "2");

        // Without the message: the JDK's client drops what it has not passed on when the connection is aborted.
        assertThatThrownBy(() -> streamed(failing, new ArrayList<>()).join()).isInstanceOf(CompletionException.class);
        assertThatThrownBy(() -> langChain4j(failing).chat("one two three")).hasMessageContaining("after 2 words");
    }

    @Test
    void langChain4jReadsAStreamThatOutlastsManyHeartbeats() {
        assertThat(streamed(SLOW, new ArrayList<>()).join().aiMessage().text()).isEqualTo("one two three");
        assertThat(langChain4j(SLOW).chat("one two three")).isEqualTo("one two three");
    }
}
