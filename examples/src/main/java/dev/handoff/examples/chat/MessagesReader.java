// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Reads one array of messages: counts its words, and keeps the last message of the user and the first mistake. Not
 * thread-safe.
 */
final class MessagesReader {

    private static final Set<String> ROLES = Set.of("developer", "system", "user", "assistant", "tool", "function");

    private final RequestTokens tokens;

    private @Nullable ChatMessage prompt;
    private int words;
    private boolean endsWithTool;
    private @Nullable ParamMistake mistake;

    // The fields of the current message.
    private int index;
    private @Nullable ParamMistake contentMistake;
    private final StringWriter text = new StringWriter();
    private int firstOtherPart;

    MessagesReader(RequestTokens tokens) {
        this.tokens = tokens;
    }

    /** Reads the current value to its end. */
    void read() throws IOException {
        if (tokens.current() == JsonToken.START_ARRAY) {
            for (; tokens.next() != JsonToken.END_ARRAY; index++) {
                readMessage();
            }
        } else {
            tokens.skip();
        }
        if (index == 0) {
            mistake = none();
        }
    }

    /** Returns the mistake of a request that has no messages. */
    static ParamMistake none() {
        return new ParamMistake("messages", "is not an array of at least one message.");
    }

    /** Returns the last message of the user; null if there is none. */
    @Nullable
    ChatMessage prompt() {
        return prompt;
    }

    /** Returns how many words the messages have, between white space. */
    int words() {
        return words;
    }

    /** Returns whether the last message is the result of a tool. */
    boolean endsWithTool() {
        return endsWithTool;
    }

    /** Returns the first mistake; null if there is none. */
    @Nullable
    ParamMistake mistake() {
        return mistake;
    }

    private void readMessage() throws IOException {
        if (tokens.current() != JsonToken.START_OBJECT) {
            mistake("", "is not an object.");
            tokens.skip();
            return;
        }
        String role = "";
        forgetContent();
        boolean empty = true;
        boolean readable = false;
        boolean answersCall = false;
        ParamMistake wrongCall = null;
        while (tokens.next() == JsonToken.FIELD_NAME) {
            String name = tokens.name();
            JsonToken value = tokens.next();
            if (name.equals("content")) {
                empty = value == JsonToken.VALUE_NULL;
                readable = readContent();
            } else if (name.equals("tool_calls")) {
                wrongCall = readCalls();
            } else {
                answersCall |= name.equals("tool_call_id") && value == JsonToken.VALUE_STRING;
                role = name.equals("role") ? roleAtHand() : role;
                tokens.skip();
            }
        }
        // An answer that only called tools has no content when it is sent back as a part of the conversation.
        boolean onlyCalledTools = empty && role.equals("assistant");
        if (!ROLES.contains(role)) {
            mistake(".role", "is none of " + String.join(", ", new TreeSet<>(ROLES)) + '.');
        } else if (contentMistake != null) {
            mistake(contentMistake);
        } else if (!readable && !onlyCalledTools) {
            mistake(".content", "is neither a string nor an array of parts.");
        } else if (role.equals("tool") && !answersCall) {
            mistake(".tool_call_id", "is not a string.");
        } else if (wrongCall != null) {
            mistake(wrongCall);
        }
        endsWithTool = role.equals("tool");
        words += Words.count(text.getBuffer());
        if (role.equals("user")) {
            String other = firstOtherPart < 0 ? null : part(firstOtherPart);
            prompt = new ChatMessage(text.toString(), other);
        }
    }

    private @Nullable ParamMistake readCalls() throws IOException {
        ParamReader params = new ParamReader(tokens);
        new ToolsReader(params).readCalls("messages[" + index + "].tool_calls");
        return params.mistake();
    }

    private String roleAtHand() throws IOException {
        return tokens.current() == JsonToken.VALUE_STRING ? tokens.text() : "";
    }

    private void forgetContent() {
        text.getBuffer().setLength(0);
        firstOtherPart = -1;
        contentMistake = null;
    }

    /** Returns whether it is of a kind that can be read. */
    private boolean readContent() throws IOException {
        forgetContent();
        if (tokens.current() == JsonToken.VALUE_STRING) {
            tokens.copyText(text);
            return true;
        }
        if (tokens.current() == JsonToken.START_ARRAY) {
            for (int part = 0; tokens.next() != JsonToken.END_ARRAY; part++) {
                readPart(part);
            }
            return true;
        }
        tokens.skip();
        return false;
    }

    private void readPart(int part) throws IOException {
        int before = text.getBuffer().length();
        @Nullable String type = null;
        boolean said = false;
        if (tokens.current() == JsonToken.START_OBJECT) {
            while (tokens.next() == JsonToken.FIELD_NAME) {
                String name = tokens.name();
                boolean string = tokens.next() == JsonToken.VALUE_STRING;
                if (name.equals("type")) {
                    type = string ? tokens.text() : null;
                } else if (name.equals("text")) {
                    text.getBuffer().setLength(before);
                    said = string;
                    if (string) {
                        tokens.copyText(text);
                    }
                }
                tokens.skip();
            }
        } else {
            tokens.skip();
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

    private String part(int part) {
        return "messages[" + index + "].content[" + part + ']';
    }

    private void contentMistake(String param) {
        if (contentMistake == null) {
            contentMistake = new ParamMistake(param, "is not a string.");
        }
    }

    private void mistake(String field, String wrong) {
        mistake(new ParamMistake("messages[" + index + ']' + field, wrong));
    }

    private void mistake(ParamMistake next) {
        mistake = mistake == null ? next : mistake;
    }
}
