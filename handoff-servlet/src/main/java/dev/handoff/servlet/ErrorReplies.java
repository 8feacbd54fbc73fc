// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.check.Errors;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the replies to requests that failed, and logs why they failed. Thread-safe. */
final class ErrorReplies {

    private static final Logger logger = LoggerFactory.getLogger(HandoffFilter.class);
    private static final String REFUSED = "{} {} was refused with status {}, code {}: {}";

    private ErrorReplies() {}

    /**
     * Returns the reply for an exception of the application or of a part of the hand-off. An error of the whole JVM is thrown instead.
     *
     * @param errors the application's function that returns the reply for a problem
     */
    static Reply of(Throwable e, HandoffRequest request, Function<Problem, Reply> errors) {
        if (e instanceof ProblemException known) {
            return refuse(known.problem(), known.getCause(), request, errors);
        }
        Errors.rethrowFatal(e);
        return refuse(ProblemCode.INTERNAL_ERROR.problem("The server failed at this request."), e, request, errors);
    }

    private static Reply refuse(
            Problem problem, @Nullable Throwable cause, HandoffRequest request, Function<Problem, Reply> errors) {
        log(problem, cause, request);
        Reply reply = rendered(problem, errors);
        if (problem.status() == 503) {
            reply = reply.withDefault("Retry-After", "1");
        }
        if (problem.code().equals(ProblemCode.UNSUPPORTED_CONTENT_ENCODING.code())) {
            // RFC 9110, 15.5.16
            reply = reply.withDefault("Accept-Encoding", "identity");
        }
        return reply;
    }

    private static void log(Problem problem, @Nullable Throwable cause, HandoffRequest request) {
        if (problem.status() == 503) {
            // Without a stack trace, because a server that is busy must not fill its log.
            String reason = cause == null ? problem.detail() : cause.toString();
            logger.info(REFUSED, request.method(), request.path(), 503, problem.code(), reason);
        } else if (problem.status() >= 500) {
            String detail = problem.detail();
            logger.error(REFUSED, request.method(), request.path(), problem.status(), problem.code(), detail, cause);
        }
    }

    private static Reply rendered(Problem problem, Function<Problem, Reply> errors) {
        try {
            return Objects.requireNonNull(errors.apply(problem), "the errors function returned null");
        } catch (Throwable e) {
            Errors.rethrowFatal(e);
            logger.error("the errors function failed to return a reply for the problem {}", problem.code(), e);
            return problem.toReply();
        }
    }
}
