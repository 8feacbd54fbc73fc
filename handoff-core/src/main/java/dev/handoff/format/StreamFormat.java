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
 * How a stream looks on the wire: event by event ({@link EventFormat}), as Server-Sent Events or as JSON lines, or as one document at
 * its end ({@link DocumentFormat}). A format is named in the grant, and does not depend on which reader it is for.
 *
 * <p>Implementations are thread-safe and never block.
 */
public sealed interface StreamFormat {

    /** The name by which a task and a grant ask for it. */
    String name();

    /** How an error that is known before the first byte is answered; problem details (RFC 9457) by default. */
    default Reply error(Problem problem) {
        return problem.toReply();
    }

    /**
     * Returns header fields that answers in this format have besides their own, such as a request id. None by default.
     *
     * @param streamId the stream that is delivered
     */
    default Map<String, String> headers(String streamId) {
        return Map.of();
    }

    /**
     * Events under their own types and with their data as it is, then one event that says how the stream ended:
     * {@code completed} with the result, if there is one; {@code cancelled} without data; {@code failed} with problem
     * details. A stream that is cut by the server has {@code interrupted} last, with problem details. None of these names is
     * {@code error} or {@code open}, which a browser's {@code EventSource} uses for events of its own.
     *
     * <p>A client that sends {@code Accept: application/x-ndjson} receives the same stream as {@link #jsonLines}.
     */
    static EventFormat standard() {
        return StandardFormat.INSTANCE;
    }

    /**
     * What {@link #standard} shows, as JSON lines: {@code {"id":"…","type":"token","data":"Hel"}}. The member {@code type} has the type
     * of the event, and is missing if the event has none. The member {@code data} is a string with the data as it is. The last line has
     * the type {@code completed}, with the result in {@code data} if there is one; {@code cancelled}; or {@code failed}, with problem
     * details as an object in {@code problem}. A stream that is cut by the server has a line of the type {@code interrupted} last, also
     * with {@code problem}.
     */
    static EventFormat jsonLines() {
        return JsonLinesFormat.INSTANCE;
    }

    /**
     * The result alone, as JSON, when the stream has ended; {@code null} if there is none. A stream that failed is answered
     * with its problem, one that was cancelled with 409.
     */
    static DocumentFormat result() {
        return ResultFormat.INSTANCE;
    }

    /** A stream shown event by event, as frames. */
    non-sealed interface EventFormat extends StreamFormat {

        /** Returns how frames are written, and the content type of the response. Server-Sent Events by default. */
        default Framing framing() {
            return Framing.serverSentEvents();
        }

        /**
         * Returns the format in which a client reads a stream of this format, if that depends on what the client accepts. Returns this
         * format by default.
         *
         * <p>A client may resume in one format what it has read in the other, so both show each entry with the same number of frames.
         *
         * @param accept the header field {@code Accept} of the client; null if it sent none
         */
        default EventFormat acceptedBy(@Nullable String accept) {
            return this;
        }

        /** The frames of an event; none if this format does not show it. */
        List<Frame> frames(Event event);

        /** The frames of the end; at least one, so that a client can tell a whole stream from a cut one. */
        List<Frame> frames(End end);

        /**
         * Returns whether the response ends cleanly after the frames of this end; it does by default. If not, the connection
         * is aborted after them, for clients that ignore an error event and take a clean end for success. A client that
         * reconnects after that is answered with 204.
         */
        default boolean endsCleanly(End end) {
            return true;
        }

        /** The frame that says that the server stops in mid-stream, and the client may come back for the rest. */
        Frame interrupted(Problem problem);
    }

    /** A stream shown as one document, once it has ended. */
    non-sealed interface DocumentFormat extends StreamFormat {

        /** The answer for this end. */
        Reply document(End end);
    }

    /**
     * One Server-Sent Event, or one JSON line.
     *
     * @param type the type of a Server-Sent Event; null for {@code message}, and for a JSON line
     * @param data the text of a Server-Sent Event, or the JSON value of a line; see {@link Framing.JsonLines}
     */
    record Frame(@Nullable String type, String data) {}
}
