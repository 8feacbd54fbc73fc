package dev.handoff.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.LinkedHashMap;
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
        assertThat(reply.headers()).isEqualTo(Map.of("content-type", "text/plain", "Vary", "Origin"));
        assertThat(reply.body()).isEqualTo("{}");
    }

    @Test
    @DisplayName("a reply does not change")
    void immutable() {
        Map<String, String> headers = new LinkedHashMap<>(Map.of("A", "1"));
        Reply reply = new Reply(200, headers, null);
        headers.put("B", "2");
        Reply more = reply.with("C", "3");

        assertThat(reply.headers()).isEqualTo(Map.of("A", "1"));
        assertThat(more.headers()).isEqualTo(Map.of("A", "1", "C", "3"));
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> reply.headers().put("D", "4"));
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
}
