// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ToolExecutionResultMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.http.client.jdk.JdkHttpClient;
import dev.langchain4j.http.client.jdk.JdkHttpClientBuilder;
import dev.langchain4j.model.chat.request.ToolChoice;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.net.http.HttpClient;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls of tools, several choices and log probabilities, as clients read them that their projects publish. */
@Timeout(60)
class ToolClientsTest {

    private static TestChat chat;
    private static OpenAIClient openai;

    @BeforeAll
    static void start() {
        chat = TestChat.start();
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

    private static ChatCompletionCreateParams.Builder ask() {
        return ChatCompletionCreateParams.builder().model("echo").addUserMessage("one two");
    }

    private static ChatCompletion streamed(ChatCompletionCreateParams request) {
        ChatCompletionAccumulator accumulator = ChatCompletionAccumulator.create();
        try (StreamResponse<ChatCompletionChunk> chunks =
                openai.chat().completions().createStreaming(request)) {
            chunks.stream().forEach(accumulator::accumulate);
        }
        return accumulator.chatCompletion();
    }

    @Test
    @DisplayName("openai-java reads calls of a function in each choice, in both forms")
    void openaiJavaReadsCalls() {
        ChatCompletionCreateParams request = ask().n(2)
                .addFunctionTool(FunctionDefinition.builder().name("other").build())
                .addFunctionTool(FunctionDefinition.builder().name("find").build())
                .toolChoice(ChatCompletionNamedToolChoice.builder()
                        .function(ChatCompletionNamedToolChoice.Function.builder()
                                .name("find")
                                .build())
                        .build())
                .build();

        for (ChatCompletion whole :
                List.of(openai.chat().completions().create(request).validate(), streamed(request))) {
            assertThat(whole.choices()).hasSize(2);
            for (ChatCompletion.Choice choice : whole.choices()) {
                assertThat(choice.finishReason()).isEqualTo(ChatCompletion.Choice.FinishReason.TOOL_CALLS);
                ChatCompletionMessageFunctionToolCall.Function call = choice.message()
                        .toolCalls()
                        .orElseThrow()
                        .get(0)
                        .asFunction()
                        .function();
                assertThat(call.name()).isEqualTo("find");
                assertThat(call.arguments()).isEqualTo("{\"echo\":\"one two\"}");
            }
        }
    }

    @Test
    @DisplayName("openai-java reads log probabilities in both forms")
    void openaiJavaReadsLogProbabilities() {
        ChatCompletionCreateParams request = ask().logprobs(true).topLogprobs(2).build();

        for (ChatCompletion whole :
                List.of(openai.chat().completions().create(request).validate(), streamed(request))) {
            var content =
                    whole.choices().get(0).logprobs().orElseThrow().content().orElseThrow();
            assertThat(content).extracting(token -> token.token()).containsExactly("one ", "two");
            assertThat(content.get(0).topLogprobs()).hasSize(2);
        }
    }

    @Test
    @DisplayName("openai-java shows the parameter that is wrong")
    void openaiJavaShowsTheWrongParameter() {
        assertThatThrownBy(() ->
                        openai.chat().completions().create(ask().temperature(99).build()))
                .isInstanceOfSatisfying(
                        BadRequestException.class, e -> assertThat(e.param()).contains("temperature"));
    }

    private static JdkHttpClientBuilder followingRedirects() {
        return JdkHttpClient.builder()
                .httpClientBuilder(HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL));
    }

    private static ChatResponse langChain4j(dev.langchain4j.model.chat.request.ChatRequest request) {
        return OpenAiChatModel.builder()
                .httpClientBuilder(followingRedirects())
                .baseUrl(chat.url("/v1").toString())
                .apiKey("any")
                .modelName("echo")
                .maxRetries(0)
                .build()
                .chat(request);
    }

    private static ChatResponse langChain4jStream(dev.langchain4j.model.chat.request.ChatRequest request) {
        CompletableFuture<ChatResponse> answer = new CompletableFuture<>();
        OpenAiStreamingChatModel.builder()
                .httpClientBuilder(followingRedirects())
                .baseUrl(chat.url("/v1").toString())
                .apiKey("any")
                .modelName("echo")
                .build()
                .chat(request, new StreamingChatResponseHandler() {
                    @Override
                    public void onPartialResponse(String part) {}

                    @Override
                    public void onCompleteResponse(ChatResponse whole) {
                        answer.complete(whole);
                    }

                    @Override
                    public void onError(Throwable error) {
                        answer.completeExceptionally(error);
                    }
                });
        return answer.orTimeout(20, TimeUnit.SECONDS).join();
    }

    @Test
    @DisplayName("LangChain4j reads a call of a function in both forms, and sends its result back")
    void langChain4jCallsAFunction() {
        ChatMessage question = UserMessage.from("one two");
        ToolSpecification find = ToolSpecification.builder().name("find").build();
        var request = dev.langchain4j.model.chat.request.ChatRequest.builder()
                .messages(question)
                .toolSpecifications(find)
                .toolChoice(ToolChoice.REQUIRED)
                .build();

        for (AiMessage call : List.of(
                langChain4j(request).aiMessage(), langChain4jStream(request).aiMessage())) {
            assertThat(call.toolExecutionRequests()).hasSize(1);
            assertThat(call.toolExecutionRequests().get(0).name()).isEqualTo("find");
            assertThat(call.toolExecutionRequests().get(0).arguments()).isEqualTo("{\"echo\":\"one two\"}");

            var next = dev.langchain4j.model.chat.request.ChatRequest.builder()
                    .messages(
                            question,
                            call,
                            ToolExecutionResultMessage.from(
                                    call.toolExecutionRequests().get(0), "7"))
                    .toolSpecifications(find)
                    .build();
            assertThat(langChain4j(next).aiMessage().text()).isEqualTo("one two");
        }
    }
}
