// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.ProblemException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Combines the chunks of an answer into one {@code chat.completion}. Holds at most 16 million characters. Not thread-safe. */
final class Completion {

    private static final int MAX_CHARS = 16 << 20;

    private final List<CompletionChoice> choices = new ArrayList<>();
    private final ObjectNode head = Json.object();
    private long chars;
    private @Nullable JsonNode usage;

    /**
     * Creates a completion without content.
     *
     * @param choices the number of choices; chunks of further choices are ignored
     */
    Completion(int choices) {
        for (int i = 0; i < choices; i++) {
            this.choices.add(new CompletionChoice(i));
        }
    }

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
            int index = choice.path("index").intValue();
            if (index >= 0 && index < choices.size()) {
                addChoice(choices.get(index), choice);
            }
        }
    }

    private void addChoice(CompletionChoice to, JsonNode choice) {
        chars += choice.path("delta").toString().length();
        JsonNode logprobs = choice.path("logprobs");
        chars += logprobs.isObject() ? logprobs.toString().length() : 0;
        if (chars > MAX_CHARS) {
            throw new ProblemException(
                    500, "answer_too_long", "The answer is longer than " + MAX_CHARS + " characters of JSON.");
        }
        to.add(choice);
    }

    /** Returns whether the model has given a reason to stop for each choice, so the answer is complete. */
    boolean finished() {
        return choices.stream().allMatch(CompletionChoice::finished);
    }

    /** Returns whether the model has begun a choice, and has given a reason to stop for each choice that it has begun. */
    boolean finishedAllBegun() {
        return choices.stream().anyMatch(CompletionChoice::begun)
                && choices.stream().filter(CompletionChoice::begun).allMatch(CompletionChoice::finished);
    }

    /** Sets the usage if no chunk has it. */
    void usage(ObjectNode counted) {
        usage = counted;
    }

    ObjectNode toJson() {
        ArrayNode all = Json.array();
        choices.stream().filter(CompletionChoice::begun).forEach(choice -> all.add(choice.toJson()));
        ObjectNode json = head.deepCopy();
        json.put("object", "chat.completion");
        json.set("choices", all);
        if (usage != null) {
            json.set("usage", usage);
        }
        return json;
    }
}
