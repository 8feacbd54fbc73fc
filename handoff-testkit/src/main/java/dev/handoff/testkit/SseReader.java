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
 * Reads Server-Sent Events by the letter of the HTML Standard (section 9.2.6), as the measure for what a server writes. Not
 * thread-safe.
 */
public final class SseReader {

    /**
     * An event as it is dispatched.
     *
     * @param lastEventId the last event id the stream has set so far; empty if none
     * @param type the type, {@code message} if the stream did not say
     * @param data the data, its lines joined by LF
     */
    public record Received(String lastEventId, String type, String data) {}

    private final BufferedReader in;
    private String lastEventId = "";
    private @Nullable String retry;
    private int comments;
    private boolean afterCarriageReturn;

    /** For a stream from its first byte on. */
    public SseReader(InputStream in) {
        this.in = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
    }

    /**
     * The next event; blocks until it is there.
     *
     * @return empty if the stream has ended cleanly; an event that was not finished by then is discarded
     * @throws UncheckedIOException if the stream was cut
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

    /** All events up to the clean end of the stream. */
    public List<Received> toEnd() {
        List<Received> all = new ArrayList<>();
        for (Optional<Received> event = next(); event.isPresent(); event = next()) {
            all.add(event.get());
        }
        return all;
    }

    /** How many comments were read so far. */
    public int comments() {
        return comments;
    }

    /** The last {@code retry} that was read; null if none. */
    public @Nullable String retry() {
        return retry;
    }

    /** A line without its end, which is LF, CR or CRLF; null at the end of the stream, where a line without end is lost. */
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
