// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Objects;

/**
 * Describes an error (RFC 9457). The client may see all parts.
 *
 * @param status the HTTP status of the error, 400 to 599. If a stream failed, a request for its result is answered with this status
 * @param code a short name for programs, such as {@code invalid_token}
 * @param detail a sentence for people; names the offending value, never a token
 */
public record Problem(int status, String code, String detail) {

    /** The media type of {@link #toJson()}. */
    public static final String MEDIA_TYPE = "application/problem+json";

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if the status is not 400 to 599
     */
    public Problem {
        if (status < 400 || status > 599) {
            throw new IllegalArgumentException("status of a problem is not 400 to 599: " + status);
        }
        Objects.requireNonNull(code, "code");
        Objects.requireNonNull(detail, "detail");
    }

    /**
     * Returns the problem details object of RFC 9457. Its {@code type} is {@code about:blank}, so its {@code title} is the phrase of the
     * status. {@code code} is an extension member.
     */
    public String toJson() {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put("type", "about:blank");
        json.put("title", title(status));
        json.put("status", status);
        json.put("detail", detail);
        json.put("code", code);
        return json.toString();
    }

    /**
     * Returns the HTTP answer to a request that failed with this problem, as {@value #MEDIA_TYPE}. A 401 has the field
     * {@code WWW-Authenticate}, which RFC 9110 (11.6.1) requires. A 503 asks the client to wait one second by {@code Retry-After}.
     */
    public Reply toReply() {
        Reply reply = Reply.of(status, MEDIA_TYPE, toJson()).with("Cache-Control", "no-store");
        return switch (status) {
            case 401 -> reply.with("WWW-Authenticate", "Bearer error=\"invalid_token\"");
            case 503 -> reply.with("Retry-After", "1");
            default -> reply;
        };
    }

    /** Returns the phrase of a status (RFC 9110). */
    static String title(int status) {
        return switch (status) {
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
            case 403 -> "Forbidden";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 408 -> "Request Timeout";
            case 409 -> "Conflict";
            case 410 -> "Gone";
            case 413 -> "Content Too Large";
            case 415 -> "Unsupported Media Type";
            case 422 -> "Unprocessable Content";
            case 429 -> "Too Many Requests";
            case 500 -> "Internal Server Error";
            case 502 -> "Bad Gateway";
            case 503 -> "Service Unavailable";
            case 504 -> "Gateway Timeout";
            case 505 -> "HTTP Version Not Supported";
            case 507 -> "Insufficient Storage";
            default -> status < 500 ? "Client Error" : "Server Error";
        };
    }
}
