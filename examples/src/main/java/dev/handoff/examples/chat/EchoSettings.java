// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemException;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of {@link EchoModel} from the {@code metadata} of a request.
 *
 * @param delay {@code delay_ms}: the pause before each word; 30 ms by default
 * @param repeat {@code repeat}: how many times the message is said; once by default
 * @param failAfter {@code fail_after}: after how many words the model fails; empty to not fail
 * @param callTool {@code call_tool}: the function that the model calls; null for none
 */
record EchoSettings(
        Duration delay,
        int repeat,
        OptionalInt failAfter,
        @Nullable String callTool) {

    /** The names of the metadata fields that are read. */
    static final Set<String> NAMES = Set.of("delay_ms", "repeat", "fail_after", "call_tool");

    /** The most characters of a value that are kept. The name of a function has at most 64. */
    static final int MAX_VALUE_CHARS = 66;

    private static final int MAX_DELAY_MILLIS = 60_000;
    private static final int MAX_WORDS = 1_000_000;

    /**
     * Reads the settings. Numbers may be strings, because OpenAI's API requires that metadata are strings.
     *
     * @throws ProblemException with status 400 if a value is not a number or out of range, or a function is not there
     */
    static EchoSettings of(ChatRequest request) {
        return new EchoSettings(
                Duration.ofMillis(
                        number(request, "delay_ms", 0, MAX_DELAY_MILLIS).orElse(30)),
                number(request, "repeat", 1, MAX_WORDS).orElse(1),
                number(request, "fail_after", 0, MAX_WORDS),
                function(request));
    }

    private static @Nullable String function(ChatRequest request) {
        String value = request.echoSettings().get("call_tool");
        if (value == null) {
            return null;
        }
        String name = value.replaceFirst("^\"(.*)\"$", "$1");
        if (!request.options().functions().contains(name)) {
            throw OpenAiErrors.invalid("metadata.call_tool", "is " + value + ", which is not a function in 'tools'.");
        }
        return name;
    }

    private static OptionalInt number(ChatRequest request, String name, int min, int max) {
        String value = request.echoSettings().get(name);
        if (value == null) {
            return OptionalInt.empty();
        }
        String text = value.replaceFirst("^\"(.*)\"$", "$1");
        // A number of at most nine digits fits into an int.
        int number = text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : -1;
        if (number < min || number > max) {
            throw OpenAiErrors.invalid(
                    "metadata." + name, "is " + value + ", not a whole number of " + min + " to " + max + '.');
        }
        return OptionalInt.of(number);
    }
}
