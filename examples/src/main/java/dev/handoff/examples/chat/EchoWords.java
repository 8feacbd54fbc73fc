// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Splits what the model echo says into words. It makes one word at a time, because all words of a large message would take many times its
 * size in memory. Not thread-safe.
 */
final class EchoWords {

    /** Matches a word and the white space after it, so that all words together are exactly the message. */
    private static final Pattern WORD = Pattern.compile("\\s*+\\S++\\s*+|\\s++");

    private static final String JSON_BEGIN = "{\"echo\":\"";
    private static final String JSON_END = "\"}";

    private final String message;
    private final int repeat;
    private final boolean json;
    private Matcher words;
    private int round = 1;
    private boolean begun;
    private boolean ended;

    private EchoWords(String message, int repeat, boolean json) {
        this.message = message;
        this.repeat = repeat;
        this.json = json;
        this.words = WORD.matcher(message);
    }

    /** Returns the words of a message that is said several times, joined by spaces. */
    static EchoWords ofText(String message, int repeat) {
        return new EchoWords(message, repeat, false);
    }

    /**
     * Returns the words of a JSON object. This is the message, if it is a JSON object and is said once. Otherwise the object has the text in
     * its member {@code echo}.
     */
    static EchoWords ofJson(String message, int repeat) {
        return new EchoWords(message, repeat, repeat > 1 || !Json.isObject(message));
    }

    /** Returns the next word; null at the end. */
    @Nullable
    String next() {
        if (ended) {
            return null;
        }
        StringBuilder next = new StringBuilder(json && !begun ? JSON_BEGIN : "");
        begun = true;
        if (message.isEmpty()) {
            ended = true;
        } else {
            addWord(next);
        }
        if (ended && json) {
            next.append(JSON_END);
        }
        return next.isEmpty() ? null : next.toString();
    }

    private void addWord(StringBuilder next) {
        if (!words.find()) {
            throw new IllegalStateException("there are words up to the end of the message");
        }
        if (json) {
            next.append(JsonStringEncoder.getInstance().quoteAsString(words.group()));
        } else {
            next.append(words.group());
        }
        if (words.end() < message.length()) {
            return;
        }
        if (round < repeat) {
            next.append(' ');
            round++;
            words.reset();
        } else {
            ended = true;
        }
    }
}
