// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Renders a stream for its clients: event by event, as Server-Sent Events or as JSON lines ({@link EventFormat}), or as one document when
 * the stream has ended ({@link DocumentFormat}). The grant of a client names the format. A format must render an entry in the same way for
 * all readers, because they share the rendered frames.
 *
 * <p>Implementations must be thread-safe and must not block. If a format throws or returns null while it renders an entry, the response
 * ends with the problem {@code format_failed}. Other streams are not affected.
 */
public sealed interface StreamFormat {

    /** Returns the name by which tasks and grants refer to this format. */
    String name();

    /** Returns the answer to a request that fails before the first byte of the stream; problem details (RFC 9457) by default. */
    default Reply error(Problem problem) {
        return problem.toReply();
    }

    /**
     * Returns additional header fields of the answers in this format, such as a request id; none by default. The fields
     * {@code Content-Length}, {@code Transfer-Encoding}, {@code Connection}, {@code Trailer} and {@code Upgrade} are not allowed.
     *
     * @param streamId the stream that is delivered
     */
    default Map<String, String> headers(String streamId) {
        return Map.of();
    }

    /**
     * Returns the format {@code standard}. It shows each event with its type and its data unchanged, and then one event that says how the
     * stream ended: {@code completed} with the result, or with empty data if there is none; {@code cancelled} with empty data; or
     * {@code failed} with problem details. If the server stops before the end of the stream, the last event is {@code interrupted}, with
     * problem details. None of these names is {@code error} or {@code open}, which are events of the browser's {@code EventSource} itself.
     *
     * <p>A client that sends {@code Accept: application/x-ndjson} receives the same stream as {@link #jsonLines}.
     */
    static EventFormat standard() {
        return StandardFormat.INSTANCE;
    }

    /**
     * Returns the format {@code json-lines}, which shows the content of {@link #standard} as JSON lines: {@code
     * {"id":"…","type":"token","data":"Hel"}}. The member {@code type} is the type of the event, and is missing if the event has none. The
     * member {@code data} is a string with the unchanged data. The last line has the type {@code completed}, with the result in
     * {@code data} if there is one; {@code cancelled}; or {@code failed}, with problem details as an object in {@code problem}. If the
     * server stops before the end of the stream, the last line has the type {@code interrupted}, also with {@code problem}.
     */
    static EventFormat jsonLines() {
        return JsonLinesFormat.INSTANCE;
    }

    /**
     * Returns the format {@code result}, which shows only the result, as JSON, when the stream has ended. The document is {@code null} if
     * there is no result. If the stream failed, the answer is its problem. If the task was cancelled, the answer is 409.
     */
    static DocumentFormat result() {
        return ResultFormat.INSTANCE;
    }

    /** Renders a stream event by event, as frames. */
    non-sealed interface EventFormat extends StreamFormat {

        /** Returns how the frames are written, which also sets the content type of the response; Server-Sent Events by default. */
        default Framing framing() {
            return Framing.serverSentEvents();
        }

        /**
         * Returns the format in which a client reads a stream of this format, if that depends on what the client accepts. Returns this
         * format by default.
         *
         * <p>A client may resume in one of the two formats a stream that it began in the other. Both must therefore show each entry with
         * the same number of frames.
         *
         * @param accept the header field {@code Accept} of the client; null if it sent none
         */
        default EventFormat acceptedBy(@Nullable String accept) {
            return this;
        }

        /** Returns the frames of an event; an empty list if this format does not show the event. */
        List<Frame> frames(Event event);

        /** Returns the frames of the end: at least one, so that a client can distinguish a complete stream from one that was cut. */
        List<Frame> frames(End end);

        /**
         * Returns whether the response ends cleanly after the frames of this end; true by default. If this returns false, the server aborts
         * the connection after the frames, because some clients ignore an error event and take a clean end for success. A client that then
         * resumes after the end is answered with 204.
         */
        default boolean endsCleanly(End end) {
            return true;
        }

        /**
         * Returns the frame that tells the client that the server stops before the end of the stream. The client may connect again for the
         * rest, unless the problem says that the stream is no longer kept (410).
         */
        Frame interrupted(Problem problem);
    }

    /** Renders a stream as one document when it has ended. */
    non-sealed interface DocumentFormat extends StreamFormat {

        /** Returns the answer for a stream with this end. */
        Reply document(End end);

        /**
         * Returns the content type of all documents, if spaces before a document do not change its meaning, as in JSON; null otherwise, which
         * is the default. A server may then send the header fields and spaces before there is a document. If the document turns out to be an
         * error, its status is lost: the client gets the status 200, the content of the error, and an aborted connection.
         */
        default @Nullable String contentTypeAfterSpaces() {
            return null;
        }
    }

    /**
     * One Server-Sent Event, or one JSON line.
     *
     * @param type the type of a Server-Sent Event; null for {@code message}, and for a JSON line
     * @param data the text of a Server-Sent Event, or the JSON value of a line; see {@link Framing.JsonLines}
     */
    record Frame(@Nullable String type, String data) {}
}
