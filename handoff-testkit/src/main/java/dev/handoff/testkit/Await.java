package dev.handoff.testkit;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** How the contracts wait: for a condition, looked at often. */
final class Await {

    private Await() {}

    static ConditionFactory await() {
        // Some tests let a handler throw an Error, which is to be seen by the thread that it kills and by no other.
        return Awaitility.await()
                .dontCatchUncaughtExceptions()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(2))
                .atMost(Duration.ofSeconds(20));
    }
}
