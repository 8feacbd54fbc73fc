// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.check.Lines;
import dev.handoff.stream.Event;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes Server-Sent Events into a buffer, in the format of the WHATWG HTML Standard (section 9.2.5). Some clients accept less than the
 * standard allows. So lines end with LF only, there is no byte order mark, each frame has data, {@code id} and {@code retry} appear only in
 * a frame with data, and no empty line follows a comment.
 *
 * <p>This refuses values that would forge a frame. Never blocks. Not thread-safe while it is written to; afterwards any number of threads
 * may call {@link #writeTo}. May be used again after {@link #clear}.
 */
public final class SseWriter extends FrameWriter {

    private static final byte[] EVENT = ascii("event: ");
    private static final byte[] ID = ascii("id: ");
    private static final byte[] RETRY = ascii("retry: ");
    private static final byte[] DATA = ascii("data: ");

    static final FrameWriter HEARTBEAT = new SseWriter(2).heartbeat();

    /** Creates an empty buffer, which grows as needed. */
    public SseWriter() {
        this(512);
    }

    /** Creates an empty buffer with room for a number of bytes, which grows as needed. */
    public SseWriter(int capacity) {
        super(capacity);
    }

    /**
     * Writes an event.
     *
     * @param id the value that the client sends back as {@code Last-Event-ID}; null to keep the client's last one
     * @param type the event type; null for {@code message}
     * @param data the text. CR, LF and CRLF each end a line, so a client reads each of them as LF. A lone surrogate becomes
     *     U+FFFD
     * @throws IllegalArgumentException if id or type holds CR, LF or NUL, or is empty; nothing was written
     */
    @Override
    public SseWriter event(@Nullable String id, @Nullable String type, String data) {
        if (id != null) {
            Lines.requireOne("event id", id);
            if (id.isEmpty()) {
                throw new IllegalArgumentException("event id is empty, which would reset the client's last event id");
            }
        }
        if (type != null) {
            Event.requireType(type);
        }
        Objects.requireNonNull(data, "data");
        if (type != null) {
            write(EVENT);
            writeText(type);
            write('\n');
        }
        if (id != null) {
            write(ID);
            writeText(id);
            write('\n');
        }
        long retryMillis = takeRetry();
        if (retryMillis >= 0) {
            write(RETRY);
            writeText(Long.toString(retryMillis));
            write('\n');
        }
        write(DATA);
        writeText(data);
        write('\n');
        write('\n');
        return this;
    }

    @Override
    public SseWriter retry(long millis) {
        super.retry(millis);
        return this;
    }

    /**
     * Writes a comment, which clients ignore. The comment ends with a single LF, because some clients take an empty line after it for an
     * event.
     *
     * @param text the comment, may be empty
     * @throws IllegalArgumentException if it holds CR, LF or NUL; nothing was written
     */
    public SseWriter comment(String text) {
        Lines.requireOne("comment", text);
        write(':');
        if (!text.isEmpty()) {
            write(' ');
            writeText(text);
        }
        write('\n');
        return this;
    }

    @Override
    SseWriter heartbeat() {
        return comment("");
    }

    /** Writes text as UTF-8, and begins a new {@code data} line at each line break in it. */
    private void writeText(String text) {
        int length = text.length();
        ensure(length);
        for (int i = 0; i < length; i++) {
            char c = text.charAt(i);
            if (c == '\n' || c == '\r') {
                if (c == '\r' && i + 1 < length && text.charAt(i + 1) == '\n') {
                    i++;
                }
                write('\n');
                write(DATA);
                ensure(length - i);
            } else if (c < 0x80) {
                buffer[size++] = (byte) c;
            } else {
                i += writeNonAscii(text, i, c);
            }
        }
    }
}
