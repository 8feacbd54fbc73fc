package dev.handoff.mongo.database;

import java.time.Duration;

/** Checks settings of a time. All are used in milliseconds, and some are added to the time of day. */
public final class Durations {

    private static final Duration LONGEST = Duration.ofDays(36_500);

    private Durations() {}

    /** Returns the value, if it is a millisecond or more, and not more than a hundred years. */
    public static Duration requirePositive(String name, Duration value) {
        if (value.compareTo(Duration.ofMillis(1)) < 0) {
            throw new IllegalArgumentException(name + " is less than a millisecond: " + value);
        }
        return requireBounded(name, value);
    }

    /** Returns the value, if it is zero or more, and not more than a hundred years. */
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
}
