package dev.handoff.mongo.testing;

import java.time.Duration;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;

/** How these tests wait: for a condition, looked at often. */
public final class Await {

    private Await() {}

    public static ConditionFactory await() {
        return Awaitility.await()
                .dontCatchUncaughtExceptions()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(3))
                .atMost(Duration.ofSeconds(20));
    }
}
