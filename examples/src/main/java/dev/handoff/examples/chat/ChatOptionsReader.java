// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the parameters that control how a model generates, and checks them as OpenAI's API does. Unknown parameters are not read here. Not
 * thread-safe.
 */
final class ChatOptionsReader {

    private static final int MAX_CHOICES = 128;
    private static final int MAX_STOPS = 4;
    private static final int MAX_TOP_LOGPROBS = 20;

    private final ParamReader params;
    private final ToolsReader tools;

    private int choices = 1;
    private final List<String> stop = new ArrayList<>();
    private OptionalLong maxTokens = OptionalLong.empty();
    private OptionalLong maxCompletionTokens = OptionalLong.empty();
    private boolean logprobs;
    private int topLogprobs;
    private boolean json;
    private boolean schemaNeeded;

    ChatOptionsReader(RequestTokens tokens) {
        this.params = new ParamReader(tokens);
        this.tools = new ToolsReader(params);
    }

    /** Reads the current value to its end, if this class knows the parameter. Returns whether it does. */
    boolean read(String name) throws IOException {
        params.forget(name);
        switch (name) {
            case "n" -> choices = (int) params.wholeNumber(name, 1, MAX_CHOICES).orElse(1);
            case "max_tokens" -> maxTokens = params.wholeNumber(name, 1, Long.MAX_VALUE);
            case "max_completion_tokens" -> maxCompletionTokens = params.wholeNumber(name, 1, Long.MAX_VALUE);
            case "temperature" -> params.number(name, 0, 2);
            case "top_p" -> params.number(name, 0, 1);
            case "presence_penalty", "frequency_penalty" -> params.number(name, -2, 2);
            case "seed" -> params.wholeNumber(name, Long.MIN_VALUE, Long.MAX_VALUE);
            case "logit_bias" -> readLogitBias();
            case "logprobs" -> logprobs = params.flag(name);
            case "top_logprobs" ->
                topLogprobs =
                        (int) params.wholeNumber(name, 0, MAX_TOP_LOGPROBS).orElse(0);
            case "stop" -> readStop();
            case "response_format" -> readFormat();
            case "parallel_tool_calls" -> params.flag(name);
            case "tools" -> tools.readTools();
            case "tool_choice" -> tools.readChoice();
            default -> {
                return false;
            }
        }
        return true;
    }

    private void readLogitBias() throws IOException {
        if (!params.atNull()) {
            params.object(
                    "logit_bias",
                    token -> params.number(
                            token.matches("[0-9]{1,10}") ? "logit_bias." + token : "logit_bias", -100, 100));
        }
    }

    private void readStop() throws IOException {
        stop.clear();
        if (params.atNull()) {
            return;
        }
        if (params.atArray()) {
            int size = params.array("stop", index -> readStop("stop[" + index + ']'));
            if (size > MAX_STOPS) {
                params.mistake("stop", "has " + size + " elements, more than " + MAX_STOPS + '.');
            }
        } else {
            readStop("stop");
        }
    }

    private void readStop(String param) throws IOException {
        String text = params.string(param);
        if (text != null && text.isEmpty()) {
            params.mistake(param, "is empty.");
        } else if (text != null && stop.size() < MAX_STOPS) {
            stop.add(text);
        }
    }

    private void readFormat() throws IOException {
        json = false;
        schemaNeeded = false;
        if (params.atNull()) {
            return;
        }
        Set<String> present = new HashSet<>();
        boolean object = params.object("response_format", field -> {
            present.add(field);
            switch (field) {
                case "type" -> {
                    String type = params.oneOf("response_format.type", "text", "json_object", "json_schema");
                    json = type != null && !type.equals("text");
                    schemaNeeded = "json_schema".equals(type);
                }
                case "json_schema" -> readSchema();
                default -> params.skip();
            }
        });
        if (object && !present.contains("type")) {
            params.mistake("response_format.type", "is missing.");
        } else if (schemaNeeded && !present.contains("json_schema")) {
            params.mistake("response_format.json_schema", "is missing.");
        }
    }

    private void readSchema() throws IOException {
        String param = "response_format.json_schema";
        Set<String> present = new HashSet<>();
        boolean object = params.object(param, field -> {
            present.add(field);
            boolean absent = params.atNull();
            switch (field) {
                case "name" -> params.string(param + ".name");
                case "strict" -> params.flag(param + ".strict");
                case "schema" -> {
                    if (!absent) {
                        params.object(param + ".schema", ignored -> params.skip());
                    }
                }
                default -> params.skip();
            }
        });
        if (object && !present.contains("name")) {
            params.mistake(param + ".name", "is missing.");
        }
    }

    /** Returns the first mistake; null if there is none. Called after the whole request has been read. */
    @Nullable
    ParamMistake mistake() {
        if (topLogprobs > 0 && !logprobs) {
            params.mistake("top_logprobs", "is not allowed unless 'logprobs' is true.");
        }
        tools.check();
        return params.mistake();
    }

    /** Returns the options. Called after the whole request has been read without a mistake. */
    ChatOptions options() {
        return new ChatOptions(
                choices,
                List.copyOf(stop),
                maxCompletionTokens.orElse(maxTokens.orElse(Long.MAX_VALUE)),
                logprobs,
                topLogprobs,
                json,
                tools.functions(),
                tools.required(),
                tools.mayCall());
    }
}
