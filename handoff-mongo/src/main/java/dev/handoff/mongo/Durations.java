package dev.handoff.mongo;

import java.time.Duration;

/** Checks settings of a time. All are used in milliseconds. */
final class Durations {

    private Durations() {}

    /** Returns the value, if it is a millisecond or more. */
    static Duration requirePositive(String name, Duration value) {
        if (value.isNegative() || value.toMillis() == 0) {
            throw new IllegalArgumentException(name + " is less than a millisecond: " + value);
        }
        return value;
    }
}
