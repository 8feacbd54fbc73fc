// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.Failures;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes over the tasks of lost workers, ends tasks that have been queued for too long, cancels tasks without readers, and deletes expired
 * documents. Any number of processes may sweep at the same time.
 *
 * <p>Thread-safe. A sweep that begins while another one runs in this process does nothing.
 */
final class Sweeper {

    private static final Logger logger = LoggerFactory.getLogger(Sweeper.class);
    private static final int MOST_RUNNING = 10_000;
    private static final int MOST_EXPIRED = 100;
    private static final int LONGEST_QUEUE = 10_000;
    private static final Duration EXPIRY_INTERVAL = Duration.ofMinutes(1);

    private final Database database;
    private final Takeover takeover;
    private final Attendance attendance;
    private final QueueSettings settings;
    private final HandoffObserver observer;
    private final Ticker ticker;
    private final Throttle lostDue;
    private final Throttle othersDue;
    private final Throttle expiryDue;
    private final AtomicBoolean sweeping = new AtomicBoolean();

    private volatile boolean failing;

    // Used only by the thread that sweeps.
    private final LostWorkers lostWorkers;

    Sweeper(
            Database database,
            Takeover takeover,
            Attendance attendance,
            QueueSettings settings,
            HandoffObserver observer) {
        this.database = database;
        this.takeover = takeover;
        this.attendance = attendance;
        this.settings = settings;
        this.observer = observer;
        this.ticker = settings.ticker();
        // Two readings per interval find a lost worker within a lease and one interval. Both throttles are due a
        // quarter early, because streaming servers call this only about once a second, and their next call could come
        // too late.
        this.lostDue =
                new Throttle(ticker, settings.sweepInterval().multipliedBy(3).dividedBy(8));
        this.othersDue =
                new Throttle(ticker, settings.sweepInterval().multipliedBy(3).dividedBy(4));
        this.expiryDue = new Throttle(ticker, EXPIRY_INTERVAL);
        Duration halfLease = settings.lease().dividedBy(2);
        Duration missedOne = settings.sweepInterval().multipliedBy(3).dividedBy(2);
        this.lostWorkers =
                new LostWorkers(settings.lease(), halfLease.compareTo(missedOne) > 0 ? halfLease : missedOne);
    }

    /** Returns whether a sweep is due. Returns true to one caller only, which must then call {@link #sweepDue}. */
    boolean isDue() {
        return !sweeping.get() && lostDue.tryAcquire();
    }

    /** Takes over lost tasks, and runs the rest of the sweep if that is due. Blocks. Throws nothing. */
    void sweepDue() {
        try {
            sweep(othersDue.tryAcquire());
            failing = false;
        } catch (RuntimeException e) {
            if (!failing) {
                failing = true;
                Failures.log(logger, e, "a sweep failed, and the next one tries again: {}");
            }
        }
    }

    /** Runs a complete sweep. Blocks. */
    void sweep() {
        sweep(true);
    }

    private void sweep(boolean others) {
        if (!sweeping.compareAndSet(false, true)) {
            return;
        }
        long began = ticker.read();
        try {
            int lost = takeLost();
            if (others) {
                endExpired();
                attendance.cancelUnattended();
                if (observer != HandoffObserver.NONE) {
                    database.queueLengths(settings.types(), LONGEST_QUEUE).forEach(observer::queueLength);
                }
                if (expiryDue.tryAcquire()) {
                    database.deleteExpired();
                }
            }
            observer.swept(lost, Duration.ofNanos(ticker.read() - began));
        } finally {
            sweeping.set(false);
        }
    }

    private int takeLost() {
        int taken = 0;
        boolean more;
        do {
            int before = taken;
            LostWorkers.Found lost = observe();
            long observed = ticker.read();
            more = false;
            for (HeldTask task : inOwnOrder(lost.tasks())) {
                taken += takeOrLeave(task, Takeover.Cause.LOST);
                if (ticker.read() - observed > settings.lease().toNanos() / 4) {
                    // The reading is too old, because a worker may have written its beat since.
                    more = taken > before;
                    break;
                }
            }
            lost.idle().forEach(database::forget);
        } while (more);
        return taken;
    }

    private LostWorkers.Found observe() {
        boolean complete = false;
        try {
            long began = ticker.read();
            // The tasks must be read before the beats; see LostWorkers.
            List<HeldTask> running =
                    lostWorkers.hasRead() ? database.runningExceptOf(lostWorkers.live(began), MOST_RUNNING) : List.of();
            Map<String, Long> beats = database.beats();
            complete = true;
            LostWorkers.Found lost = lostWorkers.observe(began, ticker.read(), running, beats);
            // If the answer reached the limit, a worker that has no task in the answer may still have tasks in the
            // database.
            return running.size() < MOST_RUNNING ? lost : new LostWorkers.Found(lost.tasks(), Map.of());
        } finally {
            if (!complete) {
                lostWorkers.restart();
            }
        }
    }

    /** Orders tasks differently in each process, so that sweepers that find the same tasks begin with different ones. */
    private List<HeldTask> inOwnOrder(List<HeldTask> tasks) {
        List<HeldTask> ordered = new ArrayList<>(tasks);
        ordered.sort(Comparator.comparingInt(t -> (settings.name() + t.id()).hashCode()));
        return ordered;
    }

    /**
     * Takes a task over. Returns 1 if it was taken, else 0. Logs a failure instead of throwing it, so that the caller continues with the
     * next task.
     */
    private int takeOrLeave(HeldTask task, Takeover.Cause cause) {
        try {
            return takeover.take(task, cause) ? 1 : 0;
        } catch (RuntimeException e) {
            Failures.log(logger, e, "task {} could not be taken over, and a later sweep tries again: {}", task.id());
            return 0;
        }
    }

    private void endExpired() {
        for (HeldTask task : database.queuedLongerThan(settings.maxQueueTime(), MOST_EXPIRED)) {
            takeOrLeave(task, Takeover.Cause.EXPIRED);
        }
    }
}
