// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import java.util.Map;
import java.util.Objects;

/** Renders a whole response, for clients that wait for it. */
record ResponseDocumentFormat(String name) implements StreamFormat.DocumentFormat {

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
            String last = Objects.requireNonNull(completed.result(), "the handler gave no result");
            return Reply.of(
                    200, Reply.JSON, ResponseEvents.parse(last).path("response").toString());
        }
        if (end instanceof End.Failed failed) {
            return error(failed.problem());
        }
        return error(ProblemCode.CANCELLED.problem("The response was cancelled."));
    }
}
