// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Reads a {@link ResponseRequest} token by token, and converts it to a request for a chat completion. If there are several mistakes, this
 * reports the first one; mistakes in the JSON and unpaired surrogates come before all others. Not thread-safe.
 */
final class ResponseRequestReader {

    private static final int MAX_METADATA = 16;

    private final RequestTokens tokens;
    private @Nullable ParamMistake mistake;

    private String model = "";
    private boolean stream;
    private boolean background;
    private boolean store = true;
    private @Nullable String instructions;
    private @Nullable JsonNode maxOutputTokens;
    private @Nullable JsonNode temperature;
    private @Nullable JsonNode topP;
    private ObjectNode metadata = Json.object();
    private ArrayNode messages = Json.array();

    ResponseRequestReader(String body) {
        this.tokens = new RequestTokens(body);
    }

    /**
     * Reads the whole request.
     *
     * @throws ProblemException with status 400 if the text is not a valid request
     */
    ResponseRequest read() {
        try {
            readObject();
        } catch (JsonProcessingException e) {
            throw new ProblemException(
                    new Problem(400, "invalid_json", "The content is not JSON: " + e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new UncheckedIOException("a string was read", e);
        }
        if (model.isEmpty()) {
            mistake("model", "is not the name of a model.");
        }
        if (messages.isEmpty()) {
            mistake("input", "is neither a string nor an array of at least one message.");
        }
        if (background && !store) {
            mistake("background", "is true, which requires that 'store' is true.");
        }
        ParamMistake worst = tokens.unpaired() != null ? tokens.unpaired() : mistake;
        if (worst != null) {
            throw worst.toException();
        }
        return new ResponseRequest(
                background ? ResponseMode.BACKGROUND : ResponseMode.foreground(stream, store),
                stream,
                maxOutputTokens == null ? OptionalInt.empty() : OptionalInt.of(maxOutputTokens.intValue()),
                settings(),
                chat());
    }

    private ObjectNode settings() {
        ObjectNode settings = Json.object();
        settings.put("model", model);
        settings.put("instructions", instructions);
        settings.set("metadata", metadata);
        setIfGiven(settings, "max_output_tokens", maxOutputTokens);
        setIfGiven(settings, "temperature", temperature);
        setIfGiven(settings, "top_p", topP);
        return settings;
    }

    private static void setIfGiven(ObjectNode object, String name, @Nullable JsonNode value) {
        if (value != null) {
            object.set(name, value);
        }
    }

    private ChatRequest chat() {
        ObjectNode chat = Json.object();
        chat.put("model", model);
        ArrayNode all = chat.putArray("messages");
        if (instructions != null) {
            all.addObject().put("role", "system").put("content", instructions);
        }
        all.addAll(messages);
        chat.put("stream", true);
        chat.putObject("stream_options").put("include_usage", true);
        setIfGiven(chat, "max_completion_tokens", maxOutputTokens);
        setIfGiven(chat, "temperature", temperature);
        setIfGiven(chat, "top_p", topP);
        // OpenAI accepts metadata of a chat completion only if it stores it, so other servers get none.
        ObjectNode forEcho = metadata.deepCopy().retain(EchoSettings.NAMES);
        if (!forEcho.isEmpty()) {
            chat.set("metadata", forEcho);
        }
        return ChatRequest.parse(chat.toString());
    }

    private void readObject() throws IOException {
        tokens.requireObject();
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            tokens.next();
            switch (name) {
                case "model" -> model = textOr("");
                case "input" -> readInput();
                case "instructions" -> instructions = readText(name);
                case "stream" -> stream = readFlag(name, false);
                case "background" -> background = readFlag(name, false);
                case "store" -> store = readFlag(name, true);
                case "max_output_tokens" -> maxOutputTokens = readMaxOutputTokens();
                case "temperature" -> temperature = readNumber(name);
                case "top_p" -> topP = readNumber(name);
                case "metadata" -> readMetadata();
                case "previous_response_id", "conversation" -> refuse(name);
                default -> tokens.skip();
            }
        }
        tokens.requireEnd();
    }

    /** Reads a value, and returns it if it is a string. */
    private String textOr(String otherwise) throws IOException {
        String text = tokens.current() == JsonToken.VALUE_STRING ? tokens.text() : otherwise;
        tokens.skip();
        return text;
    }

    private @Nullable String readText(String name) throws IOException {
        if (tokens.current() == JsonToken.VALUE_NULL) {
            return null;
        }
        if (tokens.current() != JsonToken.VALUE_STRING) {
            mistake(name, "is not a string.");
        }
        return textOr("");
    }

    private boolean readFlag(String name, boolean absent) throws IOException {
        JsonToken value = tokens.current();
        String shown = tokens.skipAndShow();
        if (value != JsonToken.VALUE_NULL && !value.isBoolean()) {
            mistake(name, "is " + shown + ", neither true nor false.");
        }
        return value == JsonToken.VALUE_NULL ? absent : value == JsonToken.VALUE_TRUE;
    }

    private @Nullable JsonNode readNumber(String name) throws IOException {
        JsonToken value = tokens.current();
        JsonNode number = value.isNumeric() ? Json.parse(tokens.text()) : null;
        String shown = tokens.skipAndShow();
        if (number == null && value != JsonToken.VALUE_NULL) {
            mistake(name, "is " + shown + ", which is not a number.");
        }
        return number;
    }

    private @Nullable JsonNode readMaxOutputTokens() throws IOException {
        JsonNode number = readNumber("max_output_tokens");
        if (number != null && !(number.isInt() && number.intValue() > 0)) {
            mistake("max_output_tokens", "is " + number + ", not a whole number above 0.");
        }
        return number;
    }

    /** Refuses a field that this server does not implement and that changes the answer. */
    private void refuse(String name) throws IOException {
        if (tokens.current() != JsonToken.VALUE_NULL) {
            mistake(name, "cannot be used here: send the whole conversation as 'input'.");
        }
        tokens.skip();
    }

    private void readMetadata() throws IOException {
        metadata = Json.object();
        if (tokens.current() == JsonToken.VALUE_NULL) {
            return;
        }
        if (tokens.current() != JsonToken.START_OBJECT) {
            mistake("metadata", "is not an object.");
            tokens.skip();
            return;
        }
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            if (tokens.next() != JsonToken.VALUE_STRING) {
                mistake("metadata." + name, "is not a string.");
            }
            metadata.put(name, textOr(""));
        }
        if (metadata.size() > MAX_METADATA) {
            mistake("metadata", "has more than " + MAX_METADATA + " fields.");
        }
    }

    private void readInput() throws IOException {
        messages = Json.array();
        if (tokens.current() == JsonToken.VALUE_STRING) {
            messages.addObject().put("role", "user").put("content", textOr(""));
        } else if (tokens.current() == JsonToken.START_ARRAY) {
            for (int index = 0; tokens.next() != JsonToken.END_ARRAY; index++) {
                readItem("input[" + index + ']');
            }
        } else {
            tokens.skip();
        }
    }

    private void readItem(String param) throws IOException {
        if (tokens.current() != JsonToken.START_OBJECT) {
            mistake(param, "is not an object.");
            tokens.skip();
            return;
        }
        ObjectNode message = messages.addObject();
        String type = "message";
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            tokens.next();
            switch (name) {
                case "type" -> type = textOr("");
                case "role" -> message.put("role", textOr(""));
                case "content" -> message.set("content", readContent(param + ".content"));
                default -> tokens.skip();
            }
        }
        if (!type.equals("message")) {
            mistake(param + ".type", "is not message, the only type of input that this server knows.");
        }
        if (!message.path("role").asText().matches("user|assistant|system|developer")) {
            mistake(param + ".role", "is none of assistant, developer, system, user.");
        }
        if (!message.has("content")) {
            mistake(param + ".content", "is neither a string nor an array of parts.");
        }
    }

    private @Nullable JsonNode readContent(String param) throws IOException {
        if (tokens.current() == JsonToken.VALUE_STRING) {
            return Json.array().textNode(textOr(""));
        }
        if (tokens.current() != JsonToken.START_ARRAY) {
            mistake(param, "is neither a string nor an array of parts.");
            tokens.skip();
            return null;
        }
        ArrayNode parts = Json.array();
        for (int index = 0; tokens.next() != JsonToken.END_ARRAY; index++) {
            parts.addObject().put("type", "text").put("text", readPart(param + '[' + index + ']'));
        }
        return parts;
    }

    private String readPart(String param) throws IOException {
        String type = "";
        String text = null;
        if (tokens.current() == JsonToken.START_OBJECT) {
            while (tokens.next() == JsonToken.FIELD_NAME) {
                String name = tokens.name();
                JsonToken value = tokens.next();
                switch (name) {
                    case "type" -> type = textOr("");
                    case "text" -> text = value == JsonToken.VALUE_STRING ? textOr("") : skipped();
                    default -> tokens.skip();
                }
            }
        } else {
            tokens.skip();
        }
        if (!type.equals("input_text") && !type.equals("output_text")) {
            mistake(param + ".type", "is neither input_text nor output_text: this server knows only text.");
        } else if (text == null) {
            mistake(param + ".text", "is not a string.");
        }
        return text == null ? "" : text;
    }

    private @Nullable String skipped() throws IOException {
        tokens.skip();
        return null;
    }

    private void mistake(String param, String wrong) {
        if (mistake == null) {
            mistake = new ParamMistake(param, wrong);
        }
    }
}
