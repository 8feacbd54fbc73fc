// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import java.util.Map;
import java.util.Objects;

/** Renders the whole answer as one {@code chat.completion}, for requests with {@code "stream": false}. */
final class OpenAiResultFormat implements StreamFormat.DocumentFormat {

    static final String NAME = "openai-result";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public Map<String, String> headers(String streamId) {
        return Map.of(RequestIds.HEADER, RequestIds.of(streamId));
    }

    /** Clients accept white space before JSON (RFC 8259). */
    @Override
    public String contentTypeAfterSpaces() {
        return Reply.JSON;
    }

    @Override
    public Reply error(Problem problem) {
        return OpenAiErrors.acceptedReply(problem);
    }

    @Override
    public Reply document(End end) {
        if (end instanceof End.Completed completed) {
            return Reply.of(200, Reply.JSON, Objects.requireNonNull(completed.result(), "the handler gave no result"));
        }
        if (end instanceof End.Failed failed) {
            return error(failed.problem());
        }
        return error(ProblemCode.CANCELLED.problem("The answer was cancelled."));
    }
}
