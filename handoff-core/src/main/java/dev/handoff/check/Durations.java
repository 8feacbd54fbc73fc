// SPDX-License-Identifier: Apache-2.0
package dev.handoff.check;

import java.time.Duration;

/** Checks and converts the durations in settings. */
public final class Durations {

    private static final Duration LONGEST = Duration.ofDays(36_500);

    private Durations() {}

    /**
     * Returns the time, if it is more than zero.
     *
     * @throws IllegalArgumentException if it is not; the message holds the name and the time
     */
    public static Duration requirePositive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " is not positive: " + value);
        }
        return value;
    }

    /**
     * Returns the time, if it is a millisecond or more, and not more than a hundred years. Use this for times that are converted to
     * milliseconds or added to an instant.
     *
     * @throws IllegalArgumentException if it is not; the message holds the name and the time
     */
    public static Duration requireMillis(String name, Duration value) {
        if (value.compareTo(Duration.ofMillis(1)) < 0) {
            throw new IllegalArgumentException(name + " is less than a millisecond: " + value);
        }
        return requireBounded(name, value);
    }

    /**
     * Returns the time, if it is zero or more, and not more than a hundred years.
     *
     * @throws IllegalArgumentException if it is not; the message holds the name and the time
     */
    public static Duration requireNotNegative(String name, Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException(name + " is negative: " + value);
        }
        return requireBounded(name, value);
    }

    private static Duration requireBounded(String name, Duration value) {
        if (value.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(name + " is more than a hundred years: " + value);
        }
        return value;
    }

    /** Returns the nanoseconds of a time, or {@link Long#MAX_VALUE} if it is longer than 292 years. */
    public static long saturatedNanos(Duration value) {
        try {
            return value.toNanos();
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }
}
