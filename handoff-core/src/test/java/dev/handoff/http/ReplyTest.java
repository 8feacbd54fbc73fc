// SPDX-License-Identifier: Apache-2.0
package dev.handoff.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReplyTest {

    @Test
    @DisplayName("a reply with and without content")
    void made() {
        assertThat(Reply.of(204)).isEqualTo(new Reply(204, Map.of(), null));
        assertThat(Reply.of(200, Reply.JSON, "{}"))
                .isEqualTo(new Reply(200, Map.of("Content-Type", "application/json"), "{}"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\r\nSet-Cookie: b=c", "a\nb", "a\rb", "a\0b", "\n"})
    @DisplayName("R14 a header that would forge another is refused, as a name and as a value")
    void headerInjection(String text) {
        assertThatIllegalArgumentException().isThrownBy(() -> Reply.of(200).with("X-Test", text));
        assertThatIllegalArgumentException().isThrownBy(() -> Reply.of(200).with(text, "value"));
        assertThatIllegalArgumentException().isThrownBy(() -> new Reply(200, Map.of("Location", text), null));
        assertThatIllegalArgumentException().isThrownBy(() -> Reply.of(200, text, "{}"));
        assertThatIllegalArgumentException().isThrownBy(() -> Reply.of(200, text, new byte[0]));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Reply.of(200).with("X-Test", "a").adding("X-Test", text));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Reply.of(200).withHeaders(Map.of("X-Test", List.of("a", text))));
    }

    @Test
    @DisplayName("headers keep their order")
    void order() {
        Reply reply = Reply.of(200).with("Zebra", "1").with("Apple", "2").with("Mango", "3");
        assertThat(reply.headers().keySet()).containsExactly("Zebra", "Apple", "Mango");
        assertThat(reply.with("Berry", "4").headers().keySet()).containsExactly("Zebra", "Apple", "Mango", "Berry");
    }

    @Test
    @DisplayName("a header is replaced, however its name is written")
    void replaced() {
        Reply reply = Reply.of(200, Reply.JSON, "{}").with("Vary", "Origin").with("content-type", "text/plain");
        assertThat(reply.headers()).isEqualTo(Map.of("content-type", List.of("text/plain"), "Vary", List.of("Origin")));
        assertThat(reply.body()).isEqualTo("{}");
    }

    @Test
    @DisplayName("a reply does not change")
    void immutable() {
        Map<String, String> headers = new LinkedHashMap<>(Map.of("A", "1"));
        Reply reply = new Reply(200, headers, null);
        headers.put("B", "2");
        Reply more = reply.with("C", "3");

        assertThat(reply.headers()).isEqualTo(Map.of("A", List.of("1")));
        assertThat(more.headers()).isEqualTo(Map.of("A", List.of("1"), "C", List.of("3")));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> reply.headers().put("D", List.of("4")));
    }

    @ParameterizedTest
    @ValueSource(ints = {200, 204, 303, 599})
    @DisplayName("the status is a final one")
    void status(int status) {
        assertThat(Reply.of(status).status()).isEqualTo(status);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 100, 103, 199, 600})
    @DisplayName("a status that is none, or not final, is refused by name")
    void badStatus(int status) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Reply.of(status))
                .withMessageContaining(Integer.toString(status));
    }

    @Test
    @DisplayName("a header has several values in order, however its name is written, until it is replaced")
    void severalValues() {
        Reply reply =
                Reply.of(200).adding("Set-Cookie", "a=1").adding("X-Other", "x").adding("set-cookie", "b=2");
        assertThat(reply.headers()).isEqualTo(Map.of("Set-Cookie", List.of("a=1", "b=2"), "X-Other", List.of("x")));
        assertThat(reply.header("SET-COOKIE")).isEqualTo("a=1");
        assertThat(reply.header("none")).isNull();
        assertThat(reply.withDefault("set-Cookie", "c=3")).isSameAs(reply);
        assertThat(reply.with("set-cookie", "c=3").headers())
                .isEqualTo(Map.of("X-Other", List.of("x"), "set-cookie", List.of("c=3")));
    }

    @Test
    @DisplayName("the values of a header do not change")
    void immutableValues() {
        List<String> values = new ArrayList<>(List.of("1"));
        Reply reply = Reply.of(200).withHeaders(Map.of("A", values));
        values.add("2");
        assertThat(reply.headers()).isEqualTo(Map.of("A", List.of("1")));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> reply.headers().get("A").add("3"));
    }

    @Test
    @DisplayName("a header that has no value, or is named twice in different case, is refused by name")
    void badHeaders() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Reply.of(200).withHeaders(Map.of("Vary", List.of())))
                .withMessageContaining("Vary");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Reply(200, Map.of("Vary", "a", "vary", "b"), null))
                .withMessageContainingAll("twice", "ary");
    }

    @Test
    @DisplayName("content is text in UTF-8, bytes as they are, or nothing, and other header fields keep it")
    void content() {
        Reply text = Reply.of(200, "text/plain", "ü\uD83D").with("A", "1").withHeaders(Map.of());
        assertThat(text.hasBody()).isTrue();
        assertThat(text.body()).isEqualTo("ü\uD83D");
        assertThat(text.bytes()).isEqualTo("ü\uFFFD".getBytes(StandardCharsets.UTF_8));

        byte[] raw = {0, (byte) 0xFF};
        Reply bytes = Reply.of(200, "image/png", raw).adding("A", "1").withHeaders(Map.of());
        raw[0] = 1;
        assertThat(bytes.hasBody()).isTrue();
        assertThat(bytes.bytes()).containsExactly(0, 0xFF);
        bytes.bytes()[0] = 1;
        assertThat(bytes.bytes()).containsExactly(0, 0xFF);
        assertThat(Reply.of(200, "text/plain", "ü".getBytes(StandardCharsets.UTF_8))
                        .body())
                .isEqualTo("ü");

        assertThat(Reply.of(200).hasBody()).isFalse();
        assertThat(Reply.of(200).body()).isNull();
        assertThat(Reply.of(200).bytes()).isEmpty();
        assertThat(Reply.of(200, "text/plain", "").hasBody()).isTrue();
    }

    @Test
    @DisplayName("two replies are equal if their status, headers and content are")
    void equality() {
        Reply reply = Reply.of(200, "a/b", new byte[] {1}).adding("A", "1");
        Reply same = Reply.of(200, "a/b", new byte[] {1}).adding("A", "1");
        assertThat(reply).isEqualTo(same).hasSameHashCodeAs(same);
        assertThat(reply)
                .isNotEqualTo(Reply.of(201, "a/b", new byte[] {1}).adding("A", "1"))
                .isNotEqualTo(Reply.of(200, "a/b", new byte[] {2}).adding("A", "1"))
                .isNotEqualTo(same.adding("A", "2"));
        assertThat(Reply.of(200, "a/b", "x")).isNotEqualTo(Reply.of(200, "a/b", new byte[] {'x'}));
    }

    @Test
    @DisplayName("R12 a reply that is logged shows no header value and no content, since they may hold a token")
    void shownWithoutValues() {
        Reply reply = Reply.of(303, Reply.JSON, "{secret}").with("Location", "/events/secret");
        assertThat(reply.toString()).contains("303", "Location").doesNotContain("secret");
    }
}
