// SPDX-License-Identifier: Apache-2.0

import dev.langchain4j.agent.tool.ToolExecutionRequest;
import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.HttpException;
import dev.langchain4j.http.client.jdk.JdkHttpClientBuilder;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.json.JsonObjectSchema;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiStreamingChatModel;
import java.io.IOException;
import java.net.http.HttpClient;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** LangChain4j. */
final class LangChain4j {

    private LangChain4j() {}

    public static void main(String[] arguments) throws IOException {
        Scenario scenario = new Scenario(arguments);
        ChatRequest request = request(scenario);
        scenario.run(() -> stream(request, scenario), () -> plain(request, scenario), LangChain4j::status);
    }

    private static ChatRequest request(Scenario scenario) throws IOException {
        ChatRequest.Builder request =
                ChatRequest.builder().messages(UserMessage.from(scenario.prompt));
        if (scenario.fields().get("temperature") instanceof Number temperature) {
            request.temperature(temperature.doubleValue());
        }
        if (scenario.tools()) {
            request.toolSpecifications(ToolSpecification.builder()
                    .name(Scenario.TOOL)
                    .description(Scenario.TOOL_DESCRIPTION)
                    .parameters(JsonObjectSchema.builder()
                            .addStringProperty("city")
                            .required("city")
                            .build())
                    .build());
        }
        return request.build();
    }

    /** Returns a client that follows redirects, which is the setting {@code follow-redirects}. */
    private static JdkHttpClientBuilder following() {
        return new JdkHttpClientBuilder()
                .httpClientBuilder(HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL));
    }

    private static void plain(ChatRequest request, Scenario scenario) throws IOException {
        OpenAiChatModel.OpenAiChatModelBuilder model = OpenAiChatModel.builder()
                .baseUrl(scenario.base)
                .apiKey(scenario.key)
                .modelName(scenario.model);
        if (scenario.setting.contains("follow-redirects")) {
            model.httpClientBuilder(following());
        }
        if (scenario.setting.contains("no-retries")) {
            model.maxRetries(0);
        }
        ChatResponse response = model.build().chat(request);
        scenario.text(response.aiMessage().text());
        scenario.finish(response.finishReason());
        for (ToolExecutionRequest call : response.aiMessage().toolExecutionRequests()) {
            scenario.tool(call.name(), call.arguments());
        }
    }

    private static void stream(ChatRequest request, Scenario scenario) throws Exception {
        OpenAiStreamingChatModel.OpenAiStreamingChatModelBuilder model = OpenAiStreamingChatModel.builder()
                .baseUrl(scenario.base)
                .apiKey(scenario.key)
                .modelName(scenario.model);
        if (scenario.setting.contains("follow-redirects")) {
            model.httpClientBuilder(following());
        }
        Handler handler = new Handler(scenario);
        model.build().chat(request, handler);
        try {
            handler.ended.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** The first call that ends the answer counts, because the application has then shown it. */
    private static final class Handler implements StreamingChatResponseHandler {

        final CompletableFuture<Void> ended = new CompletableFuture<>();
        private final Scenario scenario;

        Handler(Scenario scenario) {
            this.scenario = scenario;
        }

        @Override
        public void onPartialResponse(PartialResponse part, PartialResponseContext context) {
            if (scenario.text(part.text())) {
                context.streamingHandle().cancel();
                ended.complete(null);
            }
        }

        @Override
        public void onCompleteResponse(ChatResponse response) {
            scenario.finish(response.finishReason());
            ended.complete(null);
        }

        @Override
        public void onError(Throwable error) {
            ended.completeExceptionally(error);
        }
    }

    private static int status(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof HttpException refused) {
                return refused.statusCode();
            }
        }
        return 0;
    }
}
