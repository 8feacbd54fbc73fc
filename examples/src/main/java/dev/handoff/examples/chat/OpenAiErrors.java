// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Converts problems to errors in the format of OpenAI's API: {@code {"error":{message,type,param,code}}}.
 *
 * <p>A {@link Problem} has no field for the wrong parameter. Its detail therefore begins with the name in quotes, and this class reads it
 * from there. So the name is also known in a failed stream. In the same way the detail may end with a time after which to retry.
 */
final class OpenAiErrors {

    private static final Pattern PARAM = Pattern.compile("'([^' ]{1,100})' .*", Pattern.DOTALL);

    private static final Pattern RETRY_AFTER = Pattern.compile(".* \\(Retry after (\\d{1,9}) s\\.\\)", Pattern.DOTALL);

    private OpenAiErrors() {}

    /** Returns a detail that also says when to retry; {@link #reply} reads it from there. */
    static String withRetryAfter(String detail, Duration time) {
        return detail + " (Retry after " + time.toSeconds() + " s.)";
    }

    /** Returns the exception for a request with a wrong parameter. */
    static ProblemException invalid(String param, String whatIsWrong) {
        return new ProblemException(400, "invalid_value", '\'' + param + "' " + whatIsWrong);
    }

    /** Returns the answer to a request that started no task. SDKs may retry if the status allows it. */
    static Reply reply(Problem problem) {
        Reply reply = Reply.of(problem.status(), Reply.JSON, body(problem)).with("Cache-Control", "no-store");
        return switch (problem.status()) {
            case 401 -> reply.with("WWW-Authenticate", "Bearer").with("x-should-retry", "false");
            case 408 -> reply.with("x-should-retry", "true");
            case 429, 503 -> reply.with("Retry-After", retryAfter(problem)).with("x-should-retry", "true");
            default -> reply.with("x-should-retry", "false");
        };
    }

    /** Returns the answer for an accepted task. It tells SDKs not to retry, because a retry would run the work twice. */
    static Reply acceptedReply(Problem problem) {
        return reply(problem).with("x-should-retry", "false");
    }

    private static String retryAfter(Problem problem) {
        Matcher seconds = RETRY_AFTER.matcher(problem.detail());
        return seconds.matches() ? seconds.group(1) : "1";
    }

    static String body(Problem problem) {
        ObjectNode error = Json.object();
        Matcher param = PARAM.matcher(problem.detail());
        error.put("message", problem.detail());
        error.put("type", type(problem.status()));
        error.put("param", problem.status() < 500 && param.matches() ? param.group(1) : null);
        error.put("code", problem.code());
        ObjectNode body = Json.object();
        body.set("error", error);
        return body.toString();
    }

    private static String type(int status) {
        return switch (status) {
            case 401 -> "authentication_error";
            case 403 -> "permission_error";
            case 429 -> "rate_limit_error";
            default -> status < 500 ? "invalid_request_error" : "server_error";
        };
    }
}
