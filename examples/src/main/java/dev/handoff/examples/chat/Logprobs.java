// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;

/** Makes up log probabilities for the model echo, which is certain of each word, so that clients can be tried. */
final class Logprobs {

    private static final double CHOSEN = 0.9;
    private static final int MAX_BYTES = 1000;

    private Logprobs() {}

    /**
     * Returns the field {@code logprobs} of a choice.
     *
     * @param token the text that the choice adds
     * @param top how many tokens the position lists; the first is the token itself
     */
    static ObjectNode of(String token, int top) {
        ObjectNode position = entry(token, CHOSEN);
        ArrayNode others = position.putArray("top_logprobs");
        for (int i = 0; i < top; i++) {
            others.add(i == 0 ? entry(token, CHOSEN) : entry("other" + i + ' ', Math.scalb(1 - CHOSEN, -i)));
        }
        ObjectNode logprobs = Json.object();
        logprobs.putArray("content").add(position);
        logprobs.putNull("refusal");
        return logprobs;
    }

    private static ObjectNode entry(String token, double probability) {
        ObjectNode entry = Json.object();
        entry.put("token", token);
        entry.put("logprob", Math.log(probability));
        // The list takes many times the memory of the text, and a word can be as large as the request.
        if (token.length() > MAX_BYTES) {
            entry.putNull("bytes");
        } else {
            ArrayNode bytes = entry.putArray("bytes");
            for (byte b : token.getBytes(StandardCharsets.UTF_8)) {
                bytes.add(b & 0xff);
            }
        }
        return entry;
    }
}
