package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * One message of a request, as far as it is looked into.
 *
 * @param role who speaks
 * @param text its text; the parts one after the other, if it has several
 * @param otherPart the name of the first parameter that is a part other than text, such as an image; null if there is none
 */
record ChatMessage(String role, String text, @Nullable String otherPart) {

    private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant", "tool", "function");

    /**
     * Reads a message.
     *
     * @param param the name of the message in error messages
     * @throws dev.handoff.ProblemException with status 400 if it is none
     */
    static ChatMessage parse(String param, JsonNode json) {
        if (!json.isObject()) {
            throw OpenAiErrors.invalid(param, "is not an object.");
        }
        String role = json.path("role").asText();
        if (!json.path("role").isTextual() || !ROLES.contains(role)) {
            throw OpenAiErrors.invalid(param + ".role", "is none of " + String.join(", ", new TreeSet<>(ROLES)) + '.');
        }
        JsonNode content = json.path("content");
        if (content.isTextual()) {
            return new ChatMessage(role, content.textValue(), null);
        }
        if (content.isArray()) {
            return parseParts(role, param + ".content", content);
        }
        // An answer that only called tools has no content when it is sent back as a part of the conversation.
        if (role.equals("assistant") && (content.isNull() || content.isMissingNode())) {
            return new ChatMessage(role, "", null);
        }
        throw OpenAiErrors.invalid(param + ".content", "is neither a string nor an array of parts.");
    }

    private static ChatMessage parseParts(String role, String param, JsonNode parts) {
        StringBuilder text = new StringBuilder();
        String other = null;
        for (int i = 0; i < parts.size(); i++) {
            String name = param + '[' + i + ']';
            JsonNode part = parts.get(i);
            if (!part.path("type").isTextual()) {
                throw OpenAiErrors.invalid(name + ".type", "is not a string.");
            }
            if (!part.path("type").textValue().equals("text")) {
                other = other == null ? name : other;
            } else if (part.path("text").isTextual()) {
                text.append(part.path("text").textValue());
            } else {
                throw OpenAiErrors.invalid(name + ".text", "is not a string.");
            }
        }
        return new ChatMessage(role, text.toString(), other);
    }
}
