package dev.handoff;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The {@code id} of an event on the wire, and so what a client sends back as {@code Last-Event-ID}:
 * {@code <streamId>:<position>}. It names the stream as well as the position, because many clients reconnect to the URL
 * that started the task instead of the one they were redirected to.
 *
 * <p>A {@link StreamFormat} may show one entry of the stream as several frames. All but the last of them then have the id
 * {@code <streamId>:<position>.<part>}, so that a client that was cut between two of them gets exactly the rest.
 *
 * @param streamId the stream, 32 lower-case hexadecimal digits
 * @param position the position of the entry
 * @param part how many frames of the entry were seen, or 0 if all of them were
 */
public record EventId(String streamId, long position, int part) {

    private static final long MAX_POSITION = 999_999_999_999_999_999L;
    private static final int MAX_PART = 9999;
    private static final Pattern FORM = Pattern.compile("([0-9a-f]{32}):(0|[1-9][0-9]{0,17})(?:\\.([1-9][0-9]{0,3}))?");

    /**
     * Checks the parts.
     *
     * @throws IllegalArgumentException if one of them cannot stand in an id
     */
    public EventId {
        TaskIds.require(streamId);
        if (position < 0 || part < 0 || position > MAX_POSITION || part > MAX_PART) {
            throw new IllegalArgumentException("position or part is out of range: " + position + "." + part);
        }
    }

    /**
     * Reads an id as {@link #toString} writes it.
     *
     * @throws IllegalArgumentException if the text is not such an id; the message names it
     */
    public static EventId parse(String text) {
        Matcher matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not an event id of this server: \"" + printable(text) + '"');
        }
        String part = matcher.group(3);
        return new EventId(
                matcher.group(1), Long.parseLong(matcher.group(2)), part == null ? 0 : Integer.parseInt(part));
    }

    /** The position after which reading goes on: this one, or the one before it if parts of it are still to be sent. */
    public long after() {
        return part == 0 ? position : position - 1;
    }

    /** The id as it stands on the wire. */
    @Override
    public String toString() {
        return part == 0 ? streamId + ':' + position : streamId + ':' + position + '.' + part;
    }

    private static String printable(String text) {
        String shown = text.length() <= 100 ? text : text.substring(0, 100) + "…";
        return shown.replaceAll("\\p{Cntrl}", "?");
    }
}
