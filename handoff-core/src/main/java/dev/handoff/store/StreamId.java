// SPDX-License-Identifier: Apache-2.0
package dev.handoff.store;

import java.security.SecureRandom;
import java.util.HexFormat;

/** Creates and checks the ids that a task and its stream share: 128 bits, written as 32 lower-case hexadecimal digits. */
public final class StreamId {

    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int BYTES = 16;

    private StreamId() {}

    /** Returns a new id that cannot be guessed. */
    public static String random() {
        byte[] bytes = new byte[BYTES];
        RANDOM.nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }

    /** Returns the id that consists of the first 16 bytes of a hash. */
    public static String from(byte[] hash) {
        return HexFormat.of().formatHex(hash, 0, BYTES);
    }

    /**
     * Returns the id, if it is valid.
     *
     * @throws IllegalArgumentException if it is not an id; the message holds it
     */
    public static String require(String id) {
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
}
