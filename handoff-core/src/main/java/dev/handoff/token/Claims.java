// SPDX-License-Identifier: Apache-2.0
package dev.handoff.token;

import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** Checks the claims of a grant. They stand in the address of a stream, so they have to be few and short. */
final class Claims {

    static final int MAX_COUNT = 16;
    static final int MAX_BYTES = 1024;

    private Claims() {}

    /**
     * Returns a copy of the claims.
     *
     * @throws IllegalArgumentException if there are too many, they are too long, a name is empty, or a text has no UTF-8; the message shows
     *     names and no values
     */
    static Map<String, String> copyOf(Map<String, String> claims) {
        Map<String, String> copy = Map.copyOf(claims);
        if (copy.size() > MAX_COUNT) {
            throw new IllegalArgumentException(
                    "a grant can have " + MAX_COUNT + " claims, not " + copy.size() + ": " + copy.keySet());
        }
        int bytes = 0;
        for (Map.Entry<String, String> claim : copy.entrySet()) {
            String name = claim.getKey();
            if (name.isEmpty()) {
                throw new IllegalArgumentException("a claim of a grant has an empty name");
            }
            bytes += length(name, name) + length(name, claim.getValue());
        }
        if (bytes > MAX_BYTES) {
            throw new IllegalArgumentException("the claims of a grant can have " + MAX_BYTES
                    + " bytes with their names, not " + bytes + ": " + copy.keySet());
        }
        return copy;
    }

    /** Returns the number of bytes in UTF-8. A text with a lone surrogate would be another one after it was sealed and opened. */
    private static int length(String name, String text) {
        try {
            return StandardCharsets.UTF_8
                    .newEncoder()
                    .encode(CharBuffer.wrap(text))
                    .remaining();
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("a claim of a grant has an unpaired surrogate: " + name, e);
        }
    }
}
