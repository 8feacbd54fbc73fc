// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Hashes a list of texts. Encodes different lists as different bytes. Thread-safe. */
public final class PartsDigest {

    private PartsDigest() {}

    /** Returns the SHA-256 hash of the parts. Each part is preceded by its length. */
    public static byte[] sha256(String... parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : parts) {
                byte[] bytes = bytesOf(part);
                digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, bytes.length));
                digest.update(bytes);
            }
            return digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /**
     * Returns the text in UTF-8. UTF-8 cannot encode a lone surrogate. A text with one is encoded as a byte that UTF-8 never uses, followed
     * by its chars.
     */
    private static byte[] bytesOf(String text) {
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
            return bytes;
        } catch (CharacterCodingException e) {
            ByteBuffer chars = ByteBuffer.allocate(1 + Character.BYTES * text.length());
            chars.put((byte) 0xFF).asCharBuffer().put(text);
            return chars.array();
        }
    }
}
