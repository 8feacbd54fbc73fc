// SPDX-License-Identifier: Apache-2.0
package dev.handoff.format;

import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Defines how the frames of a {@link StreamFormat.EventFormat} are written, and the content type of the response. */
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

    /**
     * The framing of Server-Sent Events. The content type is exactly {@code text/event-stream}, because an {@code EventSource} refuses
     * others.
     */
    record ServerSentEvents() implements Framing {

        private static final ServerSentEvents INSTANCE = new ServerSentEvents();

        @Override
        public String contentType() {
            return "text/event-stream";
        }
    }

    /**
     * The framing of JSON lines: one JSON value per line, each ended by LF. A frame has no type, and its data is the value. The server
     * replaces line breaks between the tokens of a value by spaces. Data that is not exactly one JSON value is an error of the format.
     *
     * <p>The server adds the members {@code idMember} and {@code retryMember} in front of the members of the object. If one of the two
     * names is set, each value must be an object without members of these names. If both names are null, each JSON value can be a line.
     *
     * <p>A client resumes as with Server-Sent Events: it sends the id of the last line that it has read completely, as
     * {@code Last-Event-ID} or as {@code ?last_event_id=}. The line that reports an interruption has no id. A heartbeat is a space in front
     * of the next value.
     *
     * @param contentType the content type of the response
     * @param idMember the name of the member with the id after which a client resumes; null to add none. Without ids a client can read the
     *     stream only from its beginning
     * @param retryMember the name of the member with the milliseconds that the client is asked to wait before it connects again; null to
     *     add none. The server adds it only to the first line of a response, and only if such a time is set or the server interrupts the
     *     response
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
         * @throws IllegalArgumentException if the content type is not valid in a header field, or both members have the same name
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
