// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StopTextsTest {

    /** Returns the text that passes when it arrives in these parts. */
    private static String pass(List<String> stops, List<String> parts) {
        StopTexts texts = new StopTexts(stops);
        StringBuilder passed = new StringBuilder();
        for (String part : parts) {
            if (!texts.found()) {
                passed.append(texts.pass(part));
            }
        }
        return passed.append(texts.rest()).toString();
    }

    @Test
    @DisplayName("a stop that is spread over several parts ends the text before it")
    void aStopMayBeSpread() {
        assertThat(pass(List.of("END", "DOT"), List.of("one E", "N", "D two DOT")))
                .isEqualTo("one ");
    }

    @Test
    @DisplayName("only the possible beginning of a stop is held back")
    void littleIsHeldBack() {
        StopTexts texts = new StopTexts(List.of("END"));

        assertThat(texts.pass("one EN")).isEqualTo("one ");
        assertThat(texts.pass("E ")).isEqualTo("ENE ");
        assertThat(texts.pass("x")).isEqualTo("x");
    }

    @Test
    @DisplayName("without a stop all text passes at once")
    void withoutAStopAllPasses() {
        assertThat(new StopTexts(List.of()).pass("one ")).isEqualTo("one ");
    }

    @Test
    @DisplayName("the result is the text before the first complete stop, however the text is split")
    void theFirstStopEndsTheText() {
        for (int seed = 0; seed < 5000; seed++) {
            Random random = new Random(seed);
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(4); i >= 0; i--) {
                stops.add(text(random, 1 + random.nextInt(4)));
            }
            List<String> parts = new ArrayList<>();
            for (int i = random.nextInt(8); i > 0; i--) {
                parts.add(text(random, random.nextInt(5)));
            }
            String whole = String.join("", parts);
            String expected = whole;
            for (int end = 1; end <= whole.length() && expected.equals(whole); end++) {
                String beginning = whole.substring(0, end);
                expected = stops.stream()
                        .filter(beginning::endsWith)
                        .max(Comparator.comparing(String::length))
                        .map(stop -> beginning.substring(0, beginning.length() - stop.length()))
                        .orElse(whole);
            }

            assertThat(pass(stops, parts))
                    .as("seed %s: %s in %s", seed, stops, parts)
                    .isEqualTo(expected);
        }
    }

    private static String text(Random random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append((char) ('a' + random.nextInt(2)));
        }
        return text.toString();
    }
}
