// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Lets tests wait for a condition instead of a fixed time. */
public final class Await {

    private Await() {}

    /** Returns a factory of waits. A wait checks its condition every 2 ms and fails the test after 20 s. */
    public static ConditionFactory await() {
        // Some tests let a handler throw an Error, which ends its thread. Awaitility must not fail the test because of
        // such an error.
        return Awaitility.await()
                .dontCatchUncaughtExceptions()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(Duration.ofSeconds(20));
    }
}
