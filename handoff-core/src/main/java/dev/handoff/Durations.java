package dev.handoff;

import java.time.Duration;

/** Checks and converts durations that are given as settings. */
final class Durations {

    private Durations() {}

    static Duration requirePositive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " is not positive: " + value);
        }
        return value;
    }

    /** Returns the nanoseconds of a duration, or the largest value if there are more than 292 years. */
    static long saturatedNanos(Duration value) {
        try {
            return value.toNanos();
        } catch (ArithmeticException e) {
            return Long.MAX_VALUE;
        }
    }

    /** Returns the value, if it is 1 or more. */
    static long requirePositive(String name, long value) {
        if (value < 1) {
            throw new IllegalArgumentException(name + " is not positive: " + value);
        }
        return value;
    }
}
