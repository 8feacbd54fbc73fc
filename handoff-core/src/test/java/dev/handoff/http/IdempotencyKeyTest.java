// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testing.Refusal;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdempotencyKeyTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "\"8e03978e-40d5-43e8-bc93-6894a57f9324\" | 8e03978e-40d5-43e8-bc93-6894a57f9324",
                "\"a b, c; d\" | a b, c; d",
                "\"say \\\"hi\\\"\" | say \"hi\"",
                "\"back\\\\slash\" | back\\slash",
                "\"\\\\\\\"\" | \\\"",
                "  \"padded\"   | padded",
            })
    @DisplayName("the text of a structured-field string (RFC 9651, 3.3.3) is the key")
    void quoted(String field, String key) {
        assertThat(IdempotencyKey.parse(field)).isEqualTo(key);
    }

    @Test
    @DisplayName("spaces within the quotes belong to the key")
    void spacesInQuotes() {
        assertThat(IdempotencyKey.parse("\" a \"")).isEqualTo(" a ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"8e03978e-40d5-43e8-bc93-6894a57f9324", "a", "a b", "!~#", "a\\b", "stainless-node-retry-7"})
    @DisplayName("the bare text that most clients send is the key as it is")
    void bare(String field) {
        assertThat(IdempotencyKey.parse(field)).isEqualTo(field);
        assertThat(IdempotencyKey.parse("  " + field + "\t")).isEqualTo(field);
    }

    @Test
    @DisplayName("a key has at most 255 characters, quotes not counted")
    void length() {
        String longest = "k".repeat(255);
        assertThat(IdempotencyKey.parse(longest)).isEqualTo(longest);
        assertThat(IdempotencyKey.parse('"' + longest + '"')).isEqualTo(longest);
        assertThat(refusal(longest + "k").detail()).contains("256 characters", "255");
        assertThat(refusal('"' + longest + "k\"").detail()).contains("256 characters", "255");
        assertThat(refusal("k".repeat(100_000)).detail()).hasSizeLessThan(300);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\"\"", " \"\" ", "\t"})
    @DisplayName("an empty key is refused")
    void empty(String field) {
        assertThat(refusal(field).detail()).contains("empty");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"", "\"abc", "\"abc\\\"", "\"a\"b\"", "\"a\" \"b\"", "\"a\", \"b\"", "\"a\"b", "\"a\"\""})
    @DisplayName("quotes that do not make one string are refused, and the key is named")
    void unbalanced(String field) {
        assertThat(refusal(field).detail()).contains("not one quoted string").endsWith(field);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"a\\b\"", "\"a\\", "\"\\n\"", "\"a\\ \""})
    @DisplayName("a backslash before anything but a quote or a backslash is refused, and the key is named")
    void badEscape(String field) {
        assertThat(refusal(field).detail()).contains("backslash").endsWith(field);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ü", "a\u007F", "a\0b", "a\tb", "a\r\nb", "\"ü\"", "\"a\tb\"", "\uD83D\uDE00", "k\u00A0k"})
    @DisplayName("a key that is not printable ASCII is refused, and named in characters that are")
    void nonAscii(String field) {
        String detail = refusal(field).detail();
        assertThat(detail).contains("printable ASCII").contains("?").matches("[\\x20-\\x7E]+");
    }

    private static Problem refusal(String field) {
        Problem problem = Refusal.of(() -> IdempotencyKey.parse(field));
        assertThat(problem.status()).isEqualTo(400);
        assertThat(problem.code()).isEqualTo("invalid_idempotency_key");
        assertThat(problem.detail()).startsWith("The Idempotency-Key ");
        return problem;
    }
}
