// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.nio.charset.Charset;
import java.util.Arrays;

/** Holds the bytes of a line, and searches them without a copy. Not thread-safe. */
final class Line {

    private byte[] bytes = new byte[192];
    private int length;

    void append(byte b) {
        if (length == bytes.length) {
            bytes = Arrays.copyOf(bytes, 2 * length);
        }
        bytes[length++] = b;
    }

    void clear() {
        length = 0;
    }

    boolean isEmpty() {
        return length == 0;
    }

    String text(Charset charset) {
        return new String(bytes, 0, length, charset);
    }

    boolean startsWith(String ascii) {
        return matches(0, ascii);
    }

    /** Returns the first index from {@code from} on at which the character is; the last index of the line if there is none. */
    int indexOf(char ascii, int from) {
        int index = from;
        while (index < length - 1 && bytes[index] != ascii) {
            index++;
        }
        return index;
    }

    /** Returns the decimal number that begins at an index; 0 if no digit is there. */
    long number(int from) {
        long number = 0;
        for (int i = from; i < length && bytes[i] >= '0' && bytes[i] <= '9'; i++) {
            number = number * 10 + bytes[i] - '0';
        }
        return number;
    }

    /** Returns the decimal number that follows the first occurrence of a text; 0 if there is none. */
    long numberAfter(String ascii) {
        for (int i = 0; i + ascii.length() < length; i++) {
            if (matches(i, ascii)) {
                return number(i + ascii.length());
            }
        }
        return 0;
    }

    private boolean matches(int from, String ascii) {
        if (from + ascii.length() > length) {
            return false;
        }
        for (int i = 0; i < ascii.length(); i++) {
            if (bytes[from + i] != ascii.charAt(i)) {
                return false;
            }
        }
        return true;
    }
}
