// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Decodes request bodies strictly: malformed input is an error, and a byte order mark is not part of the text. */
final class BodyText {

    private static final char BYTE_ORDER_MARK = '\uFEFF';
    private static final char REPLACEMENT = '\uFFFD';

    private BodyText() {}

    /**
     * Returns the text that the bytes encode.
     *
     * @param declared the charset that the request names, or null if it names none. Null means UTF-16 if the bytes begin with a byte order
     *     mark of UTF-16, else UTF-8
     * @throws ProblemException with status 400 if the bytes are malformed
     */
    static String decode(byte[] bytes, @Nullable Charset declared) {
        Charset charset = declared == null ? implied(bytes) : declared;
        String text = new String(bytes, charset);
        // The constructor replaces malformed bytes. Only a text with a replacement character can be malformed, so only
        // that is decoded again.
        if (text.indexOf(REPLACEMENT) >= 0) {
            requireWellFormed(bytes, charset);
        }
        return !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK ? text.substring(1) : text;
    }

    private static Charset implied(byte[] bytes) {
        boolean utf16 = bytes.length >= 2
                && ((bytes[0] == (byte) 0xFE && bytes[1] == (byte) 0xFF)
                        || (bytes[0] == (byte) 0xFF && bytes[1] == (byte) 0xFE));
        return utf16 ? StandardCharsets.UTF_16 : StandardCharsets.UTF_8;
    }

    private static void requireWellFormed(byte[] bytes, Charset charset) {
        CharsetDecoder decoder = charset.newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(4096);
        CoderResult result = CoderResult.OVERFLOW;
        while (result.isOverflow()) {
            out.clear();
            result = decoder.decode(in, out, true);
        }
        if (result.isError()) {
            throw ProblemCode.MALFORMED_CONTENT.exception(
                    "The content is not valid " + charset.name() + " at byte " + in.position() + '.');
        }
    }
}
