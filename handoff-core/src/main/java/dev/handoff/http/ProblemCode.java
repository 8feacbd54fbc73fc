// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The codes of the problems that handoff reports, each with its status. {@code docs/problems.md} says what a client should do.
 *
 * <p>An application may report problems with codes of its own: a {@link Problem} takes any code.
 */
public enum ProblemCode {

    // What is wrong with a request, or with the right to make it.
    /** {@code Last-Event-ID} is malformed, or names an event that the stream has not had. */
    INVALID_LAST_EVENT_ID(400),
    /** {@code Idempotency-Key} is malformed or too long. */
    INVALID_IDEMPOTENCY_KEY(400),
    /** The content is not valid text in its charset. */
    MALFORMED_CONTENT(400),
    /** The connection broke while the content was read. */
    CONTENT_CUT(400),
    /** No handler does tasks of this type. */
    UNKNOWN_TASK_TYPE(400),
    /** The token is damaged, or another server has issued it. */
    INVALID_TOKEN(401),
    /** The token was valid, but has expired. */
    TOKEN_EXPIRED(401),
    /** The token does not grant the right that the request needs. */
    RIGHT_MISSING(403),
    /** {@code Last-Event-ID} names a stream of another user, or has no valid proof. */
    NOT_YOUR_STREAM(403),
    /** The application refuses this holder of the token. */
    NOT_AUTHORIZED(403),
    /** The path belongs to the streaming server, but the method cannot be used there. */
    METHOD_NOT_ALLOWED(405),
    /** The content did not arrive in time. */
    CONTENT_TOO_SLOW(408),
    /** The content, or the task that the application made of it, is too large. */
    CONTENT_TOO_LARGE(413),
    /** The content is not text. */
    UNSUPPORTED_MEDIA_TYPE(415),
    /** The content is compressed. */
    UNSUPPORTED_CONTENT_ENCODING(415),
    /** The charset of the content is not known. */
    UNSUPPORTED_CHARSET(415),
    /** The idempotency key was used before, with another request. */
    IDEMPOTENCY_KEY_REUSED(422),
    /** The idempotency key was used before. The events of its task are still kept, but the task is not. */
    IDEMPOTENCY_KEY_EXPIRED(409),
    /** The container cannot abort an answer over this connection. */
    HTTP_VERSION_NOT_SUPPORTED(505),

    // How a stream or its task ended.
    /** The task was cancelled. */
    CANCELLED(409),
    /** The stream is no longer kept, or has lost entries. */
    STREAM_GONE(410),
    /** The handler threw an exception other than {@link ProblemException}. */
    HANDLER_FAILED(500),
    /** The result is too large, or the store refuses it. */
    RESULT_REFUSED(500),
    /** The worker stopped or died before the task was done. */
    WORKER_LOST(503),
    /** No worker took the task in time. */
    EXPIRED_IN_QUEUE(503),
    /** The stream has reached its limit of bytes. */
    STREAM_FULL(507),

    // What the server cannot do, at the moment or at all.
    /** Code of the application failed while it answered the request. */
    INTERNAL_ERROR(500),
    /** A filter of the application had already read the content. */
    CONTENT_CONSUMED(500),
    /** A filter or the servlet was registered without support of asynchronous requests. */
    ASYNC_NOT_SUPPORTED(500),
    /** The format could not render an entry of the stream. */
    FORMAT_FAILED(500),
    /** This server does not know the format that the token names. */
    UNKNOWN_FORMAT(503),
    /** The server ended the response before the end of the stream. */
    INTERRUPTED(503),
    /** The server is about to stop. */
    DRAINING(503),
    /** The server cannot look up the stream, or cannot reach its tasks. */
    UNAVAILABLE(503),
    /** The store did not answer in time. */
    STORE_UNREACHABLE(503),
    /** The store is full. */
    STORE_FULL(503),
    /** The dispatcher has no room for another task, or is closed. */
    OVERLOADED(503),
    /** The contents of other requests take all the memory that the server may use for contents. */
    TOO_MUCH_CONTENT(503),
    /** Too many threads wait for contents that arrive slowly. */
    TOO_MANY_SLOW_REQUESTS(503);

    private final int status;
    private final String code;

    ProblemCode(int status) {
        this.status = status;
        this.code = name().toLowerCase(Locale.ROOT);
    }

    /** Returns the HTTP status. */
    public int status() {
        return status;
    }

    /** Returns the code as clients see it, such as {@code stream_gone}. */
    public String code() {
        return code;
    }

    /** Returns the title, which is the phrase of the status. */
    public String title() {
        return Problem.title(status);
    }

    /**
     * Returns a problem with this code and its status.
     *
     * @param detail a sentence for people; names the offending value, never a token
     */
    public Problem problem(String detail) {
        return new Problem(status, code, detail);
    }

    /** Returns an exception with a {@linkplain #problem problem} that has this code and the detail. */
    public ProblemException exception(String detail) {
        return new ProblemException(problem(detail));
    }

    /**
     * Returns an exception with a {@linkplain #problem problem} that has this code and the detail.
     *
     * @param cause the exception that led to the problem, which the client is not shown; null if there is none
     */
    public ProblemException exception(String detail, @Nullable Throwable cause) {
        return new ProblemException(problem(detail), cause);
    }
}
