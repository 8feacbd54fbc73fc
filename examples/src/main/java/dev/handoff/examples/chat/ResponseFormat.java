// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Renders a stream as the events of OpenAI's Responses API. {@link ResponseAnswer} writes each event to the log as the client receives it,
 * so this format sends it unchanged. {@link ResponseStreams} turns each end into a result that is the last event.
 */
record ResponseFormat(String name) implements StreamFormat.EventFormat {

    @Override
    public Map<String, String> headers(String streamId) {
        return Map.of(RequestIds.HEADER, RequestIds.of(streamId));
    }

    @Override
    public Reply error(Problem problem) {
        return OpenAiErrors.acceptedReply(problem);
    }

    @Override
    public List<Frame> frames(Event event) {
        return event.type() == null ? List.of() : List.of(new Frame(event.type(), event.data()));
    }

    @Override
    public List<Frame> frames(End end) {
        if (end instanceof End.Completed completed) {
            String last = Objects.requireNonNull(completed.result(), "the handler gave no result");
            return List.of(new Frame(ResponseEvents.parse(last).path("type").asText(), last));
        }
        return List.of(interrupted(
                end instanceof End.Failed failed
                        ? failed.problem()
                        : ProblemCode.CANCELLED.problem("The response was cancelled.")));
    }

    /** The event {@code response.failed} is a complete answer, so only a failure without this event is aborted. */
    @Override
    public boolean endsCleanly(End end) {
        return end instanceof End.Completed;
    }

    /** The event has no sequence number, because it is not part of the log. A client that reconnects gets the rest of the log. */
    @Override
    public Frame interrupted(Problem problem) {
        ObjectNode event = Json.object();
        event.put("type", "error");
        try {
            event.setAll((ObjectNode) Json.parse(OpenAiErrors.body(problem)));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("the body of an error is JSON", e);
        }
        return new Frame("error", event.toString());
    }
}
