// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.Failures;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Compares the tasks that a worker runs with the tasks that it owns in the database: four times a second while it runs a task, else three
 * times per lease. Cancels tasks that are marked for cancellation. Stops tasks that another process has taken. Takes over tasks that the
 * worker owns but does not run, which happens if the answer to a claim was lost or an end could not be recorded.
 *
 * <p>Thread-safe. One thread at a time compares.
 */
final class OwnedTasks {

    private static final Logger logger = LoggerFactory.getLogger(OwnedTasks.class);
    private static final long INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long PAUSE_AFTER_FAILURE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final long UNKNOWN_FOR_NANOS = TimeUnit.SECONDS.toNanos(1);
    /** A comparison reads at most this many tasks more than the worker may run. */
    private static final int MORE_TASKS = 100;

    /** A task that this worker owns but does not run. */
    private record Unknown(HeldTask task, long lastClaim, long since) {}

    private final Database database;
    private final String owner;
    private final int limit;
    private final long idleIntervalNanos;
    private final Ticker ticker;
    private final ConcurrentMap<String, RunningTask> running;
    private final Claims claims;
    private final Takeover takeover;
    private final Predicate<Runnable> stops;
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile long last;
    private volatile long notBefore;
    private volatile boolean soon = true;
    private volatile boolean hasUnknown;

    // Used only by the thread that compares.
    private final Map<String, Unknown> unknown = new HashMap<>();
    private boolean failing;

    /**
     * @param stops submits an action that may block, and returns whether it was accepted
     */
    OwnedTasks(
            Database database,
            String owner,
            int maxRunning,
            Duration lease,
            Ticker ticker,
            ConcurrentMap<String, RunningTask> running,
            Claims claims,
            Takeover takeover,
            Predicate<Runnable> stops) {
        this.database = database;
        this.owner = owner;
        this.limit = maxRunning + MORE_TASKS;
        this.idleIntervalNanos = Math.max(INTERVAL_NANOS, lease.toNanos() / 3);
        this.ticker = ticker;
        this.running = running;
        this.claims = claims;
        this.takeover = takeover;
        this.stops = stops;
        this.last = ticker.read();
        this.notBefore = last;
    }

    /** Compares, if a comparison is due and no other thread is comparing. Throws nothing. Blocks until the database answers. */
    void lookIfDue() {
        if (!isDue() || !looking.compareAndSet(false, true)) {
            return;
        }
        try {
            if (isDue()) {
                look();
            }
        } finally {
            looking.set(false);
        }
    }

    private boolean isDue() {
        long now = ticker.read();
        long interval = running.isEmpty() && !hasUnknown ? idleIntervalNanos : INTERVAL_NANOS;
        return now - notBefore >= 0 && (soon || now - last >= interval);
    }

    /** Makes the next comparison due at once, because the worker may own a task that it does not run. */
    void lookSoon() {
        soon = true;
    }

    private void look() {
        soon = false;
        last = ticker.read();
        try {
            compare();
            failing = false;
        } catch (RuntimeException | Error e) {
            if (!failing) {
                failing = true;
                Failures.log(logger, e, "worker {} cannot read its tasks and tries again: {}", owner);
            }
            soon = true;
            notBefore = ticker.read() + PAUSE_AFTER_FAILURE_NANOS;
        }
        hasUnknown = !unknown.isEmpty();
    }

    private void compare() {
        // These three reads must come first, in this order. A claim that has finished has registered its task in the
        // map. A task that has left the map ended before this reads the database.
        Map<String, Boolean> finished = new HashMap<>();
        unknown.forEach((id, task) -> finished.put(id, claims.haveFinished(task.lastClaim)));
        Map<String, RunningTask> ran = new HashMap<>(running);
        List<HeldTask> owned = database.runningOf(owner, limit);

        Map<String, HeldTask> byId = new HashMap<>();
        owned.forEach(task -> byId.put(task.id(), task));
        boolean complete = owned.size() < limit;
        ran.forEach((id, task) -> compare(task, byId.get(id), complete));

        unknown.keySet().retainAll(byId.keySet());
        for (HeldTask task : owned) {
            if (isRun(task, ran) || isRun(task, running)) {
                unknown.remove(task.id());
            } else {
                notRun(task, finished.getOrDefault(task.id(), false));
            }
        }
    }

    private void compare(RunningTask task, @Nullable HeldTask owned, boolean complete) {
        // The state of a run becomes final before its end is recorded in the database.
        if (task.stopping || running.get(task.id) != task || task.run.state().isFinal()) {
            return;
        }
        // This uses other threads, because a cancellation waits for an emit of the handler, for cancel actions and for
        // the database, and because all threads of the handlers may be busy. If no thread can be started, the next
        // comparison tries again.
        if (owned == null || owned.epoch() != task.epoch) {
            if (complete && isTaken(task)) {
                logger.info("another process has taken task {} from worker {}, so the worker stops it", task.id, owner);
                task.stopping = stops.test(task.run::release);
            }
        } else if (owned.cancel()) {
            task.stopping = stops.test(task.run::cancel);
        }
    }

    /**
     * Returns whether another process has taken a task. For a moment, a new primary can return an older state of the task. Such an answer
     * does not count.
     */
    private boolean isTaken(RunningTask task) {
        return database.task(task.id)
                .filter(record -> record.epoch() > task.epoch || record.state().isFinal())
                .isPresent();
    }

    private static boolean isRun(HeldTask task, Map<String, RunningTask> running) {
        RunningTask own = running.get(task.id());
        return own != null && own.epoch == task.epoch() && !own.released;
    }

    private void notRun(HeldTask task, boolean claimsFinished) {
        Unknown before = unknown.get(task.id());
        if (before == null || !before.task.equals(task)) {
            unknown.put(task.id(), new Unknown(task, claims.last(), ticker.read()));
        } else if (claimsFinished && ticker.read() - before.since >= UNKNOWN_FOR_NANOS) {
            // If no thread can be started, the next comparison tries again.
            if (stops.test(() -> takeOver(task))) {
                unknown.remove(task.id());
            }
        }
    }

    private void takeOver(HeldTask task) {
        logger.info("worker {} owns task {} but does not run it, and takes it over", owner, task.id());
        try {
            takeover.take(task, Takeover.Cause.LOST);
        } catch (RuntimeException e) {
            Failures.log(logger, e, "task {} could not be taken over, and a sweep tries again: {}", task.id());
        }
    }
}
