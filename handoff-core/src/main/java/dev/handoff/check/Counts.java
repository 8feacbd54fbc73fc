// SPDX-License-Identifier: Apache-2.0
package dev.handoff.check;

/** Checks the numbers in settings. */
public final class Counts {

    private Counts() {}

    /**
     * Returns the number, if it is 1 or more.
     *
     * @throws IllegalArgumentException if it is not; the message holds the name and the number
     */
    public static int requirePositive(String name, int value) {
        return (int) requirePositive(name, (long) value);
    }

    /**
     * Returns the number, if it is 1 or more.
     *
     * @throws IllegalArgumentException if it is not; the message holds the name and the number
     */
    public static long requirePositive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is not positive: " + value);
        }
        return value;
    }
}
