// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EchoWordsTest {

    private static List<String> all(EchoWords words) {
        List<String> all = new ArrayList<>();
        for (String word = words.next(); word != null; word = words.next()) {
            all.add(word);
        }
        assertThat(words.next()).isNull();
        return all;
    }

    @Test
    @DisplayName("the words of a text are the text, and repetitions are joined by a space")
    void textIsKept() {
        assertThat(all(EchoWords.ofText(" one\n two ", 2))).containsExactly(" one\n ", "two  ", " one\n ", "two ");
        assertThat(all(EchoWords.ofText(" ", 1))).containsExactly(" ");
        assertThat(all(EchoWords.ofText("", 3))).isEmpty();
    }

    @ParameterizedTest
    @DisplayName("a text that is no JSON object becomes the member of one")
    @ValueSource(
            strings = {"", " ", "one", "one \"two\"\n\t\\ three", "{\"a\":1} {}", "{", "[]", "gr\u00fcn \ud83d\ude00"})
    void textBecomesJson(String text) throws Exception {
        String json = String.join("", all(EchoWords.ofJson(text, 1)));

        assertThat(Json.parse(json)).isEqualTo(Json.object().put("echo", text));
    }

    @ParameterizedTest
    @DisplayName("a message that is a JSON object is said as it is, unless it is repeated")
    @CsvSource(delimiter = '|', textBlock = """
            {}                  | 1 | {}
            {"a": [1, {"b":2}]} | 1 | {"a": [1, {"b":2}]}
            {}                  | 2 | {"echo":"{} {}"}
            """)
    void jsonStaysJson(String text, int repeat, String said) {
        assertThat(String.join("", all(EchoWords.ofJson(text, repeat)))).isEqualTo(said);
    }
}
