// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import org.jspecify.annotations.Nullable;

/**
 * Builds the JSON of the Responses API: responses, their only message and their events.
 *
 * <p>The sequence number of an event is the number of events before it. A fence takes a position of the log but no sequence number, so the
 * two may differ; see {@link ResponsePositions}.
 */
final class ResponseEvents {

    static final String DELTA = "response.output_text.delta";

    private static final String SEQUENCE_NUMBER = "sequence_number";

    private ResponseEvents() {}

    /** Returns an event without its own fields. */
    static ObjectNode event(String type, long sequenceNumber) {
        ObjectNode event = Json.object();
        event.put("type", type);
        event.put(SEQUENCE_NUMBER, sequenceNumber);
        return event;
    }

    /** Returns an event that holds a response. */
    static ObjectNode event(String type, long sequenceNumber, ObjectNode response) {
        ObjectNode event = event(type, sequenceNumber);
        event.set("response", response);
        return event;
    }

    /**
     * Reads an event that this server has stored.
     *
     * @throws IllegalStateException if it is not an object
     */
    static ObjectNode parse(String stored) {
        try {
            if (Json.parse(stored) instanceof ObjectNode event) {
                return event;
            }
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a stored event is not JSON", e);
        }
        throw new IllegalStateException("a stored event is not a JSON object");
    }

    static long sequenceNumber(JsonNode event) {
        return event.path(SEQUENCE_NUMBER).asLong(-1);
    }

    /** Returns the part of a message that holds its text. */
    static ObjectNode part(String text) {
        ObjectNode part = Json.object();
        part.put("type", "output_text");
        part.set("annotations", Json.array());
        part.set("logprobs", Json.array());
        part.put("text", text);
        return part;
    }

    /**
     * Returns the message of a response.
     *
     * @param text null for a message without a part
     */
    static ObjectNode message(String id, String status, @Nullable String text) {
        ObjectNode message = Json.object();
        message.put("id", id);
        message.put("type", "message");
        message.put("status", status);
        message.set("content", text == null ? Json.array() : Json.array().add(part(text)));
        message.put("role", "assistant");
        return message;
    }

    static String messageId(String taskId) {
        return "msg_" + taskId;
    }

    /**
     * Returns the last event of a response whose handler has not written one.
     *
     * @param response the response at its beginning
     * @param text the text that the client has received; null if there is no message
     */
    static ObjectNode last(End end, long sequenceNumber, String taskId, ObjectNode response, @Nullable String text) {
        ObjectNode ended = response.deepCopy();
        String status = end instanceof End.Failed ? "failed" : "cancelled";
        ended.put("status", status);
        if (end instanceof End.Failed failed) {
            ended.set("error", error(failed.problem()));
        }
        if (text != null) {
            ended.set("output", Json.array().add(message(messageId(taskId), "incomplete", text)));
        }
        return event("response." + status, sequenceNumber, ended);
    }

    private static ObjectNode error(Problem problem) {
        ObjectNode error = Json.object();
        // OpenAI's clients know a fixed list of codes.
        error.put("code", problem.status() == 429 ? "rate_limit_exceeded" : "server_error");
        error.put("message", problem.detail());
        return error;
    }
}
