package dev.handoff;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** Makes and checks the ids that a task and its stream share: 128 bits, written as 32 lower-case hexadecimal digits. */
final class TaskIds {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int BYTES = 16;

    private TaskIds() {}

    static String random() {
        byte[] bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /**
     * The input of the keyed hash that gives all retries of one request the same id on every server. No two pairs of subject
     * and key have the same.
     */
    static byte[] ofRetries(@Nullable String subject, String idempotencyKey) {
        return sha256(subject == null ? "-" : "+" + subject, idempotencyKey);
    }

    /** The id that begins a hash. */
    static String from(byte[] hash) {
        return HexFormat.of().formatHex(hash, 0, BYTES);
    }

    static String require(String id) {
        boolean valid = id.length() == 2 * BYTES;
        for (int i = 0; valid && i < id.length(); i++) {
            char c = id.charAt(i);
            valid = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        }
        if (!valid) {
            throw new IllegalArgumentException("not a task id (32 lower-case hexadecimal digits): " + id);
        }
        return id;
    }

    /** A hash in which each part is preceded by its length, so that no two lists of parts run together. */
    static byte[] sha256(String... parts) {
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

    /** UTF-8; a text that has none, because of a lone surrogate, by its chars after a byte that UTF-8 never has. */
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
