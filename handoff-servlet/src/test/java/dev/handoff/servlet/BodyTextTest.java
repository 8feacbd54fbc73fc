// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.ProblemException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class BodyTextTest {

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }

    private static void assertMalformed(byte[] bytes, Charset charset, String where) {
        assertThatThrownBy(() -> BodyText.decode(bytes, charset)).isInstanceOfSatisfying(ProblemException.class, e -> {
            assertThat(e.problem().status()).isEqualTo(400);
            assertThat(e.problem().code()).isEqualTo("malformed_content");
            assertThat(e.problem().detail()).contains(where);
        });
    }

    @Test
    @DisplayName("a text without a charset is UTF-8, or UTF-16 if it begins with its byte order mark")
    void impliedCharset() {
        assertThat(BodyText.decode("ü \uD83D\uDE00".getBytes(UTF_8), null)).isEqualTo("ü \uD83D\uDE00");
        assertThat(BodyText.decode("\uFEFFü".getBytes(StandardCharsets.UTF_16BE), null))
                .isEqualTo("ü");
        assertThat(BodyText.decode("\uFEFFü".getBytes(UTF_16LE), null)).isEqualTo("ü");
        assertThat(BodyText.decode(new byte[0], null)).isEmpty();
        assertThat(BodyText.decode(bytes('a'), null)).isEqualTo("a");
    }

    @Test
    @DisplayName("one byte order mark at the beginning is left out, any other is a character of the text")
    void byteOrderMarks() {
        assertThat(BodyText.decode("\uFEFF{}".getBytes(UTF_8), UTF_8)).isEqualTo("{}");
        assertThat(BodyText.decode("\uFEFF\uFEFFa\uFEFF".getBytes(UTF_8), UTF_8))
                .isEqualTo("\uFEFFa\uFEFF");
        assertThat(BodyText.decode("\uFEFF{}".getBytes(UTF_16LE), UTF_16LE)).isEqualTo("{}");
    }

    @Test
    @DisplayName("malformed bytes are refused with their charset and position")
    void malformed() {
        assertMalformed(bytes('a', 0xFC, 'b'), UTF_8, "UTF-8 at byte 1");
        assertMalformed(bytes('a', 'b', 0xC3), UTF_8, "UTF-8 at byte 2");
        // A surrogate, encoded as if it were a character, and half of a surrogate pair.
        assertMalformed(bytes(0xED, 0xA0, 0x80), UTF_8, "UTF-8 at byte 0");
        assertMalformed(bytes('a', 0, 0, 0xD8, 'b', 0), UTF_16LE, "UTF-16LE at byte 2");
        assertMalformed(bytes('a', 0xFF), StandardCharsets.US_ASCII, "US-ASCII at byte 1");

        byte[] atTheEnd = ("x".repeat(100_000) + "\uFFFD").getBytes(UTF_8);
        assertThat(BodyText.decode(atTheEnd, UTF_8)).hasSize(100_001);
        atTheEnd[100_001] = 'x';
        assertMalformed(atTheEnd, UTF_8, "byte 100000");
    }
}
