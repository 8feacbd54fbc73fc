package dev.handoff;

import java.time.Duration;

/** Checks durations that are given as settings. */
final class Durations {

    private Durations() {}

    static Duration requirePositive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " is not positive: " + value);
        }
        return value;
    }
}
