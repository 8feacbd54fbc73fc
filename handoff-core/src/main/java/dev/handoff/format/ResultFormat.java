// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import java.util.Objects;

/** See {@link StreamFormat#result()}. */
final class ResultFormat implements StreamFormat.DocumentFormat {

    static final ResultFormat INSTANCE = new ResultFormat();

    private ResultFormat() {}

    @Override
    public String name() {
        return "result";
    }

    /** Clients accept white space before JSON (RFC 8259). */
    @Override
    public String contentTypeAfterSpaces() {
        return Reply.JSON;
    }

    @Override
    public Reply document(End end) {
        if (end instanceof End.Completed completed) {
            return Reply.of(200, Reply.JSON, Objects.requireNonNullElse(completed.result(), "null"));
        }
        if (end instanceof End.Failed failed) {
            return error(failed.problem());
        }
        return error(ProblemCode.CANCELLED.problem("The task was cancelled."));
    }
}
