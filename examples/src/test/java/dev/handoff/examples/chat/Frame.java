// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

/** One Server-Sent Event as a client reads it. */
record Frame(@Nullable String id, @Nullable String type, String data) {

    boolean isDone() {
        return data.equals("[DONE]");
    }

    JsonNode json() {
        try {
            return Json.parse(data);
        } catch (JsonProcessingException e) {
            throw new AssertionError("not JSON: " + data, e);
        }
    }

    /** The text that the chunk adds; empty if it adds none. */
    String text() {
        return isDone() ? "" : json().at("/choices/0/delta/content").asText();
    }
}
