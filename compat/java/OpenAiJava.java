// SPDX-License-Identifier: Apache-2.0

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionMessageToolCall;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** The SDK of OpenAI for Java. */
final class OpenAiJava {

    private OpenAiJava() {}

    public static void main(String[] arguments) throws IOException {
        Scenario scenario = new Scenario(arguments);
        OpenAIClient client =
                OpenAIOkHttpClient.builder().baseUrl(scenario.base).apiKey(scenario.key).build();
        ChatCompletionCreateParams request = request(scenario);
        scenario.run(
                () -> stream(client, request, scenario),
                () -> plain(client, request, scenario),
                e -> e instanceof OpenAIServiceException refused ? refused.statusCode() : 0);
    }

    private static ChatCompletionCreateParams request(Scenario scenario) throws IOException {
        ChatCompletionCreateParams.Builder request =
                ChatCompletionCreateParams.builder().model(scenario.model).addUserMessage(scenario.prompt);
        if (scenario.tools()) {
            request.addTool(weather());
        }
        scenario.fields().forEach((name, value) -> request.putAdditionalBodyProperty(name, JsonValue.from(value)));
        return request.build();
    }

    private static ChatCompletionFunctionTool weather() {
        FunctionParameters parameters = FunctionParameters.builder()
                .putAdditionalProperty("type", JsonValue.from("object"))
                .putAdditionalProperty("properties", JsonValue.from(Map.of("city", Map.of("type", "string"))))
                .putAdditionalProperty("required", JsonValue.from(List.of("city")))
                .build();
        return ChatCompletionFunctionTool.builder()
                .function(FunctionDefinition.builder()
                        .name(Scenario.TOOL)
                        .description(Scenario.TOOL_DESCRIPTION)
                        .parameters(parameters)
                        .build())
                .build();
    }

    private static void stream(OpenAIClient client, ChatCompletionCreateParams request, Scenario scenario) {
        try (StreamResponse<ChatCompletionChunk> response =
                client.chat().completions().createStreaming(request)) {
            Iterator<ChatCompletionChunk> chunks = response.stream().iterator();
            while (chunks.hasNext()) {
                for (ChatCompletionChunk.Choice choice : chunks.next().choices()) {
                    choice.finishReason().ifPresent(scenario::finish);
                    if (scenario.text(choice.delta().content().orElse(null))) {
                        return;
                    }
                }
            }
        }
    }

    private static void plain(OpenAIClient client, ChatCompletionCreateParams request, Scenario scenario)
            throws IOException {
        ChatCompletion.Choice choice =
                client.chat().completions().create(request).choices().get(0);
        scenario.text(choice.message().content().orElse(null));
        scenario.finish(choice.finishReason());
        for (ChatCompletionMessageToolCall call : choice.message().toolCalls().orElse(List.of())) {
            ChatCompletionMessageFunctionToolCall.Function function = call.asFunction().function();
            scenario.tool(function.name(), function.arguments());
        }
    }
}
