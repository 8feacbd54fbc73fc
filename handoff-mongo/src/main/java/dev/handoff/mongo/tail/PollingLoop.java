package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.Failures;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Polls as long as there is something to poll for. After a failure it pauses, longer each time. */
public final class PollingLoop {

    private static final Logger logger = LoggerFactory.getLogger(PollingLoop.class);
    private static final long SHORTEST_PAUSE_AFTER_FAILURE_MILLIS = 100;
    private static final long LONGEST_PAUSE_AFTER_FAILURE_MILLIS = 2000;

    private final ScheduledExecutorService executor;
    private final long pauseMillis;
    private final BooleanSupplier isIdle;
    private final Runnable look;
    private final AtomicBoolean running = new AtomicBoolean();

    // Only the loop's.
    private long lastPauseMillis;

    /**
     * A loop that has not begun.
     *
     * @param pause the time between two looks that did not fail
     * @param isIdle whether there is nothing to look for, which ends the loop until it is begun again
     */
    public PollingLoop(ScheduledExecutorService executor, Duration pause, BooleanSupplier isIdle, Runnable look) {
        this.executor = executor;
        this.pauseMillis = pause.toMillis();
        this.isIdle = isIdle;
        this.look = look;
    }

    /** Begins the loop. Does nothing if it is running, so readers may call this as often as they like. */
    public void begin() {
        if (!running.get() && running.compareAndSet(false, true)) {
            schedule(0);
        }
    }

    private void schedule(long millis) {
        try {
            executor.schedule(this::poll, millis, TimeUnit.MILLISECONDS);
        } catch (RuntimeException | Error e) {
            // The next read of a stream that is followed begins the loop anew.
            running.set(false);
            logger.debug("the executor does not poll, streams are not followed", e);
        }
    }

    private void poll() {
        if (isIdle.getAsBoolean()) {
            running.set(false);
            // Something may have come between the look and the flag.
            if (isIdle.getAsBoolean() || !running.compareAndSet(false, true)) {
                return;
            }
        }
        try {
            look.run();
            lastPauseMillis = pauseMillis;
        } catch (RuntimeException | Error e) {
            // Of whatever kind: without this loop all readers would wait for ever.
            lastPauseMillis = Math.min(
                    Math.max(SHORTEST_PAUSE_AFTER_FAILURE_MILLIS, 2 * lastPauseMillis),
                    LONGEST_PAUSE_AFTER_FAILURE_MILLIS);
            Failures.log(logger, e, "streams could not be followed, trying again in {} ms: {}", lastPauseMillis);
        }
        schedule(lastPauseMillis);
    }
}
