// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonToken;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import java.io.Writer;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The JSON tokens of a request, one after the other. It refuses a text that is no JSON object, and remembers the first
 * string with half a pair of surrogates. Not thread-safe.
 */
final class RequestTokens {

    /** While it is read, a request needs several times its size in memory, so large requests are read one after the other. */
    private static final ReentrantLock ONE_LARGE = new ReentrantLock();

    private static final int LARGE_CHARS = 256 << 10;

    private static final int SHOWN_CHARS = 50;

    private final String body;
    private final JsonParser json;
    private final PairCheck pairs = new PairCheck();
    private @Nullable ParamMistake unpaired;

    RequestTokens(String body) {
        this.body = body;
        this.json = Json.parser(body);
    }

    /**
     * Reads a request and returns the result. Removes a byte order mark, which a parser may ignore (RFC 8259, 8.1). Blocks while another
     * thread reads a large request, if this one is large, too.
     */
    static <T> T parse(String text, Function<String, T> reader) {
        String body = text.startsWith("\uFEFF") ? text.substring(1) : text;
        if (body.length() < LARGE_CHARS) {
            return reader.apply(body);
        }
        ONE_LARGE.lock();
        try {
            return reader.apply(body);
        } finally {
            ONE_LARGE.unlock();
        }
    }

    /** Goes to the start of the object. */
    void requireObject() throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new ProblemException(400, "invalid_json", "The content is not a JSON object.");
        }
    }

    /** Requires that nothing follows the object. */
    void requireEnd() throws IOException {
        if (json.nextToken() != null) {
            throw new ProblemException(
                    400, "invalid_json", "The content is not JSON: there is something after the object.");
        }
    }

    /** Goes to the next token, which must not be the end of the text. */
    JsonToken next() throws IOException {
        JsonToken token = json.nextToken();
        if (token == null) {
            throw new ProblemException(400, "invalid_json", "The content is not JSON: it ends too soon.");
        }
        if (token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME) {
            requirePairs();
        }
        return token;
    }

    /** Returns the current token. */
    JsonToken current() {
        return json.currentToken();
    }

    /** Returns the name of the current field. */
    String name() throws IOException {
        return json.currentName();
    }

    /** Returns the text of the current token. */
    String text() throws IOException {
        return json.getText();
    }

    /** Writes the text of the current token. */
    void copyText(Writer out) throws IOException {
        json.getText(out);
    }

    /** Moves to the end of the current value. */
    void skip() throws IOException {
        int open = json.currentToken().isStructStart() ? 1 : 0;
        while (open > 0) {
            JsonToken token = next();
            open += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        }
    }

    /** Moves to the end of the current value, and returns a short form of it for an error message. */
    String skipAndShow() throws IOException {
        return skipAndShow(SHOWN_CHARS);
    }

    /** Moves to the end of the current value, and returns its text, cut after a number of characters. */
    String skipAndShow(int maxChars) throws IOException {
        int from = (int) json.currentTokenLocation().getCharOffset();
        skip();
        json.finishToken();
        int to = (int) json.currentLocation().getCharOffset();
        String value = body.substring(from, Math.min(to, from + maxChars)).strip();
        return to - from <= maxChars ? value : value + "…";
    }

    /** Returns the first string so far that holds half a pair of surrogates; null if there is none. */
    @Nullable
    ParamMistake unpaired() {
        return unpaired;
    }

    /** UTF-8 has no form for half a pair of surrogates, so it would reach the model as a question mark. */
    private void requirePairs() throws IOException {
        if (unpaired != null) {
            return;
        }
        pairs.begin();
        json.getText(pairs);
        if (pairs.isUnpaired()) {
            unpaired = new ParamMistake(
                    param(json.getParsingContext().pathAsPointer()), "holds a surrogate without its other half.");
        }
    }

    /** {@code messages[0].content} for {@code /messages/0/content}. */
    private static String param(JsonPointer path) {
        StringBuilder name = new StringBuilder();
        for (JsonPointer at = path; !at.matches(); at = at.tail()) {
            if (at.mayMatchElement()) {
                name.append('[').append(at.getMatchingIndex()).append(']');
            } else {
                name.append(name.isEmpty() ? "" : ".").append(at.getMatchingProperty());
            }
        }
        return name.toString();
    }

    /** Looks for half a pair of surrogates in the text that is written to it. */
    private static final class PairCheck extends Writer {

        private boolean high;
        private boolean unpaired;

        void begin() {
            high = false;
            unpaired = false;
        }

        boolean isUnpaired() {
            return unpaired || high;
        }

        @Override
        public void write(char[] chars, int offset, int length) {
            for (int i = offset; i < offset + length; i++) {
                if (high || Character.isSurrogate(chars[i])) {
                    unpaired |= high != Character.isLowSurrogate(chars[i]);
                    high = Character.isHighSurrogate(chars[i]);
                }
            }
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
