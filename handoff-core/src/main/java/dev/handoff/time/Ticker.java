// SPDX-License-Identifier: Apache-2.0
package dev.handoff.time;

/**
 * Returns monotonic time for local schedules such as deadlines, retention and heartbeats. Unlike a {@link java.time.Clock} it never goes
 * back and cannot be set. Only the difference of two values from the same JVM has a meaning: it is a duration.
 *
 * <p>Implementations must be thread-safe and must not block.
 */
@FunctionalInterface
public interface Ticker {

    /** Returns the time in nanoseconds since an arbitrary origin, as {@link System#nanoTime} does. */
    long read();

    /** Returns the ticker of this JVM, {@link System#nanoTime}. */
    static Ticker system() {
        return System::nanoTime;
    }
}
