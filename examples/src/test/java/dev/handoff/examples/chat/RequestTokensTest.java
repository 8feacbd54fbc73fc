// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonToken;
import dev.handoff.http.ProblemException;
import java.io.IOException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestTokensTest {

    /** Returns the tokens of an object, positioned at its first value. */
    private static RequestTokens valueOf(String object) throws IOException {
        RequestTokens tokens = new RequestTokens(object);
        tokens.requireObject();
        tokens.next();
        tokens.next();
        return tokens;
    }

    @ParameterizedTest
    @DisplayName("an error message shows at most 50 characters of a value")
    @ValueSource(ints = {1, 48, 49, 200})
    void showsTheBeginning(int length) throws IOException {
        String text = '"' + "x".repeat(length) + '"';

        String shown = valueOf("{\"n\":" + text + ",\"m\":1}").skipAndShow();

        assertThat(shown).isEqualTo(text.length() <= 50 ? text : text.substring(0, 50) + '…');
    }

    @Test
    @DisplayName("a skipped value is skipped with everything that it contains")
    void skipsWholeValues() throws IOException {
        RequestTokens tokens = valueOf("{\"a\":[{\"b\":[]},2],\"c\":3}");

        tokens.skip();

        assertThat(tokens.current()).isEqualTo(JsonToken.END_ARRAY);
        assertThat(tokens.next()).isEqualTo(JsonToken.FIELD_NAME);
        assertThat(tokens.name()).isEqualTo("c");
    }

    @Test
    @DisplayName("the first half of a pair of surrogates is remembered with the name of its parameter")
    void remembersTheFirstUnpairedSurrogate() throws IOException {
        RequestTokens tokens = valueOf("{\"a\":[{\"b\":\"\\ud83d\\ude00\",\"c\":\"\\ude00\"},\"\\ud83d\"]}");

        tokens.skip();

        assertThat(tokens.unpaired())
                .isEqualTo(new ParamMistake("a[0].c", "holds a surrogate without its other half."));
    }

    @Test
    @DisplayName("whole pairs of surrogates are no mistake")
    void acceptsWholePairs() throws IOException {
        RequestTokens tokens = valueOf("{\"a\":\"\\ud83d\\ude00\"}");

        assertThat(tokens.unpaired()).isNull();
    }

    @ParameterizedTest
    @DisplayName("a text that does not begin with an object is refused")
    @ValueSource(strings = {"", "[]", "1", "null", "\"x\""})
    void requiresAnObject(String text) {
        assertThatThrownBy(() -> new RequestTokens(text).requireObject())
                .isInstanceOf(ProblemException.class)
                .hasMessageContaining("not a JSON object");
    }
}
