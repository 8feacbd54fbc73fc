// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Combines the chunks of one choice. The caller limits their size. Not thread-safe. */
final class CompletionChoice {

    private final int index;
    private final Map<String, StringBuilder> texts = new LinkedHashMap<>();
    private final Map<String, JsonNode> others = new LinkedHashMap<>();
    private final Map<Integer, ToolCall> toolCalls = new TreeMap<>();
    /** The elements of each array as JSON text, because trees of them would take several times the memory. */
    private final Map<String, StringBuilder> logprobs = new LinkedHashMap<>();

    private @Nullable String finishReason;
    private boolean begun;

    CompletionChoice(int index) {
        this.index = index;
    }

    /** Adds the choice of a chunk. */
    void add(JsonNode choice) {
        begun = true;
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
        for (Map.Entry<String, JsonNode> field : choice.path("logprobs").properties()) {
            for (JsonNode position : field.getValue()) {
                StringBuilder text = logprobs.computeIfAbsent(field.getKey(), k -> new StringBuilder());
                text.append(text.isEmpty() ? "" : ",").append(position);
            }
        }
    }

    /** Returns whether a chunk had this choice. */
    boolean begun() {
        return begun;
    }

    /** Returns whether the model has given a reason to stop. */
    boolean finished() {
        return finishReason != null;
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
        choice.put("index", index);
        choice.set("message", message);
        choice.set("logprobs", logprobsToJson());
        choice.put("finish_reason", finishReason);
        return choice;
    }

    private @Nullable ObjectNode logprobsToJson() {
        if (logprobs.isEmpty()) {
            return null;
        }
        ObjectNode whole = Json.object();
        whole.putNull("content");
        whole.putNull("refusal");
        logprobs.forEach((name, text) -> whole.putRawValue(name, new RawValue("[" + text + ']')));
        return whole;
    }

    /** Holds one call of a tool. Its first part names the tool, and the other parts continue its arguments. */
    private static final class ToolCall {

        private final ObjectNode json = Json.object();
        private final Map<String, Map<String, StringBuilder>> texts = new LinkedHashMap<>();

        void add(JsonNode part) {
            for (Map.Entry<String, JsonNode> field : part.properties()) {
                String name = field.getKey();
                if (field.getValue().isObject()) {
                    addTool(name, field.getValue());
                } else if (!name.equals("index")) {
                    json.putIfAbsent(name, field.getValue());
                }
            }
        }

        /** Adds to the object {@code function} with its {@code arguments}, or to the object {@code custom} with its {@code input}. */
        private void addTool(String kind, JsonNode tool) {
            ObjectNode whole = json.withObjectProperty(kind);
            Map<String, StringBuilder> textsOfKind = texts.computeIfAbsent(kind, k -> new LinkedHashMap<>());
            for (Map.Entry<String, JsonNode> field : tool.properties()) {
                if (field.getKey().equals("name")) {
                    whole.putIfAbsent("name", field.getValue());
                } else if (field.getValue().isTextual()) {
                    textsOfKind
                            .computeIfAbsent(field.getKey(), k -> new StringBuilder())
                            .append(field.getValue().textValue());
                }
            }
        }

        ObjectNode toJson() {
            ObjectNode whole = json.deepCopy();
            texts.forEach((kind, fields) -> fields.forEach(
                    (name, text) -> whole.withObjectProperty(kind).put(name, text.toString())));
            return whole;
        }
    }
}
