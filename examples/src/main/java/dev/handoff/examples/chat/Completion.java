// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.ProblemException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Combines the chunks of an answer into one {@code chat.completion}. Holds at most 16 million characters. Not thread-safe. */
final class Completion {

    private static final int MAX_CHARS = 16 << 20;

    private final Map<String, StringBuilder> texts = new LinkedHashMap<>();
    private final Map<String, JsonNode> others = new LinkedHashMap<>();
    private final Map<Integer, ToolCall> toolCalls = new TreeMap<>();
    private final ObjectNode head = Json.object();
    private long chars;
    private @Nullable JsonNode usage;
    private @Nullable String finishReason;

    /**
     * Adds a chunk.
     *
     * @throws ProblemException with status 500 if the answer is too long
     */
    void add(ObjectNode chunk) {
        for (String name : new String[] {"id", "created", "model", "service_tier", "system_fingerprint"}) {
            JsonNode value = chunk.path(name);
            if (!value.isMissingNode() && !value.isNull() && !head.has(name)) {
                head.set(name, value);
            }
        }
        if (chunk.path("usage").isObject()) {
            usage = chunk.get("usage");
        }
        for (JsonNode choice : chunk.path("choices")) {
            if (choice.path("index").intValue() == 0) {
                addChoice(choice);
            }
        }
    }

    private void addChoice(JsonNode choice) {
        chars += choice.path("delta").toString().length();
        if (chars > MAX_CHARS) {
            throw new ProblemException(
                    500, "answer_too_long", "The answer is longer than " + MAX_CHARS + " characters of JSON.");
        }
        if (choice.path("finish_reason").isTextual()) {
            finishReason = choice.get("finish_reason").textValue();
        }
        for (Map.Entry<String, JsonNode> field : choice.path("delta").properties()) {
            JsonNode value = field.getValue();
            if (field.getKey().equals("tool_calls")) {
                for (JsonNode part : value) {
                    toolCalls
                            .computeIfAbsent(part.path("index").intValue(), i -> new ToolCall())
                            .add(part);
                }
            } else if (value.isTextual() && !field.getKey().equals("role")) {
                texts.computeIfAbsent(field.getKey(), k -> new StringBuilder()).append(value.textValue());
            } else if (!value.isNull()) {
                others.put(field.getKey(), value);
            }
        }
    }

    /** Returns whether the model has given a reason to stop, so the answer is complete. */
    boolean finished() {
        return finishReason != null;
    }

    /** Sets the usage if no chunk has it. */
    void usage(ObjectNode counted) {
        usage = counted;
    }

    ObjectNode toJson() {
        ObjectNode message = Json.object();
        message.put("role", "assistant");
        message.putNull("content");
        message.putNull("refusal");
        others.forEach(message::set);
        texts.forEach((name, text) -> message.put(name, text.toString()));
        if (!toolCalls.isEmpty()) {
            toolCalls.values().forEach(call -> message.withArray("tool_calls").add(call.toJson()));
        }
        ObjectNode choice = Json.object();
        choice.put("index", 0);
        choice.set("message", message);
        choice.putNull("logprobs");
        choice.put("finish_reason", finishReason);
        ObjectNode json = head.deepCopy();
        json.put("object", "chat.completion");
        json.set("choices", Json.array().add(choice));
        if (usage != null) {
            json.set("usage", usage);
        }
        return json;
    }

    /** Holds one call of a tool. Its first part names the tool, and the other parts continue its arguments. */
    private static final class ToolCall {

        private final ObjectNode json = Json.object();
        private final StringBuilder arguments = new StringBuilder();

        void add(JsonNode part) {
            for (Map.Entry<String, JsonNode> field : part.properties()) {
                if (!field.getKey().equals("index") && !field.getKey().equals("function")) {
                    json.putIfAbsent(field.getKey(), field.getValue());
                }
            }
            JsonNode name = part.path("function").path("name");
            if (name.isTextual()) {
                json.withObject("/function").putIfAbsent("name", name);
            }
            arguments.append(part.path("function").path("arguments").asText(""));
        }

        ObjectNode toJson() {
            ObjectNode whole = json.deepCopy();
            whole.withObject("/function").put("arguments", arguments.toString());
            return whole;
        }
    }
}
