// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@link ChatRequest} token by token. A tree of all messages would take many times the memory of a body with a
 * million of them.
 *
 * <p>If a field occurs twice, its last value is used. If there are several mistakes, this reports the first in this order: JSON, unpaired
 * surrogates, then {@link Param}. Not thread-safe.
 */
final class ChatRequestReader {

    /** The parameters that can be wrong, in the order in which mistakes are reported. */
    private enum Param {
        MODEL,
        OPTIONS,
        STREAM,
        STREAM_OPTIONS,
        INCLUDE_USAGE,
        METADATA,
        MESSAGES
    }

    private final String body;
    private final RequestTokens tokens;
    private final ChatOptionsReader options;
    private final Map<Param, ParamMistake> mistakes = new TreeMap<>();

    private String model = "";
    private boolean stream;
    private boolean includeUsage;
    private final Map<String, String> echoSettings = new HashMap<>();

    private @Nullable ChatMessage prompt;
    private int words;
    private boolean endsWithTool;

    ChatRequestReader(String body) {
        this.body = body;
        this.tokens = new RequestTokens(body);
        this.options = new ChatOptionsReader(tokens);
    }

    /**
     * Reads the whole request.
     *
     * @throws ProblemException with status 400 if the text is not a valid request
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
        ParamMistake unpaired = tokens.unpaired();
        ParamMistake worst = unpaired != null
                ? unpaired
                : mistakes.values().stream().findFirst().orElse(null);
        if (worst != null) {
            throw worst.toException();
        }
        return new ChatRequest(
                body,
                model,
                prompt,
                words,
                stream,
                stream && includeUsage,
                Map.copyOf(echoSettings),
                options.options(),
                endsWithTool);
    }

    private void readObject() throws IOException {
        mistake(Param.MODEL, "model", "is not the name of a model.");
        mistakes.put(Param.MESSAGES, MessagesReader.none());
        tokens.requireObject();
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            tokens.next();
            switch (name) {
                case "model" -> readModel();
                case "stream" -> stream = readFlag(Param.STREAM, "stream");
                case "stream_options" -> readStreamOptions();
                case "metadata" -> readMetadata();
                case "messages" -> readMessages();
                default -> {
                    if (!options.read(name)) {
                        tokens.skip();
                    }
                }
            }
        }
        tokens.requireEnd();
        ParamMistake wrongOption = options.mistake();
        if (wrongOption != null) {
            mistakes.put(Param.OPTIONS, wrongOption);
        }
    }

    private void readModel() throws IOException {
        mistakes.remove(Param.MODEL);
        boolean named =
                tokens.current() == JsonToken.VALUE_STRING && !tokens.text().isBlank();
        if (named) {
            model = tokens.text();
        } else {
            mistake(Param.MODEL, "model", "is not the name of a model.");
        }
        tokens.skip();
    }

    private boolean readFlag(Param param, String name) throws IOException {
        mistakes.remove(param);
        JsonToken value = tokens.current();
        String shown = tokens.skipAndShow();
        if (value != JsonToken.VALUE_NULL && !value.isBoolean()) {
            mistake(param, name, "is " + shown + ", neither true nor false.");
        }
        return value == JsonToken.VALUE_TRUE;
    }

    private void readStreamOptions() throws IOException {
        mistakes.remove(Param.STREAM_OPTIONS);
        mistakes.remove(Param.INCLUDE_USAGE);
        includeUsage = false;
        if (tokens.current() == JsonToken.VALUE_NULL) {
            return;
        }
        if (tokens.current() != JsonToken.START_OBJECT) {
            mistake(Param.STREAM_OPTIONS, "stream_options", "is not an object.");
            tokens.skip();
            return;
        }
        while (tokens.next() == JsonToken.FIELD_NAME) {
            boolean usage = tokens.name().equals("include_usage");
            tokens.next();
            if (usage) {
                includeUsage = readFlag(Param.INCLUDE_USAGE, "stream_options.include_usage");
            } else {
                tokens.skip();
            }
        }
    }

    private void readMetadata() throws IOException {
        mistakes.remove(Param.METADATA);
        echoSettings.clear();
        if (tokens.current() == JsonToken.VALUE_NULL) {
            return;
        }
        if (tokens.current() != JsonToken.START_OBJECT) {
            mistake(Param.METADATA, "metadata", "is not an object.");
            tokens.skip();
            return;
        }
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            boolean absent = tokens.next() == JsonToken.VALUE_NULL;
            String shown = tokens.skipAndShow(EchoSettings.MAX_VALUE_CHARS);
            if (absent) {
                echoSettings.remove(name);
            } else if (EchoSettings.NAMES.contains(name)) {
                echoSettings.put(name, shown);
            }
        }
    }

    private void readMessages() throws IOException {
        MessagesReader read = new MessagesReader(tokens);
        read.read();
        prompt = read.prompt();
        words = read.words();
        endsWithTool = read.endsWithTool();
        mistakes.remove(Param.MESSAGES);
        ParamMistake mistake = read.mistake();
        if (mistake != null) {
            mistakes.put(Param.MESSAGES, mistake);
        }
    }

    private void mistake(Param param, String name, String wrong) {
        mistakes.putIfAbsent(param, new ParamMistake(name, wrong));
    }
}
