// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.check.Durations;
import java.time.Duration;

/**
 * Holds the times that limit how often streams with readers are fetched.
 *
 * @param shortest the time between two fetches of a stream that has just received entries
 * @param longest the time between two fetches of a stream without new entries for a long time
 */
public record PollInterval(Duration shortest, Duration longest) {

    /**
     * Checks the times.
     *
     * @throws IllegalArgumentException if a time is less than a millisecond or more than a hundred years, or the shortest is longer than the
     *     longest
     */
    public PollInterval {
        Durations.requireMillis("shortest", shortest);
        Durations.requireMillis("longest", longest);
        if (shortest.compareTo(longest) > 0) {
            throw new IllegalArgumentException("shortest is longer than longest: " + shortest + ", " + longest);
        }
    }
}
