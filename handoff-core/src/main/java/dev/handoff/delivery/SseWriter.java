package dev.handoff.delivery;

import dev.handoff.check.Lines;
import dev.handoff.stream.Event;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes Server-Sent Events into a buffer, as the WHATWG HTML Standard frames them (section 9.2.5), and as the stricter of
 * the real clients demand: LF only, no byte order mark, no frame without data, {@code id} and {@code retry} only in a frame
 * with data, and a comment that is not followed by an empty line.
 *
 * <p>What would forge a frame is refused. Never blocks. Not thread-safe while it is written to; afterwards any number of
 * threads may call {@link #writeTo}. May be used again after {@link #clear}.
 */
public final class SseWriter {

    private static final byte[] EVENT = ascii("event: ");
    private static final byte[] ID = ascii("id: ");
    private static final byte[] RETRY = ascii("retry: ");
    private static final byte[] DATA = ascii("data: ");
    private static final byte[] REPLACEMENT = "\uFFFD".getBytes(StandardCharsets.UTF_8);
    private static final int MAX_BYTES_PER_CHAR = 3;

    private byte[] buffer;
    private int size;
    private long retryMillis = -1;

    /** An empty buffer. It grows with what is written. */
    public SseWriter() {
        this(512);
    }

    /** An empty buffer with room for so many bytes. */
    public SseWriter(int capacity) {
        this.buffer = new byte[capacity];
    }

    /**
     * Writes an event.
     *
     * @param id what a client shall send back as {@code Last-Event-ID}; null leaves the client's last one as it is
     * @param type the event type; null for {@code message}
     * @param data the text. CR, LF and CRLF each end a line, so a client reads each of them as LF. A lone surrogate becomes
     *     U+FFFD
     * @throws IllegalArgumentException if id or type holds CR, LF or NUL, or is empty; nothing was written
     */
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
        if (retryMillis >= 0) {
            write(RETRY);
            writeText(Long.toString(retryMillis));
            write('\n');
            retryMillis = -1;
        }
        write(DATA);
        writeText(data);
        write('\n');
        write('\n');
        return this;
    }

    /**
     * Asks clients to wait so many milliseconds before they reconnect. Goes out with the next event, since a frame of its
     * own kills some clients.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public SseWriter retry(long millis) {
        if (millis < 0) {
            throw new IllegalArgumentException("retry is negative: " + millis);
        }
        retryMillis = millis;
        return this;
    }

    /**
     * Writes a comment, which clients ignore. It ends in a single LF: the empty line after it would be an event to some.
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

    /** How many bytes are in the buffer. */
    public int size() {
        return size;
    }

    /** Empties the buffer, and keeps its memory, and a {@link #retry} that has not gone out yet. */
    public void clear() {
        size = 0;
    }

    /**
     * Removes what was written after the buffer had so many bytes.
     *
     * @param length how many bytes stay
     * @throws IndexOutOfBoundsException if the buffer holds fewer
     */
    public void truncate(int length) {
        Objects.checkFromToIndex(0, length, size);
        size = length;
    }

    /**
     * Writes the buffer to a stream in one call, and leaves it as it is.
     *
     * <p>A servlet output stream that is written without blocking may go on using the array until it is ready again, so this
     * writer must not be touched before.
     *
     * @throws IOException if the stream throws it
     */
    public void writeTo(OutputStream out) throws IOException {
        out.write(buffer, 0, size);
    }

    /**
     * Writes a slice of the buffer to a stream in one call. Otherwise as {@link #writeTo(OutputStream)}.
     *
     * @param offset where the slice begins, in bytes
     * @param length how many bytes it has
     * @throws IndexOutOfBoundsException if the buffer does not hold that slice
     * @throws IOException if the stream throws it
     */
    public void writeTo(OutputStream out, int offset, int length) throws IOException {
        out.write(buffer, Objects.checkFromIndexSize(offset, length, size), length);
    }

    /** What is in the buffer. */
    @Override
    public String toString() {
        return new String(buffer, 0, size, StandardCharsets.UTF_8);
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
                ensure(length - i + MAX_BYTES_PER_CHAR);
                i += writeNonAscii(text, i, c);
            }
        }
    }

    /** Returns how many chars it took beyond the first. */
    private int writeNonAscii(String text, int index, char c) {
        if (c < 0x800) {
            buffer[size++] = (byte) (0xC0 | (c >> 6));
            buffer[size++] = (byte) (0x80 | (c & 0x3F));
            return 0;
        }
        if (!Character.isSurrogate(c)) {
            buffer[size++] = (byte) (0xE0 | (c >> 12));
            buffer[size++] = (byte) (0x80 | ((c >> 6) & 0x3F));
            buffer[size++] = (byte) (0x80 | (c & 0x3F));
            return 0;
        }
        int codePoint = text.codePointAt(index);
        if (!Character.isSupplementaryCodePoint(codePoint)) {
            write(REPLACEMENT);
            return 0;
        }
        buffer[size++] = (byte) (0xF0 | (codePoint >> 18));
        buffer[size++] = (byte) (0x80 | ((codePoint >> 12) & 0x3F));
        buffer[size++] = (byte) (0x80 | ((codePoint >> 6) & 0x3F));
        buffer[size++] = (byte) (0x80 | (codePoint & 0x3F));
        return 1;
    }

    private void write(byte[] bytes) {
        ensure(bytes.length);
        System.arraycopy(bytes, 0, buffer, size, bytes.length);
        size += bytes.length;
    }

    private void write(char ascii) {
        ensure(1);
        buffer[size++] = (byte) ascii;
    }

    private void ensure(int more) {
        if (buffer.length - size < more) {
            buffer = Arrays.copyOf(buffer, Math.max(Math.addExact(size, more), (int)
                    Math.min(2L * buffer.length, Integer.MAX_VALUE - 8)));
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
