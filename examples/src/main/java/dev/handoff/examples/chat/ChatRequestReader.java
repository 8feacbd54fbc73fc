package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@link ChatRequest} token by token. A tree of all messages would take many times the memory of a body with a
 * million of them.
 *
 * <p>Of a field that comes twice the last value counts. It reports the first of several mistakes in this order: JSON,
 * unpaired surrogates, then {@link Param}. Not thread-safe.
 */
final class ChatRequestReader {

    private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant", "tool", "function");
    private static final int SHOWN_CHARS = 50;

    /** The parameters that can be wrong, in the order in which mistakes are reported. */
    private enum Param {
        MODEL,
        N,
        STREAM,
        STREAM_OPTIONS,
        INCLUDE_USAGE,
        METADATA,
        MESSAGES
    }

    /**
     * A mistake in one parameter.
     *
     * @param param its name
     * @param wrong the rest of the sentence
     */
    private record Mistake(String param, String wrong) {}

    private final String body;
    private final JsonParser json;
    private final Map<Param, Mistake> mistakes = new TreeMap<>();
    private final PairCheck pairs = new PairCheck();
    private @Nullable Mistake unpaired;

    private String model = "";
    private boolean stream;
    private boolean includeUsage;
    private final Map<String, String> echoSettings = new HashMap<>();

    private @Nullable ChatMessage prompt;
    private int words;

    // Of the message at hand.
    private int index;
    private @Nullable Mistake contentMistake;
    private final StringWriter text = new StringWriter();
    private int firstOtherPart;

    ChatRequestReader(String body) {
        this.body = body;
        this.json = Json.parser(body);
    }

    /**
     * Reads all of it.
     *
     * @throws ProblemException with status 400 if it is no request
     */
    ChatRequest read() {
        try {
            readObject();
        } catch (JsonProcessingException e) {
            throw new ProblemException(
                    new Problem(400, "invalid_json", "The content is not JSON: " + e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new UncheckedIOException("a string was read", e);
        }
        Mistake worst = unpaired != null
                ? unpaired
                : mistakes.values().stream().findFirst().orElse(null);
        if (worst != null) {
            throw OpenAiErrors.invalid(worst.param(), worst.wrong());
        }
        return new ChatRequest(body, model, prompt, words, stream, stream && includeUsage, Map.copyOf(echoSettings));
    }

    private void readObject() throws IOException {
        mistake(Param.MODEL, "model", "is not the name of a model.");
        mistake(Param.MESSAGES, "messages", "is not an array of at least one message.");
        if (json.nextToken() != JsonToken.START_OBJECT) {
            throw new ProblemException(400, "invalid_json", "The content is not a JSON object.");
        }
        while (next() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            next();
            switch (name) {
                case "model" -> readModel();
                case "n" -> readN();
                case "stream" -> stream = readFlag(Param.STREAM, "stream");
                case "stream_options" -> readStreamOptions();
                case "metadata" -> readMetadata();
                case "messages" -> readMessages();
                default -> skip();
            }
        }
        if (json.nextToken() != null) {
            throw new ProblemException(
                    400, "invalid_json", "The content is not JSON: there is something after the object.");
        }
    }

    private void readModel() throws IOException {
        mistakes.remove(Param.MODEL);
        boolean named =
                json.currentToken() == JsonToken.VALUE_STRING && !json.getText().isBlank();
        if (named) {
            model = json.getText();
        } else {
            mistake(Param.MODEL, "model", "is not the name of a model.");
        }
        skip();
    }

    private void readN() throws IOException {
        mistakes.remove(Param.N);
        boolean fine = json.currentToken() == JsonToken.VALUE_NULL
                || (json.currentToken() == JsonToken.VALUE_NUMBER_INT
                        && json.getText().equals("1"));
        String shown = skipAndShow();
        if (!fine) {
            mistake(Param.N, "n", "is " + shown + "; only one answer per request can be given.");
        }
    }

    private boolean readFlag(Param param, String name) throws IOException {
        mistakes.remove(param);
        JsonToken value = json.currentToken();
        String shown = skipAndShow();
        if (value != JsonToken.VALUE_NULL && !value.isBoolean()) {
            mistake(param, name, "is " + shown + ", neither true nor false.");
        }
        return value == JsonToken.VALUE_TRUE;
    }

    private void readStreamOptions() throws IOException {
        mistakes.remove(Param.STREAM_OPTIONS);
        mistakes.remove(Param.INCLUDE_USAGE);
        includeUsage = false;
        if (json.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        if (json.currentToken() != JsonToken.START_OBJECT) {
            mistake(Param.STREAM_OPTIONS, "stream_options", "is not an object.");
            skip();
            return;
        }
        while (next() == JsonToken.FIELD_NAME) {
            boolean usage = json.currentName().equals("include_usage");
            next();
            if (usage) {
                includeUsage = readFlag(Param.INCLUDE_USAGE, "stream_options.include_usage");
            } else {
                skip();
            }
        }
    }

    private void readMetadata() throws IOException {
        mistakes.remove(Param.METADATA);
        echoSettings.clear();
        if (json.currentToken() == JsonToken.VALUE_NULL) {
            return;
        }
        if (json.currentToken() != JsonToken.START_OBJECT) {
            mistake(Param.METADATA, "metadata", "is not an object.");
            skip();
            return;
        }
        while (next() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            boolean absent = next() == JsonToken.VALUE_NULL;
            String shown = skipAndShow();
            if (absent) {
                echoSettings.remove(name);
            } else if (EchoSettings.NAMES.contains(name)) {
                echoSettings.put(name, shown);
            }
        }
    }

    private void readMessages() throws IOException {
        mistakes.remove(Param.MESSAGES);
        prompt = null;
        words = 0;
        index = 0;
        if (json.currentToken() == JsonToken.START_ARRAY) {
            for (; next() != JsonToken.END_ARRAY; index++) {
                readMessage();
            }
        } else {
            skip();
        }
        if (index == 0) {
            mistake(Param.MESSAGES, "messages", "is not an array of at least one message.");
        }
    }

    private void readMessage() throws IOException {
        if (json.currentToken() != JsonToken.START_OBJECT) {
            mistake(Param.MESSAGES, "messages[" + index + ']', "is not an object.");
            skip();
            return;
        }
        String role = "";
        forgetContent();
        boolean empty = true;
        boolean readable = false;
        while (next() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            JsonToken value = next();
            if (name.equals("content")) {
                empty = value == JsonToken.VALUE_NULL;
                readable = readContent();
            } else {
                role = name.equals("role") ? roleAtHand() : role;
                skip();
            }
        }
        // An answer that only called tools has no content when it is sent back as a part of the conversation.
        boolean onlyCalledTools = empty && role.equals("assistant");
        if (!ROLES.contains(role)) {
            mistake(
                    Param.MESSAGES,
                    "messages[" + index + "].role",
                    "is none of " + String.join(", ", new TreeSet<>(ROLES)) + '.');
        } else if (contentMistake != null) {
            mistakes.putIfAbsent(Param.MESSAGES, contentMistake);
        } else if (!readable && !onlyCalledTools) {
            mistake(Param.MESSAGES, "messages[" + index + "].content", "is neither a string nor an array of parts.");
        }
        words += Words.count(text.getBuffer());
        if (role.equals("user")) {
            String other = firstOtherPart < 0 ? null : part(firstOtherPart);
            prompt = new ChatMessage(text.toString(), other);
        }
    }

    private String roleAtHand() throws IOException {
        return json.currentToken() == JsonToken.VALUE_STRING ? json.getText() : "";
    }

    private String part(int part) {
        return "messages[" + index + "].content[" + part + ']';
    }

    private void forgetContent() {
        text.getBuffer().setLength(0);
        firstOtherPart = -1;
        contentMistake = null;
    }

    /** Returns whether it is of a kind that can be read. */
    private boolean readContent() throws IOException {
        forgetContent();
        if (json.currentToken() == JsonToken.VALUE_STRING) {
            json.getText(text);
            return true;
        }
        if (json.currentToken() == JsonToken.START_ARRAY) {
            for (int part = 0; next() != JsonToken.END_ARRAY; part++) {
                readPart(part);
            }
            return true;
        }
        skip();
        return false;
    }

    private void readPart(int part) throws IOException {
        int before = text.getBuffer().length();
        @Nullable String type = null;
        boolean said = false;
        if (json.currentToken() == JsonToken.START_OBJECT) {
            while (next() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                boolean string = next() == JsonToken.VALUE_STRING;
                if (name.equals("type")) {
                    type = string ? json.getText() : null;
                } else if (name.equals("text")) {
                    text.getBuffer().setLength(before);
                    said = string;
                    if (string) {
                        json.getText(text);
                    }
                }
                skip();
            }
        } else {
            skip();
        }
        if (type == null) {
            contentMistake(part(part) + ".type");
        } else if (!type.equals("text")) {
            text.getBuffer().setLength(before);
            firstOtherPart = firstOtherPart < 0 ? part : firstOtherPart;
        } else if (!said) {
            contentMistake(part(part) + ".text");
        }
    }

    private void contentMistake(String param) {
        if (contentMistake == null) {
            contentMistake = new Mistake(param, "is not a string.");
        }
    }

    private void mistake(Param param, String name, String wrong) {
        mistakes.putIfAbsent(param, new Mistake(name, wrong));
    }

    /** Goes to the next token, which must not be the end of the text. */
    private JsonToken next() throws IOException {
        JsonToken token = json.nextToken();
        if (token == null) {
            throw new ProblemException(400, "invalid_json", "The content is not JSON: it ends too soon.");
        }
        if (token == JsonToken.VALUE_STRING || token == JsonToken.FIELD_NAME) {
            requirePairs();
        }
        return token;
    }

    /** UTF-8 has no form for half a pair of surrogates, so it would reach the model as a question mark. */
    private void requirePairs() throws IOException {
        if (unpaired != null) {
            return;
        }
        pairs.begin();
        json.getText(pairs);
        if (pairs.isUnpaired()) {
            unpaired = new Mistake(
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

    /** Goes to the end of the value at hand. */
    private void skip() throws IOException {
        int open = json.currentToken().isStructStart() ? 1 : 0;
        while (open > 0) {
            JsonToken token = next();
            open += token.isStructStart() ? 1 : token.isStructEnd() ? -1 : 0;
        }
    }

    /** Goes to the end of the value at hand, and returns it as an error message can show it. */
    private String skipAndShow() throws IOException {
        int from = (int) json.currentTokenLocation().getCharOffset();
        skip();
        json.finishToken();
        int to = (int) json.currentLocation().getCharOffset();
        String value = body.substring(from, Math.min(to, from + SHOWN_CHARS)).strip();
        return to - from <= SHOWN_CHARS ? value : value + "…";
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
