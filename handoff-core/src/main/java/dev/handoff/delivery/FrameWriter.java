// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.format.Framing;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes the frames of a response into a buffer, which grows as needed.
 *
 * <p>Never blocks. Not thread-safe while it is written to; afterwards any number of threads may call {@link #writeTo}. May be used again
 * after {@link #clear}.
 */
public abstract sealed class FrameWriter permits SseWriter, JsonLinesWriter {

    private static final byte[] REPLACEMENT = "\uFFFD".getBytes(StandardCharsets.UTF_8);
    private static final int MAX_BYTES_PER_CHAR = 3;

    byte[] buffer;
    int size;
    private long retryMillis = -1;

    FrameWriter(int capacity) {
        this.buffer = new byte[capacity];
    }

    /** Returns an empty writer for a framing, with room for a number of bytes. */
    static FrameWriter of(Framing framing, int capacity) {
        return framing instanceof Framing.JsonLines lines
                ? new JsonLinesWriter(lines, capacity)
                : new SseWriter(capacity);
    }

    /** Returns the bytes of a heartbeat, which must not be written to. */
    static FrameWriter heartbeat(Framing framing) {
        return framing instanceof Framing.JsonLines ? JsonLinesWriter.HEARTBEAT : SseWriter.HEARTBEAT;
    }

    /**
     * Writes a frame.
     *
     * @param id the value that the client sends back as {@code Last-Event-ID}; null to keep the client's last one
     * @param type the type of the frame; null if it has none
     * @param data the content of the frame
     * @throws IllegalArgumentException if one of them is not valid in such a frame; nothing was written
     */
    abstract FrameWriter event(@Nullable String id, @Nullable String type, String data);

    /** Writes a heartbeat, which clients ignore. It may stand between any two frames. */
    abstract FrameWriter heartbeat();

    /**
     * Asks clients to wait a number of milliseconds before they reconnect. The next event carries this time, because some clients
     * fail on a frame that has only {@code retry}.
     *
     * @throws IllegalArgumentException if the number is negative
     */
    public FrameWriter retry(long millis) {
        if (millis < 0) {
            throw new IllegalArgumentException("retry is negative: " + millis);
        }
        retryMillis = millis;
        return this;
    }

    /** Returns the time of {@link #retry} that is to be written now; negative if there is none. */
    final long takeRetry() {
        long millis = retryMillis;
        retryMillis = -1;
        return millis;
    }

    /** Returns the number of bytes in the buffer. */
    public final int size() {
        return size;
    }

    /** Empties the buffer. The buffer keeps its memory, and the writer keeps a {@link #retry} that was not written yet. */
    public final void clear() {
        size = 0;
    }

    /**
     * Shortens the buffer to a number of bytes.
     *
     * @param length how many bytes stay
     * @throws IndexOutOfBoundsException if the buffer holds fewer
     */
    public final void truncate(int length) {
        Objects.checkFromToIndex(0, length, size);
        size = length;
    }

    /**
     * Writes the buffer to an output stream in one call. The buffer keeps its content.
     *
     * <p>A servlet output stream in non-blocking mode may use the array of the buffer until the stream is ready again. The caller must not
     * change this writer before that.
     *
     * @throws IOException if the stream throws it
     */
    public final void writeTo(OutputStream out) throws IOException {
        out.write(buffer, 0, size);
    }

    /**
     * Writes a slice of the buffer to an output stream, as {@link #writeTo(OutputStream)} writes the whole.
     *
     * @param offset where the slice begins, in bytes
     * @param length how many bytes it has
     * @throws IndexOutOfBoundsException if the buffer does not hold that slice
     * @throws IOException if the stream throws it
     */
    public final void writeTo(OutputStream out, int offset, int length) throws IOException {
        out.write(buffer, Objects.checkFromIndexSize(offset, length, size), length);
    }

    /** Returns the content of the buffer as text. */
    @Override
    public final String toString() {
        return new String(buffer, 0, size, StandardCharsets.UTF_8);
    }

    /** Writes the character that begins at an index, which is not ASCII, as UTF-8. Returns how many chars it took beyond the first. */
    final int writeNonAscii(String text, int index, char c) {
        ensure(text.length() - index + MAX_BYTES_PER_CHAR);
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

    final void write(byte[] bytes) {
        ensure(bytes.length);
        System.arraycopy(bytes, 0, buffer, size, bytes.length);
        size += bytes.length;
    }

    final void write(char ascii) {
        ensure(1);
        buffer[size++] = (byte) ascii;
    }

    final void ensure(int more) {
        if (buffer.length - size < more) {
            buffer = Arrays.copyOf(buffer, Math.max(Math.addExact(size, more), (int)
                    Math.min(2L * buffer.length, Integer.MAX_VALUE - 8)));
        }
    }

    static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
