// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import dev.handoff.format.Framing;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON lines. A line holds exactly one JSON value, so neither a line break nor a second value in the data of a frame can forge
 * another line. See {@link Framing.JsonLines} for the members that it adds.
 */
final class JsonLinesWriter extends FrameWriter {

    private static final JsonFactory JSON = JsonFactory.builder()
            // The store bounds the length of an event.
            .streamReadConstraints(StreamReadConstraints.builder()
                    .maxStringLength(Integer.MAX_VALUE)
                    .maxNameLength(Integer.MAX_VALUE)
                    .maxNumberLength(Integer.MAX_VALUE)
                    .build())
            .build();

    static final FrameWriter HEARTBEAT = new JsonLinesWriter(Framing.jsonLines(), 1).heartbeat();

    private final Framing.JsonLines framing;

    JsonLinesWriter(Framing.JsonLines framing, int capacity) {
        super(capacity);
        this.framing = framing;
    }

    @Override
    FrameWriter event(@Nullable String id, @Nullable String type, String data) {
        Objects.requireNonNull(data, "data");
        if (type != null) {
            throw new IllegalArgumentException("a JSON line has no type beside its value: \"" + type + '"');
        }
        requireOneValue(data);
        long retryMillis = takeRetry();
        String idMember = id == null ? null : framing.idMember();
        String retryMember = retryMillis < 0 ? null : framing.retryMember();
        int from = 0;
        if (idMember != null || retryMember != null) {
            from = data.indexOf('{') + 1;
            write('{');
            if (id != null && idMember != null) {
                writeName(idMember);
                writeString(id);
            }
            if (retryMember != null) {
                if (idMember != null) {
                    write(',');
                }
                writeName(retryMember);
                writeText(Long.toString(retryMillis), 0);
            }
            if (hasMembers(data, from)) {
                write(',');
            }
        }
        writeText(data, from);
        write('\n');
        return this;
    }

    /** Writes a space, which may stand in front of a JSON value. An empty line would be a line without a value. */
    @Override
    FrameWriter heartbeat() {
        write(' ');
        return this;
    }

    /**
     * Checks that a text is one JSON value, and an object if members can be added to it. The check does not depend on whether one is added
     * now, so it does not matter where a client begins to read.
     */
    private void requireOneValue(String data) {
        try (JsonParser parser = JSON.createParser(data)) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                throw new IllegalArgumentException("a JSON line has no value");
            }
            if (first != JsonToken.START_OBJECT && (framing.idMember() != null || framing.retryMember() != null)) {
                throw new IllegalArgumentException("a JSON line is not an object, so it cannot have an id: " + first);
            }
            parser.skipChildren();
            if (parser.nextToken() != null) {
                throw new IllegalArgumentException("a JSON line has more than one value");
            }
        } catch (IOException e) {
            // Omits the cause, because its message quotes the data.
            throw new IllegalArgumentException("a JSON line is not valid JSON");
        }
    }

    /** Returns whether an object has members, given the index after its opening brace. */
    private static boolean hasMembers(String data, int from) {
        int index = from;
        while (data.charAt(index) <= ' ') {
            index++;
        }
        return data.charAt(index) != '}';
    }

    private void writeName(String name) {
        writeString(name);
        write(':');
    }

    private void writeString(String text) {
        write('"');
        writeText(new String(JsonStringEncoder.getInstance().quoteAsString(text)), 0);
        write('"');
    }

    /** Writes text as UTF-8 from an index on, with a space in place of each line break. Valid JSON has line breaks only between tokens. */
    private void writeText(String text, int from) {
        int length = text.length();
        ensure(length - from);
        for (int i = from; i < length; i++) {
            char c = text.charAt(i);
            if (c == '\n' || c == '\r') {
                buffer[size++] = ' ';
            } else if (c < 0x80) {
                buffer[size++] = (byte) c;
            } else {
                i += writeNonAscii(text, i, c);
            }
        }
    }
}
