// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.handoff.format.Framing;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class JsonLinesWriterTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final FrameWriter writer = FrameWriter.of(Framing.jsonLines(), 4);

    private static FrameWriter plain() {
        return FrameWriter.of(new Framing.JsonLines("application/jsonl", null, null), 4);
    }

    @Test
    @DisplayName("a line is the value of the frame with the id in front, ended by one line feed")
    void lines() {
        writer.event("a:0:p", null, "{\"x\":1}");
        writer.event("a:1:p", null, "{}");
        writer.event(null, null, " { \"x\" : 2 } ");
        assertThat(writer).hasToString("{\"id\":\"a:0:p\",\"x\":1}\n{\"id\":\"a:1:p\"}\n { \"x\" : 2 } \n");
    }

    @Test
    @DisplayName("the time to wait stands in the next line, and in no other")
    void retry() {
        writer.retry(1500);
        writer.event("a", null, "{\"x\":1}");
        writer.event("b", null, "{ }");
        writer.retry(7);
        writer.event(null, null, "{ }");
        assertThat(writer).hasToString("{\"id\":\"a\",\"retry\":1500,\"x\":1}\n{\"id\":\"b\" }\n{\"retry\":7 }\n");
    }

    @Test
    @DisplayName("a format names the members, or has none; without them a line can be any value")
    void members() {
        FrameWriter named = FrameWriter.of(new Framing.JsonLines("application/jsonl", "a\"b", null), 4);
        named.retry(7);
        named.event("1", null, "{\"id\":\"own\"}");
        assertThat(named).hasToString("{\"a\\\"b\":\"1\",\"id\":\"own\"}\n");
        FrameWriter plain = plain();
        plain.retry(7);
        plain.event("1", null, "[1,2]");
        plain.event("2", null, "\"text\"");
        assertThat(plain).hasToString("[1,2]\n\"text\"\n");
    }

    @Test
    @DisplayName("R14 what is not exactly one JSON value is refused, and nothing is written")
    void refusesForgery() {
        for (String bad : List.of(
                "",
                " ",
                "{",
                "{\"x\":1}{\"x\":2}",
                "{\"x\":1}\n{\"x\":2}",
                "{} x",
                "{\"x\":\"a\nb\"}",
                "{x:1}",
                "\uFEFF{}")) {
            assertThatIllegalArgumentException()
                    .as(bad)
                    .isThrownBy(() -> writer.event("a", null, bad))
                    .withMessageStartingWith("a JSON line ");
            assertThatIllegalArgumentException().as(bad).isThrownBy(() -> plain().event("a", null, bad));
        }
        for (String bad : List.of("[1]", "1", "null", "\"text\"")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> writer.event(null, null, bad))
                    .withMessageContaining("is not an object");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.event(null, "type", "{}"))
                .withMessageContaining("no type");
        assertThat(writer.size()).isZero();
    }

    @Test
    @DisplayName("line breaks between tokens become spaces, and text of any script arrives as it is")
    void text() throws IOException {
        writer.event("a", null, "{\r\n  \"x\":\r\"ü 水 \uD83D\uDE00 \\n \uD800\"\n}");
        assertThat(writer.toString()).containsOnlyOnce("\n").doesNotContain("\r");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.writeTo(out);
        JsonNode line = JSON.readTree(out.toString(StandardCharsets.UTF_8));
        assertThat(line.path("id").textValue()).isEqualTo("a");
        assertThat(line.path("x").textValue()).isEqualTo("ü 水 \uD83D\uDE00 \n \uFFFD");
    }

    @Test
    @DisplayName("a heartbeat is a space, so the next line is still one JSON value")
    void heartbeat() throws IOException {
        writer.heartbeat();
        writer.heartbeat();
        writer.event("a", null, "{\"x\":1}");
        assertThat(writer).hasToString("  {\"id\":\"a\",\"x\":1}\n");
        assertThat(JSON.readTree(writer.toString()).size()).isEqualTo(2);
        assertThat(FrameWriter.heartbeat(Framing.jsonLines())).hasToString(" ");
        assertThat(FrameWriter.heartbeat(Framing.serverSentEvents())).hasToString(":\n");
    }

    @Test
    @DisplayName("a content type that cannot be sent, and two members of one name, are refused")
    void settings() {
        for (String bad : List.of("", "json", "a/b\r\nX: y", "/", "a/")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Framing.JsonLines(bad, null, null))
                    .withMessageStartingWith("not a content type");
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Framing.JsonLines("application/jsonl", "x", "x"))
                .withMessageEndingWith("the same name: x");
    }
}
