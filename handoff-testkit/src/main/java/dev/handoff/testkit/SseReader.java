// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads Server-Sent Events as the HTML Standard (section 9.2.6) defines, so that tests can check the output of a server. Unlike the
 * standard, it keeps a byte order mark, so that tests notice it. Not thread-safe.
 */
public final class SseReader {

    /**
     * An event as a client dispatches it.
     *
     * @param lastEventId the last event id that the stream has set so far; empty if it has set none
     * @param type the type; {@code message} if the event had none
     * @param data the data, its lines joined by LF
     */
    public record Received(String lastEventId, String type, String data) {}

    private final BufferedReader in;
    private String lastEventId = "";
    private @Nullable String retry;
    private int comments;
    private boolean afterCarriageReturn;

    /**
     * Creates a reader that begins with the first byte of a stream.
     *
     * @param in the stream; the reader does not close it
     */
    public SseReader(InputStream in) {
        this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    /**
     * Returns the next event. Blocks until it arrives.
     *
     * @return the event; empty if the stream has ended cleanly. The reader discards an incomplete event at the end
     * @throws UncheckedIOException if reading fails, for example because the server aborted the connection
     */
    public Optional<Received> next() {
        String type = "";
        StringBuilder data = new StringBuilder();
        try {
            for (String line = line(); line != null; line = line()) {
                if (line.isEmpty()) {
                    if (!data.isEmpty()) {
                        data.setLength(data.length() - 1);
                        return Optional.of(
                                new Received(lastEventId, type.isEmpty() ? "message" : type, data.toString()));
                    }
                    type = "";
                    continue;
                }
                int colon = line.indexOf(':');
                String name = colon < 0 ? line : line.substring(0, colon);
                String value = colon < 0 ? "" : line.substring(colon + 1);
                value = value.startsWith(" ") ? value.substring(1) : value;
                switch (name) {
                    case "" -> comments++;
                    case "event" -> type = value;
                    case "data" -> data.append(value).append('\n');
                    case "id" -> lastEventId = value.indexOf('\0') < 0 ? value : lastEventId;
                    case "retry" -> retry = value.matches("[0-9]+") ? value : retry;
                    default -> {
                        // Other fields are ignored.
                    }
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Returns all events up to the clean end of the stream. Blocks until then.
     *
     * @throws UncheckedIOException if reading fails
     */
    public List<Received> toEnd() {
        List<Received> all = new ArrayList<>();
        for (Optional<Received> event = next(); event.isPresent(); event = next()) {
            all.add(event.get());
        }
        return all;
    }

    /** Returns how many comments the reader has read so far. */
    public int comments() {
        return comments;
    }

    /** Returns the last {@code retry} value that the reader has read, in milliseconds; null if there was none. */
    public @Nullable String retry() {
        return retry;
    }

    /**
     * Returns a line without its end, which is LF, CR or CRLF. Returns null at the end of the stream, and discards an incomplete last line.
     */
    private @Nullable String line() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c >= 0; c = in.read()) {
            boolean secondHalf = c == '\n' && afterCarriageReturn;
            afterCarriageReturn = c == '\r';
            if (secondHalf) {
                continue;
            }
            if (c == '\n' || c == '\r') {
                return line.toString();
            }
            line.append((char) c);
        }
        return null;
    }
}
