package dev.handoff.testkit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** Waits for a condition instead of a time. */
public final class Await {

    private Await() {}

    /** Returns a factory of conditions that are checked every 2 ms and fail the test after 20 s. */
    public static ConditionFactory await() {
        // Some tests let a handler throw an Error. It kills the thread of the handler and must not fail the test as
        // well.
        return Awaitility.await()
                .dontCatchUncaughtExceptions()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(Duration.ofSeconds(20));
    }
}
