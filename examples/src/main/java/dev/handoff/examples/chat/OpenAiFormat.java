// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Map;

/**
 * Renders a stream for OpenAI's clients. Each event without a type is a {@code chat.completion.chunk} and is sent unchanged. Events with a
 * type are not sent, because a named event with other JSON breaks some of these clients. A complete answer ends with {@code [DONE]}. A
 * failed one ends with an {@code error} event and an aborted connection, because some clients ignore the event and treat a clean end as
 * success.
 */
final class OpenAiFormat implements StreamFormat.EventFormat {

    static final String NAME = "openai";

    private static final Frame DONE = new Frame(null, "[DONE]");

    @Override
    public String name() {
        return NAME;
    }

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
        return event.type() == null ? List.of(new Frame(null, event.data())) : List.of();
    }

    @Override
    public List<Frame> frames(End end) {
        return List.of(end instanceof End.Failed failed ? interrupted(failed.problem()) : DONE);
    }

    @Override
    public boolean endsCleanly(End end) {
        return !(end instanceof End.Failed);
    }

    @Override
    public Frame interrupted(Problem problem) {
        return new Frame("error", OpenAiErrors.body(problem));
    }
}
