package dev.handoff.examples.chat;

import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.Problem;
import dev.handoff.Reply;
import dev.handoff.StreamFormat;
import java.util.List;

/**
 * A stream as OpenAI's clients read it: each event without a type is a {@code chat.completion.chunk} and shown as it is;
 * those with a type are not shown, since a named event with other JSON breaks some of these clients. The end is
 * {@code [DONE]}; a failure is an {@code error} event before it, since some clients take a clean end for success.
 */
final class OpenAiFormat implements StreamFormat.EventFormat {

    static final String NAME = "openai";

    private static final Frame DONE = new Frame(null, "[DONE]");

    @Override
    public String name() {
        return NAME;
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
        return end instanceof End.Failed failed ? List.of(interrupted(failed.problem()), DONE) : List.of(DONE);
    }

    @Override
    public Frame interrupted(Problem problem) {
        return new Frame("error", OpenAiErrors.body(problem));
    }
}
