// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Reads Server-Sent Events (HTML Standard, 9.2.6) and limits their size. Not thread-safe. */
final class UpstreamEvents {

    /** The most characters of an event and of a line, which is also the most that a store in MongoDB accepts. */
    static final int MAX_CHARS = 4 << 20;

    private static final char BYTE_ORDER_MARK = '\uFEFF';

    private final Reader reader;
    private final char[] buffer = new char[8192];
    private final StringBuilder line = new StringBuilder();
    private int next;
    private int end;
    private boolean begun;
    private boolean afterCarriageReturn;

    UpstreamEvents(InputStream in) {
        this.reader = new InputStreamReader(in, StandardCharsets.UTF_8);
    }

    /**
     * Returns the data of the next event that has data; null at the end. Blocks until it arrives. A last event without an empty line after
     * it is ignored.
     *
     * @throws UpstreamFailure if a line or an event is too long
     */
    @Nullable
    String nextData() throws IOException, UpstreamFailure {
        StringBuilder data = new StringBuilder();
        while (readLine()) {
            if (line.isEmpty()) {
                if (!data.isEmpty()) {
                    return data.toString();
                }
            } else if (line.length() >= 5 && line.substring(0, 5).equals("data:")) {
                int from = line.length() > 5 && line.charAt(5) == ' ' ? 6 : 5;
                if (data.length() + line.length() > MAX_CHARS) {
                    throw tooLong();
                }
                data.append(data.isEmpty() ? "" : "\n").append(line, from, line.length());
            }
        }
        return null;
    }

    /** Reads a line that ends with LF, CR or CR LF. Returns false if the stream ends before that. */
    private boolean readLine() throws IOException, UpstreamFailure {
        line.setLength(0);
        while (true) {
            if (next == end) {
                end = reader.read(buffer);
                next = 0;
                if (end < 0) {
                    end = 0;
                    return false;
                }
                if (!begun && end > 0) {
                    begun = true;
                    next = buffer[0] == BYTE_ORDER_MARK ? 1 : 0;
                }
            }
            int from = next;
            while (next < end && buffer[next] != '\n' && buffer[next] != '\r') {
                next++;
            }
            if (next > from) {
                afterCarriageReturn = false;
                if (line.length() + next - from > MAX_CHARS) {
                    throw tooLong();
                }
                line.append(buffer, from, next - from);
            }
            if (next < end) {
                char ending = buffer[next++];
                boolean secondHalf = ending == '\n' && afterCarriageReturn;
                afterCarriageReturn = ending == '\r';
                if (!secondHalf) {
                    return true;
                }
            }
        }
    }

    private static UpstreamFailure tooLong() {
        return UpstreamFailure.lasting(
                new Problem(
                        502,
                        "upstream_broken",
                        "The upstream sent an event of more than " + MAX_CHARS + " characters."),
                null);
    }
}
