// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How the frames of a {@link StreamFormat.EventFormat} are written, and the content type of a response that consists of them. */
public sealed interface Framing {

    /** Returns the value of the header field {@code Content-Type}. */
    String contentType();

    /** Returns the framing of Server-Sent Events (HTML Standard, 9.2). */
    static ServerSentEvents serverSentEvents() {
        return ServerSentEvents.INSTANCE;
    }

    /** Returns the framing of JSON lines as {@code application/x-ndjson}, with the members {@code id} and {@code retry}. */
    static JsonLines jsonLines() {
        return JsonLines.STANDARD;
    }

    /** Server-Sent Events. The content type is exactly {@code text/event-stream}, because an {@code EventSource} refuses others. */
    record ServerSentEvents() implements Framing {

        private static final ServerSentEvents INSTANCE = new ServerSentEvents();

        @Override
        public String contentType() {
            return "text/event-stream";
        }
    }

    /**
     * JSON lines: one JSON value per line, each ended by LF. A frame has no type, and its data is the value. The server writes line breaks
     * between the tokens of a value as spaces, and refuses data that is not exactly one JSON value.
     *
     * <p>The server adds up to two members in front of those of the object. So the value has to be an object that has no members of these
     * names. If neither is added, any value can be a line.
     *
     * <p>A client resumes as with Server-Sent Events: it sends the id of the last line that it has read to the end as
     * {@code Last-Event-ID}, or as {@code ?last_event_id=}. The last line of a response that the server cuts has no id. A heartbeat is a
     * space in front of the next value.
     *
     * @param contentType the content type of the response
     * @param idMember the name of the member with the id after which a client resumes; null to add none, and then a client can only read
     *     the stream from its beginning
     * @param retryMember the name of the member that says how many milliseconds the client is asked to wait before it connects again, if
     *     the server has that to say; null to add none
     */
    record JsonLines(
            String contentType,
            @Nullable String idMember,
            @Nullable String retryMember) implements Framing {

        private static final Pattern CONTENT_TYPE = Pattern.compile("[\\x21-\\x7E]+/[\\x20-\\x7E]+");
        private static final JsonLines STANDARD = new JsonLines("application/x-ndjson", "id", "retry");

        /**
         * Checks the parts.
         *
         * @throws IllegalArgumentException if the content type cannot be sent, or both members have the same name
         */
        public JsonLines {
            if (!CONTENT_TYPE.matcher(contentType).matches()) {
                throw new IllegalArgumentException(
                        "not a content type: \"" + contentType.replaceAll("\\p{Cntrl}", "?") + '"');
            }
            if (idMember != null && Objects.equals(idMember, retryMember)) {
                throw new IllegalArgumentException("idMember and retryMember have the same name: " + idMember);
            }
        }
    }
}
