package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.Problem;
import dev.handoff.ProblemException;
import java.util.ArrayList;
import java.util.List;

/**
 * A request for a chat completion, checked as far as this server looks into it. What it does not know it leaves alone, as
 * clients send more every year.
 *
 * @param json the whole request; not to be changed
 * @param model the model that is to answer
 * @param messages the conversation, at least one message
 * @param stream whether the answer is wanted in chunks
 * @param includeUsage whether the chunks shall end with one that counts tokens
 */
record ChatRequest(ObjectNode json, String model, List<ChatMessage> messages, boolean stream, boolean includeUsage) {

    /**
     * Reads a request.
     *
     * @throws ProblemException with status 400 if it is none; the detail names the parameter
     */
    static ChatRequest parse(String body) {
        JsonNode json;
        try {
            json = Json.parse(body);
        } catch (JsonProcessingException e) {
            throw new ProblemException(
                    new Problem(400, "invalid_json", "The content is not JSON: " + e.getOriginalMessage()), e);
        }
        if (!(json instanceof ObjectNode object)) {
            throw new ProblemException(400, "invalid_json", "The content is not a JSON object.");
        }
        if (!object.path("model").isTextual()
                || object.path("model").textValue().isBlank()) {
            throw OpenAiErrors.invalid("model", "is not the name of a model.");
        }
        JsonNode n = object.path("n");
        if (!absent(n) && !(n.isInt() && n.intValue() == 1)) {
            throw OpenAiErrors.invalid("n", "is " + shown(n) + "; only one answer per request can be given.");
        }
        boolean stream = flag("stream", object.path("stream"));
        JsonNode options = object.path("stream_options");
        if (!absent(options) && !options.isObject()) {
            throw OpenAiErrors.invalid("stream_options", "is not an object.");
        }
        boolean includeUsage = flag("stream_options.include_usage", options.path("include_usage"));
        return new ChatRequest(
                object,
                object.path("model").textValue(),
                messages(object.path("messages")),
                stream,
                stream && includeUsage);
    }

    private static List<ChatMessage> messages(JsonNode json) {
        if (!json.isArray() || json.isEmpty()) {
            throw OpenAiErrors.invalid("messages", "is not an array of at least one message.");
        }
        List<ChatMessage> messages = new ArrayList<>(json.size());
        for (int i = 0; i < json.size(); i++) {
            messages.add(ChatMessage.parse("messages[" + i + ']', json.get(i)));
        }
        return List.copyOf(messages);
    }

    private static boolean flag(String param, JsonNode value) {
        if (!absent(value) && !value.isBoolean()) {
            throw OpenAiErrors.invalid(param, "is " + shown(value) + ", neither true nor false.");
        }
        return value.booleanValue();
    }

    static boolean absent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    /** A value as an error message can show it. */
    static String shown(JsonNode value) {
        String text = value.toString();
        return text.length() <= 50 ? text : text.substring(0, 50) + "…";
    }
}
