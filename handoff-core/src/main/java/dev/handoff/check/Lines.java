// SPDX-License-Identifier: Apache-2.0
package dev.handoff.check;

/** Checks texts that must not contain a line break, such as header values and the fields of an event. */
public final class Lines {

    private Lines() {}

    /**
     * Checks that a text holds no CR, LF or NUL.
     *
     * @throws IllegalArgumentException if it holds one; the message names the character and its index, and holds the text without control
     *     characters
     */
    public static void requireOne(String what, String value) {
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\n' || c == '\r' || c == '\0') {
                throw new IllegalArgumentException(what + " holds " + (c == '\n' ? "LF" : c == '\r' ? "CR" : "NUL")
                        + " at index " + i + ": \"" + value.replaceAll("\\p{Cntrl}", "?") + '"');
            }
        }
    }
}
