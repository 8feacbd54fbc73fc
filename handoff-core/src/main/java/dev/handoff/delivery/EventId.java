// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.store.StreamId;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Holds the {@code id} of an event as the client receives it and sends it back as {@code Last-Event-ID}:
 * {@code <streamId>:<position>:<proof>}. The id names the stream as well as the position, because many clients reconnect to the URL that
 * started the task and not to the URL of the stream.
 *
 * <p>A {@link StreamFormat} may show one entry of the stream as several frames. All but the last of them then have the id
 * {@code <streamId>:<position>.<part>:<proof>}. A client whose connection broke between two of these frames can resume with the next one.
 *
 * <p>The proof shows that the client has read an event of the stream. Without the proof the id gives no access, because the id of the
 * stream is the id of the task, which appears in logs and answers.
 *
 * @param streamId the stream, 32 lower-case hexadecimal digits
 * @param position the position of the entry
 * @param part how many frames of the entry the client has received; 0 if it has received all
 * @param proof the proof that the streaming server added, 16 characters of URL-safe Base64; null if the id has none
 */
public record EventId(
        String streamId, long position, int part, @Nullable String proof) {

    private static final long MAX_POSITION = 999_999_999_999_999_999L;
    private static final int MAX_PART = 9999;
    private static final Pattern PROOF = Pattern.compile("[A-Za-z0-9_-]{16}");
    private static final Pattern FORM = Pattern.compile(
            "([0-9a-f]{32}):(0|[1-9][0-9]{0,17})(?:\\.([1-9][0-9]{0,3}))?(?::(" + PROOF.pattern() + "))?");

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if the stream id or the proof is malformed, or the position or the part is out of range
     */
    public EventId {
        StreamId.require(streamId);
        if (position < 0 || part < 0 || position > MAX_POSITION || part > MAX_PART) {
            throw new IllegalArgumentException("position or part is out of range: " + position + "." + part);
        }
        if (proof != null && !PROOF.matcher(proof).matches()) {
            throw new IllegalArgumentException("proof is not 16 characters of URL-safe Base64");
        }
    }

    /** Creates an id without a proof. */
    public EventId(String streamId, long position, int part) {
        this(streamId, position, part, null);
    }

    /**
     * Parses an id, in the form that clients receive or in the form that {@link #toString} writes.
     *
     * @throws IllegalArgumentException if the text is not such an id; the message contains the text
     */
    public static EventId parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not an event id of this server: \"" + printable(text) + '"');
        }
        String part = matcher.group(3);
        return new EventId(
                matcher.group(1),
                Long.parseLong(matcher.group(2)),
                part == null ? 0 : Integer.parseInt(part),
                matcher.group(4));
    }

    /**
     * Returns the id that a client has sent as {@code Last-Event-ID}.
     *
     * @throws ProblemException with status 400 if it is not an event id of this server; the message contains it
     */
    public static EventId ofRequest(String field) {
        try {
            return parse(field.strip());
        } catch (IllegalArgumentException e) {
            throw ProblemCode.INVALID_LAST_EVENT_ID.exception("Last-Event-ID is " + e.getMessage(), e);
        }
    }

    /**
     * Returns the position after which the client reads on. This is the position of the entry, or the one before it if the client has not
     * received all frames of the entry.
     */
    public long after() {
        return part == 0 ? position : position - 1;
    }

    /** Returns {@code <streamId>:<position>} or {@code <streamId>:<position>.<part>}, without the proof, so it can be logged. */
    @Override
    public String toString() {
        return part == 0 ? streamId + ':' + position : streamId + ':' + position + '.' + part;
    }

    private static String printable(String text) {
        String shown = text.length() <= 100 ? text : text.substring(0, 100) + "…";
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
