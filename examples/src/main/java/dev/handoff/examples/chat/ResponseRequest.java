// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.ProblemException;
import java.util.OptionalInt;

/**
 * Holds a request for a response, whose known fields are checked. Unknown fields are ignored, because new clients send new fields.
 *
 * @param mode how the client wants the response
 * @param stream whether the client wants the events
 * @param maxOutputTokens after how many tokens the response is incomplete
 * @param settings the fields of the request that the response repeats
 * @param chat the same request for the models, which know only chat completions
 */
record ResponseRequest(
        ResponseMode mode, boolean stream, OptionalInt maxOutputTokens, ObjectNode settings, ChatRequest chat) {

    /**
     * Parses a request.
     *
     * @throws ProblemException with status 400 if the text is not a valid request; the detail names the parameter
     */
    static ResponseRequest parse(String text) {
        return RequestTokens.parse(text, body -> new ResponseRequestReader(body).read());
    }

    /** Returns the response before the model has begun. */
    ObjectNode response(String id, long createdAt, String status) {
        return response(id, createdAt, status, mode, settings);
    }

    /** Returns a response of which nothing is known but its task. */
    static ObjectNode unknown(String id, long createdAt, String status, ResponseMode mode) {
        ObjectNode settings = Json.object();
        settings.put("model", "");
        settings.set("metadata", Json.object());
        return response(id, createdAt, status, mode, settings);
    }

    private static ObjectNode response(
            String id, long createdAt, String status, ResponseMode mode, ObjectNode settings) {
        ObjectNode json = Json.object();
        json.put("id", id);
        json.put("object", "response");
        json.put("created_at", createdAt);
        json.put("status", status);
        json.put("background", mode == ResponseMode.BACKGROUND);
        json.putNull("completed_at");
        json.putNull("error");
        json.putNull("incomplete_details");
        json.putNull("instructions");
        json.putNull("max_output_tokens");
        json.set("output", Json.array());
        json.put("parallel_tool_calls", true);
        json.putNull("previous_response_id");
        ObjectNode reasoning = json.putObject("reasoning");
        reasoning.putNull("effort");
        reasoning.putNull("summary");
        json.put("store", mode.stored());
        json.put("temperature", 1.0);
        json.putObject("text").putObject("format").put("type", "text");
        json.put("tool_choice", "auto");
        json.set("tools", Json.array());
        json.put("top_p", 1.0);
        json.put("truncation", "disabled");
        json.putNull("usage");
        json.setAll(settings);
        return json;
    }

    /** Returns a text without the content, which may be private. */
    @Override
    public String toString() {
        return "ResponseRequest[mode=" + mode + ", " + chat + ']';
    }
}
