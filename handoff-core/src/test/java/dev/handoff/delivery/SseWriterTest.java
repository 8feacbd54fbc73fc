// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SseWriterTest {

    private final SseWriter writer = new SseWriter();

    @Test
    @DisplayName("an event of all fields is event, id, retry, data and an empty line")
    void allFields() {
        writer.retry(1500).event("s:7", "token", "hello");
        assertThat(bytes(writer)).isEqualTo("event: token\nid: s:7\nretry: 1500\ndata: hello\n\n".getBytes(UTF_8));
    }

    @Test
    @DisplayName("without id and type only data is written")
    void dataOnly() {
        writer.event(null, null, "hello");
        assertThat(bytes(writer)).isEqualTo("data: hello\n\n".getBytes(UTF_8));
    }

    @Test
    @DisplayName("R14 empty data is still an event")
    void emptyData() {
        writer.event("s:0", null, "");
        assertThat(writer).hasToString("id: s:0\ndata: \n\n");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "a~b | data: a/data: b//",
                "a^b | data: a/data: b//",
                "a^~b | data: a/data: b//",
                "a~^b | data: a/data: /data: b//",
                "a^^~~b | data: a/data: /data: /data: b//",
                "~ | data: /data: //",
                "^ | data: /data: //",
                "^~ | data: /data: //",
                "a~ | data: a/data: //",
                "^a | data: /data: a//",
                "data: x~~event: y | data: data: x/data: /data: event: y//",
            })
    @DisplayName("R14 data is split on LF, CR and CRLF")
    void lineBreaks(String data, String frame) {
        writer.event(null, null, data.replace('~', '\n').replace('^', '\r'));
        assertThat(writer).hasToString(frame.replace('/', '\n'));
    }

    @Test
    @DisplayName("other Unicode line separators break no line")
    void otherSeparators() {
        writer.event(null, null, "a\u0085b\u2028c\u2029d\u000Be\u000Cf");
        assertThat(writer).hasToString("data: a\u0085b\u2028c\u2029d\u000Be\u000Cf\n\n");
    }

    @Test
    @DisplayName("spaces of the data are kept, and so is NUL, which harms in id and type only")
    void dataIsKept() {
        writer.event(null, null, "  a\0 ");
        assertThat(writer).hasToString("data:   a\0 \n\n");
    }

    @Test
    @DisplayName("characters of every length in UTF-8 are written as the standard demands")
    void utf8() {
        writer.event("ü", "€", "\u007F\u0080\u07FF\u0800\uD7FF\uE000\uFFFF\uD800\uDC00\uDBFF\uDFFF\uFEFF");
        assertThat(bytes(writer))
                .isEqualTo(("event: €\nid: ü\ndata: "
                                + "\u007F\u0080\u07FF\u0800\uD7FF\uE000\uFFFF\uD800\uDC00\uDBFF\uDFFF\uFEFF\n\n")
                        .getBytes(UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\uD83D", "\uDE00", "\uDE00\uD83D", "a\uD83Db", "\uD83D\uD83D\uDE00", "\uD83D\n\uDE00"})
    @DisplayName("a lone surrogate becomes U+FFFD")
    void loneSurrogates(String data) {
        writer.event(null, null, data);
        assertThat(bytes(writer)).isEqualTo(expectedFrame(data));
        assertThat(writer.toString()).contains("\uFFFD");
    }

    @Test
    @DisplayName("any text is written right into a buffer of any size")
    void anyText() {
        Random random = new Random(20260101);
        String[] pieces = {
            "a",
            "b",
            " ",
            ":",
            "\n",
            "\r",
            "\r\n",
            "\0",
            "\u007F",
            "\u0080",
            "ü",
            "\u07FF",
            "\u0800",
            "€",
            "\uFFFF",
            "\uD83D\uDE00",
            "\uD800\uDC00",
            "\uDBFF\uDFFF",
            "\uD83D",
            "\uDE00",
            "data: ",
            "abcdefghijklmnop"
        };
        for (int round = 0; round < 20_000; round++) {
            StringBuilder data = new StringBuilder();
            // Few kinds of pieces in most rounds, so that runs of one kind meet the end of the buffer, too.
            int kinds = 1 + random.nextInt(pieces.length);
            int offset = random.nextInt(pieces.length);
            for (int length = random.nextInt(40); length > 0; length--) {
                data.append(pieces[(offset + random.nextInt(kinds)) % pieces.length]);
            }
            SseWriter any = new SseWriter(random.nextInt(64));
            any.event(null, null, data.toString());
            assertThat(bytes(any))
                    .as(() -> "frame of " + escaped(data.toString()))
                    .isEqualTo(expectedFrame(data.toString()));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "ü", "€", "\uD83D\uDE00", "\uD83D", "\n", "\r\n", "a€", "€a", "\uD83D\uDE00a"})
    @DisplayName("the buffer grows wherever its end falls")
    void growth(String unit) {
        for (int capacity = 0; capacity < 40; capacity++) {
            for (int count = 0; count < 40; count++) {
                String data = unit.repeat(count);
                SseWriter small = new SseWriter(capacity);
                small.event(null, null, data);
                assertThat(bytes(small)).isEqualTo(expectedFrame(data));
            }
        }
    }

    @Test
    @DisplayName("a large event, and many small ones, fit")
    void manyBytes() {
        String large = "0123456789\uD83D\uDE00".repeat(100_000);
        writer.event(null, null, large);
        assertThat(bytes(writer)).isEqualTo(expectedFrame(large));
        int before = writer.size();
        for (int i = 0; i < 10_000; i++) {
            writer.event(null, null, "x");
        }
        assertThat(writer.size()).isEqualTo(before + 10_000 * "data: x\n\n".length());
    }

    @Test
    @DisplayName("a comment ends in one LF, and an empty one is a colon only")
    void comment() {
        writer.comment("").comment("still here ü").event(null, null, "x");
        assertThat(writer).hasToString(":\n: still here ü\ndata: x\n\n");
    }

    @Test
    @DisplayName("retry goes out with the next event and with no other")
    void retryOnce() {
        writer.retry(3000);
        assertThat(writer.size()).isZero();
        writer.comment("").event(null, null, "a").event(null, null, "b");
        assertThat(writer).hasToString(":\nretry: 3000\ndata: a\n\ndata: b\n\n");
    }

    @Test
    @DisplayName("retry may be 0, the last one counts, and it waits through a clear and a refused event")
    void retryValues() {
        writer.retry(5).retry(0).clear();
        assertThatIllegalArgumentException().isThrownBy(() -> writer.event("a\nb", null, "x"));
        writer.event(null, null, "a");
        assertThat(writer).hasToString("retry: 0\ndata: a\n\n");
    }

    @Test
    @DisplayName("a negative retry is refused by name and changes nothing")
    void negativeRetry() {
        assertThatIllegalArgumentException().isThrownBy(() -> writer.retry(-1)).withMessageContaining("-1");
        writer.event(null, null, "a");
        assertThat(writer).hasToString("data: a\n\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r", "\0", "a\nb", "a\rb", "a\r\nb", "a\0", ""})
    @DisplayName("R14 an id or type that would break a frame is refused, and nothing is written")
    void forgedFields(String value) {
        writer.event("s:0", "first", "data");
        byte[] before = bytes(writer);

        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.event(value, "type", "x"))
                .withMessageContaining("event id");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.event("s:1", value, "x"))
                .withMessageContaining("event type");
        assertThat(bytes(writer)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "a\rb", "a\0b", "keep\n\ndata: forged"})
    @DisplayName("R14 a comment that would break out is refused, and nothing is written")
    void forgedComment(String text) {
        writer.comment("ok");
        assertThatIllegalArgumentException().isThrownBy(() -> writer.comment(text));
        assertThat(writer).hasToString(": ok\n");
    }

    @Test
    @DisplayName("what is refused is named, on one line, with the place of the offence")
    void refusalNamesTheValue() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> writer.event("ab\rcd", null, "x"))
                .withMessage("event id holds CR at index 2: \"ab?cd\"");
    }

    @Test
    @DisplayName("after a clear the buffer is as new")
    void clear() {
        writer.event("s:0", "a", "long enough to leave something behind");
        writer.clear();
        assertThat(writer.size()).isZero();
        assertThat(bytes(writer)).isEmpty();
        writer.event(null, null, "b");
        assertThat(writer).hasToString("data: b\n\n");
        assertThat(writer.size()).isEqualTo(9);
    }

    @Test
    @DisplayName("the buffer is written in one call, and can be written again")
    void writeTo() throws IOException {
        AtomicInteger calls = new AtomicInteger();
        ByteArrayOutputStream out = new ByteArrayOutputStream() {
            @Override
            public void write(byte[] b, int off, int len) {
                calls.incrementAndGet();
                super.write(b, off, len);
            }
        };
        writer.event(null, null, "a").comment("");
        writer.writeTo(out);
        assertThat(calls).hasValue(1);
        writer.writeTo(out);
        assertThat(out.toString(UTF_8)).isEqualTo("data: a\n\n:\ndata: a\n\n:\n");
    }

    @Test
    @DisplayName("what the stream throws comes through")
    void brokenStream() {
        OutputStream broken = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                throw new IOException("the client has left");
            }
        };
        writer.comment("");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> writer.writeTo(broken))
                .withMessage("the client has left");
    }

    private static byte[] bytes(SseWriter writer) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            writer.writeTo(out);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        assertThat(writer.size()).isEqualTo(out.size());
        return out.toByteArray();
    }

    /** Made in another way than by the writer: with the JDK's regular expressions and its encoder. */
    private static byte[] expectedFrame(String data) {
        StringBuilder wellFormed = new StringBuilder();
        data.codePoints().forEach(c -> wellFormed.appendCodePoint(c >= 0xD800 && c <= 0xDFFF ? 0xFFFD : c));
        StringBuilder frame = new StringBuilder();
        for (String line : wellFormed.toString().split("\r\n|\r|\n", -1)) {
            frame.append("data: ").append(line).append('\n');
        }
        return frame.append('\n').toString().getBytes(UTF_8);
    }

    private static String escaped(String text) {
        return Arrays.toString(text.chars().mapToObj(Integer::toHexString).toArray());
    }

    @Test
    @DisplayName("R7 the buffer can be written in slices")
    void writesSlices() throws IOException {
        writer.event(null, null, "abc");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.writeTo(out, 0, 6);
        writer.writeTo(out, 6, writer.size() - 6);
        assertThat(out.toString(UTF_8)).isEqualTo("data: abc\n\n");
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> writer.writeTo(out, 6, writer.size()));
    }

    @Test
    @DisplayName("R16 an entry that could only be written in part is removed again")
    void truncates() {
        writer.event(null, null, "a");
        int whole = writer.size();
        writer.event(null, null, "b").truncate(whole);
        assertThat(writer.toString()).isEqualTo("data: a\n\n");
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> writer.truncate(whole + 1));
    }
}
