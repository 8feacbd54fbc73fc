package dev.handoff.mongo.task;

import dev.handoff.HandoffObserver;
import java.time.Duration;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls the observer of the application, and logs what it throws. Thread-safe. */
final class GuardedObserver {

    private static final Logger logger = LoggerFactory.getLogger(GuardedObserver.class);

    private final HandoffObserver observer;

    GuardedObserver(HandoffObserver observer) {
        this.observer = observer;
    }

    /** Returns whether anybody observes, so that values for it are worth a query. */
    boolean isPresent() {
        return observer != HandoffObserver.NONE;
    }

    void claimed(String type, Duration queued) {
        call(() -> observer.claimed(type, queued));
    }

    void queueLengths(Map<String, Long> lengths) {
        lengths.forEach((type, tasks) -> call(() -> observer.queueLength(type, tasks)));
    }

    void swept(int lost, Duration took) {
        call(() -> observer.swept(lost, took));
    }

    void leaseAge(Duration age) {
        call(() -> observer.leaseAge(age));
    }

    private static void call(Runnable notification) {
        try {
            notification.run();
        } catch (Throwable e) {
            // Code in other languages of the JVM also throws checked exceptions.
            logger.warn("the observer threw", e);
        }
    }
}
