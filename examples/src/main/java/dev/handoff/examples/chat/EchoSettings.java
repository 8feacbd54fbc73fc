package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.ProblemException;
import java.time.Duration;
import java.util.OptionalInt;

/**
 * How {@link EchoModel} answers, as the {@code metadata} of the request says.
 *
 * @param delay {@code delay_ms}: the pause before each word; 30 ms by default
 * @param repeat {@code repeat}: how many times the message is said; once by default
 * @param failAfter {@code fail_after}: after how many words it fails; empty if it shall not
 */
record EchoSettings(Duration delay, int repeat, OptionalInt failAfter) {

    private static final int MAX_DELAY_MILLIS = 60_000;
    private static final int MAX_WORDS = 1_000_000;

    /**
     * Reads them. Numbers may be written as strings, as OpenAI's API demands of metadata.
     *
     * @throws ProblemException with status 400 if one of them is no number or out of range
     */
    static EchoSettings of(ChatRequest request) {
        JsonNode metadata = request.json().path("metadata");
        if (!ChatRequest.absent(metadata) && !metadata.isObject()) {
            throw OpenAiErrors.invalid("metadata", "is not an object.");
        }
        return new EchoSettings(
                Duration.ofMillis(
                        number(metadata, "delay_ms", 0, MAX_DELAY_MILLIS).orElse(30)),
                number(metadata, "repeat", 1, MAX_WORDS).orElse(1),
                number(metadata, "fail_after", 0, MAX_WORDS));
    }

    private static OptionalInt number(JsonNode metadata, String name, int min, int max) {
        JsonNode value = metadata.path(name);
        if (ChatRequest.absent(value)) {
            return OptionalInt.empty();
        }
        String text = value.isValueNode() ? value.asText() : "";
        // At most nine digits always fit an int.
        int number = text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : -1;
        if (number < min || number > max) {
            throw OpenAiErrors.invalid(
                    "metadata." + name,
                    "is " + ChatRequest.shown(value) + ", not a whole number of " + min + " to " + max + '.');
        }
        return OptionalInt.of(number);
    }
}
