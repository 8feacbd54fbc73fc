// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MessagesReaderTest {

    private static MessagesReader read(String value) throws IOException {
        RequestTokens tokens = new RequestTokens("{\"messages\":" + value + '}');
        tokens.requireObject();
        tokens.next();
        tokens.next();
        MessagesReader reader = new MessagesReader(tokens);
        reader.read();
        tokens.next();
        tokens.requireEnd();
        return reader;
    }

    @ParameterizedTest
    @DisplayName("a value that is no array with a message is one mistake")
    @ValueSource(strings = {"[]", "{\"a\":[1]}", "\"x\"", "7", "null"})
    void requiresAMessage(String value) throws IOException {
        assertThat(read(value).mistake()).isEqualTo(MessagesReader.none());
    }

    @Test
    @DisplayName("the first mistake counts, and the messages after it are read all the same")
    void theFirstMistakeCounts() throws IOException {
        MessagesReader reader =
                read("[{\"role\":\"king\",\"content\":\"one\"},7,{\"role\":\"user\",\"content\":\"two three\"}]");

        assertThat(reader.mistake()).extracting(ParamMistake::param).isEqualTo("messages[0].role");
        assertThat(reader.prompt()).isEqualTo(new ChatMessage("two three", null));
        assertThat(reader.words()).isEqualTo(3);
    }

    @Test
    @DisplayName("a part without a type, or a text without a string, is a mistake of that part")
    void namesThePart() throws IOException {
        assertThat(read("[{\"role\":\"user\",\"content\":[{\"text\":\"x\"}]}]").mistake())
                .isEqualTo(new ParamMistake("messages[0].content[0].type", "is not a string."));
        assertThat(read("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":1}]}]")
                        .mistake())
                .isEqualTo(new ParamMistake("messages[0].content[0].text", "is not a string."));
    }

    @Test
    @DisplayName("only an assistant may send a message without content")
    void onlyAssistantsSayNothing() throws IOException {
        assertThat(read("[{\"role\":\"assistant\"}]").mistake()).isNull();
        assertThat(read("[{\"role\":\"user\"}]").mistake())
                .extracting(ParamMistake::param)
                .isEqualTo("messages[0].content");
    }
}
