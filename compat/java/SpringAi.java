// SPDX-License-Identifier: Apache-2.0

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.springframework.ai.chat.client.ChatClient;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.tool.annotation.Tool;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.annotation.Configuration;
import org.springframework.util.ClassUtils;

/** Spring AI in an application of Spring Boot, with the chat client that Spring Boot builds. */
final class SpringAi {

    private SpringAi() {}

    public static void main(String[] arguments) throws IOException {
        Scenario scenario = new Scenario(arguments);
        ChatClient client = new SpringApplicationBuilder(Application.class)
                .properties(properties(scenario))
                .run()
                .getBean(ChatClient.Builder.class)
                .build();
        scenario.run(() -> stream(client, scenario), () -> plain(client, scenario), SpringAi::status);
    }

    @Configuration
    @EnableAutoConfiguration
    static class Application {}

    private static Map<String, Object> properties(Scenario scenario) throws IOException {
        Map<String, Object> properties = new HashMap<>(Map.of(
                "spring.main.banner-mode", "off",
                "spring.main.web-application-type", "none",
                "logging.level.root", "off",
                "spring.ai.openai.base-url", base(scenario),
                "spring.ai.openai.api-key", scenario.key,
                "spring.ai.model.embedding", "none",
                "spring.ai.model.image", "none",
                "spring.ai.model.moderation", "none",
                "spring.ai.openai.chat.options.model", scenario.model,
                "spring.ai.openai.chat.model", scenario.model));
        if (scenario.fields().get("temperature") instanceof Number temperature) {
            properties.put("spring.ai.openai.chat.options.temperature", temperature);
            properties.put("spring.ai.openai.chat.temperature", temperature);
        }
        if (scenario.setting.contains("no-retries")) {
            properties.put("spring.ai.retry.max-attempts", 1);
        }
        return properties;
    }

    /** Returns the base URL as Spring AI 2 expects it. Spring AI 1, which has the class, adds {@code /v1} itself. */
    private static String base(Scenario scenario) {
        boolean first = ClassUtils.isPresent("org.springframework.ai.openai.api.OpenAiApi", null);
        return first ? scenario.base.replaceFirst("/v1$", "") : scenario.base;
    }

    private static void stream(ChatClient client, Scenario scenario) {
        client.prompt()
                .user(scenario.prompt)
                .stream()
                .chatResponse()
                .takeUntil(response -> add(response, scenario))
                .blockLast();
    }

    private static void plain(ChatClient client, Scenario scenario) {
        ChatClient.ChatClientRequestSpec request = client.prompt().user(scenario.prompt);
        if (scenario.tools()) {
            request = request.tools(new Weather(scenario));
        }
        add(request.call().chatResponse(), scenario);
    }

    /** Adds a part, and returns whether the client must close the stream now. */
    private static boolean add(ChatResponse response, Scenario scenario) {
        if (response.getResult() == null) {
            return false;
        }
        scenario.finish(response.getResult().getMetadata().getFinishReason());
        return scenario.text(response.getResult().getOutput().getText());
    }

    /** Spring AI calls the tool and sends its result to the model. */
    public static final class Weather {

        private final Scenario scenario;

        Weather(Scenario scenario) {
            this.scenario = scenario;
        }

        @Tool(name = Scenario.TOOL, description = Scenario.TOOL_DESCRIPTION)
        public String weather(String city) throws IOException {
            scenario.tool(Scenario.TOOL, new ObjectMapper().writeValueAsString(Map.of("city", city)));
            return "sunny";
        }
    }

    private static int status(Throwable e) {
        return 0;
    }
}
