package dev.handoff.mongo.database;

import dev.handoff.observation.HandoffObserver;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Passes everything to an observer of the application, and logs what that throws. */
public final class GuardedObserver implements HandoffObserver {

    private static final Logger logger = LoggerFactory.getLogger(GuardedObserver.class);

    private final HandoffObserver observer;
    private volatile boolean failed;

    private GuardedObserver(HandoffObserver observer) {
        this.observer = observer;
    }

    /** Returns an observer that passes everything to another and never throws. */
    public static HandoffObserver of(HandoffObserver observer) {
        return observer == NONE || observer instanceof GuardedObserver ? observer : new GuardedObserver(observer);
    }

    private void guard(Runnable call) {
        try {
            call.run();
        } catch (RuntimeException | Error e) {
            if (failed) {
                logger.debug("the observer has failed again", e);
            } else {
                failed = true;
                logger.warn("the observer has failed; further failures are logged at debug level", e);
            }
        }
    }

    @Override
    public void committed(int batches, int events, long bytes, Duration took) {
        guard(() -> observer.committed(batches, events, bytes, took));
    }

    @Override
    public void commitRetried(int batches) {
        guard(() -> observer.commitRetried(batches));
    }

    @Override
    public void pendingBytes(long bytes) {
        guard(() -> observer.pendingBytes(bytes));
    }

    @Override
    public void fenced(String streamId) {
        guard(() -> observer.fenced(streamId));
    }

    @Override
    public void fetched(int streams, int batches, long bytes, Duration took) {
        guard(() -> observer.fetched(streams, batches, bytes, took));
    }

    @Override
    public void tailLag(Duration lag) {
        guard(() -> observer.tailLag(lag));
    }

    @Override
    public void claimed(String type, Duration queued) {
        guard(() -> observer.claimed(type, queued));
    }

    @Override
    public void queueLength(String type, long tasks) {
        guard(() -> observer.queueLength(type, tasks));
    }

    @Override
    public void swept(int lost, Duration took) {
        guard(() -> observer.swept(lost, took));
    }

    @Override
    public void leaseAge(Duration age) {
        guard(() -> observer.leaseAge(age));
    }
}
