// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.http.Problem;
import java.net.http.HttpHeaders;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Maps the errors of an upstream to failures. A client sees an error that it can correct with the status of the upstream, such as 400, 404
 * or 429. It sees all other errors as 502.
 */
final class UpstreamErrors {

    /** The statuses with which an upstream refuses the request of this server for a reason that the client cannot mend. */
    private static final Set<Integer> MISTAKES_OF_THIS_SERVER = Set.of(401, 405, 406, 407, 408, 411, 426);

    private static final Set<Integer> MAY_PASS = Set.of(408, 429, 500, 502, 503, 504);

    /** OpenAI sends 429 with this code if the account has no money left. */
    private static final String NO_QUOTA = "insufficient_quota";

    private UpstreamErrors() {}

    /** Returns the failure for an answer with another status than 200. */
    static UpstreamFailure refusal(int status, HttpHeaders headers, String body) {
        if (status == 401 || status == 407) {
            // The message may quote a part of the key, and asks the client to check a key that is not the client's.
            return UpstreamFailure.lasting(
                    new Problem(502, "upstream_unauthorized", "The upstream does not accept the key of this server."),
                    null);
        }
        Problem problem = problem(shown(status), object(body), "The upstream answered with status " + status + '.');
        Duration retryAfter = retryAfter(headers);
        boolean forbidden =
                headers.firstValue("x-should-retry").filter("false"::equals).isPresent();
        if (!MAY_PASS.contains(status) || forbidden || problem.code().equals(NO_QUOTA)) {
            return UpstreamFailure.lasting(problem, null);
        }
        return UpstreamFailure.passing(withRetryAfter(problem, retryAfter), retryAfter, null);
    }

    /** Returns the failure if the JSON is an error object instead of a chunk; null if it is none. */
    static @Nullable UpstreamFailure inStream(JsonNode json) {
        if (!json.hasNonNull("error") && !json.path("object").asText().equals("error")) {
            return null;
        }
        int code = error(json).path("code").asInt();
        int status = code >= 400 && code < 600 ? shown(code) : 502;
        return UpstreamFailure.lasting(problem(status, json, "The upstream gave an error without a message."), null);
    }

    private static int shown(int status) {
        return status >= 400 && status < 500 && !MISTAKES_OF_THIS_SERVER.contains(status) ? status : 502;
    }

    private static JsonNode object(String body) {
        try {
            return Json.parse(body);
        } catch (JsonProcessingException e) {
            return Json.object();
        }
    }

    /** Returns the error object; some servers send its fields without an object around them. */
    private static JsonNode error(JsonNode json) {
        return json.hasNonNull("error") ? json.get("error") : json;
    }

    private static Problem problem(int status, JsonNode json, String noMessage) {
        JsonNode error = error(json);
        String message = error.path("message").asText(error.asText());
        return new Problem(
                status, error.path("code").asText("upstream_error"), message.isEmpty() ? noMessage : message);
    }

    private static Problem withRetryAfter(Problem problem, @Nullable Duration retryAfter) {
        return retryAfter == null
                ? problem
                : new Problem(
                        problem.status(),
                        problem.code(),
                        OpenAiErrors.withRetryAfter(problem.detail(), retryAfter.plusMillis(999)));
    }

    /** Reads {@code Retry-After} as seconds or as a date, and {@code retry-after-ms}, which OpenAI's API also sends. */
    private static @Nullable Duration retryAfter(HttpHeaders headers) {
        String millis = headers.firstValue("retry-after-ms").orElse("");
        if (millis.matches("[0-9]{1,9}")) {
            return Duration.ofMillis(Long.parseLong(millis));
        }
        String value = headers.firstValue("Retry-After").orElse("");
        if (value.matches("[0-9]{1,9}")) {
            return Duration.ofSeconds(Long.parseLong(value));
        }
        Instant until = date(value);
        if (until == null) {
            return null;
        }
        // The difference of two dates of the upstream does not depend on the clock of this machine.
        Instant sent = date(headers.firstValue("Date").orElse(""));
        Duration left = Duration.between(sent == null ? Instant.now() : sent, until);
        return left.isNegative() ? Duration.ZERO : left;
    }

    private static @Nullable Instant date(String value) {
        try {
            return DateTimeFormatter.RFC_1123_DATE_TIME.parse(value, Instant::from);
        } catch (DateTimeException e) {
            return null;
        }
    }
}
