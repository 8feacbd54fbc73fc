// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.Failures;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims tasks in the threads that then run them. While tasks are queued, up to four claims run at the same time, and each successful claim
 * starts another. Otherwise one claim at a time queries the database, with pauses of 10 to 100 ms.
 *
 * <p>A claim takes one of the worker's {@code maxRunning} places before it queries the database, and the claimed task keeps the place. So a
 * worker never claims more tasks than it may run. Thread-safe.
 */
final class Claims {

    /** Runs the tasks that are claimed. */
    interface Runs {

        /**
         * Registers a claimed task, and returns an action that runs it. Called before the claim counts as finished. The returned action
         * accepts a second action, and runs it once, when the task no longer needs its place.
         */
        Consumer<Runnable> begin(TaskRecord task);

        /** Called after a claim that found no task. */
        void gotNone();
    }

    private static final Logger logger = LoggerFactory.getLogger(Claims.class);
    private static final int MOST_AT_ONCE = 4;
    private static final long SHORTEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long PAUSE_AFTER_FAILURE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private final Database database;
    private final Collection<String> types;
    private final String owner;
    private final int maxRunning;
    private final Executor executor;
    private final Ticker ticker;
    private final HandoffObserver observer;
    private final BooleanSupplier allowed;
    private final Runs runs;

    /** How many places are in use, by tasks and by claims. */
    private final AtomicInteger places = new AtomicInteger();

    private final AtomicInteger claiming = new AtomicInteger();
    private final AtomicLong numbers = new AtomicLong();
    /** The numbers of the claims that are running. */
    private final ConcurrentSkipListSet<Long> underWay = new ConcurrentSkipListSet<>();

    /** How many claims may run at the same time; more than one while tasks are queued. */
    private volatile int atOnce = 1;

    private volatile boolean failing;
    private volatile boolean inDoubt;
    private volatile long pause;
    private volatile long due;

    /**
     * @param executor claims and runs tasks; it needs a thread for each of the {@code maxRunning} tasks whose handler blocks
     * @param allowed whether tasks may be claimed now
     */
    Claims(
            Database database,
            Collection<String> types,
            String owner,
            int maxRunning,
            Executor executor,
            Ticker ticker,
            HandoffObserver observer,
            BooleanSupplier allowed,
            Runs runs) {
        this.database = database;
        this.types = types;
        this.owner = owner;
        this.maxRunning = maxRunning;
        this.executor = executor;
        this.ticker = ticker;
        this.observer = observer;
        this.allowed = allowed;
        this.runs = runs;
        this.due = ticker.read();
    }

    /** Starts claims if they are due. Does not block and throws nothing. */
    void claimIfDue() {
        if (ticker.read() - due >= 0) {
            beginClaims();
        }
    }

    private void beginClaims() {
        while (allowed.getAsBoolean() && takePlace()) {
            if (!takeTurn()) {
                places.decrementAndGet();
                return;
            }
            if (!submit()) {
                return;
            }
        }
    }

    private boolean takePlace() {
        return places.getAndUpdate(p -> p < maxRunning ? p + 1 : p) < maxRunning;
    }

    private boolean takeTurn() {
        int most = atOnce;
        return claiming.getAndUpdate(c -> c < most ? c + 1 : c) < most;
    }

    private boolean submit() {
        try {
            executor.execute(this::claimAndRun);
            return true;
        } catch (RuntimeException | Error e) {
            // Catches errors too, because a thread or timer whose job throws does not run the job again, and the worker
            // would then claim no more tasks.
            claiming.decrementAndGet();
            places.decrementAndGet();
            failed(e);
            return false;
        }
    }

    private void failed(Throwable e) {
        atOnce = 1;
        due = ticker.read() + PAUSE_AFTER_FAILURE_NANOS;
        if (!failing) {
            failing = true;
            Failures.log(logger, e, "worker {} cannot claim tasks and tries again: {}", owner);
        }
    }

    private void claimAndRun() {
        @Nullable Consumer<Runnable> run = null;
        try {
            run = claim();
        } catch (RuntimeException | Error e) {
            inDoubt = true;
            failed(e);
        } finally {
            claiming.decrementAndGet();
            if (run == null) {
                places.decrementAndGet();
            }
        }
        if (run == null) {
            runs.gotNone();
            return;
        }
        beginClaims();
        run.accept(this::leavePlace);
    }

    private void leavePlace() {
        places.decrementAndGet();
        if (atOnce > 1) {
            beginClaims();
        }
    }

    private @Nullable Consumer<Runnable> claim() {
        long number = numbers.incrementAndGet();
        underWay.add(number);
        try {
            if (!allowed.getAsBoolean()) {
                return null;
            }
            Optional<TaskRecord> claimed = database.claim(types, owner);
            failing = false;
            if (claimed.isEmpty()) {
                atOnce = 1;
                if (claiming.get() == 1) {
                    pause = Math.min(Math.max(SHORTEST_PAUSE_NANOS, 2 * pause), LONGEST_PAUSE_NANOS);
                }
                due = ticker.read() + pause;
                return null;
            }
            atOnce = Math.min(atOnce + 1, MOST_AT_ONCE);
            pause = 0;
            due = ticker.read();
            TaskRecord task = claimed.get();
            observer.claimed(task.type(), queuedFor(task));
            return runs.begin(task);
        } finally {
            underWay.remove(number);
        }
    }

    /**
     * Returns how long a task was queued. Two processes set the times of the task. Their estimates of the server's time may differ by
     * milliseconds, so the difference can be negative, which counts as zero.
     */
    private static Duration queuedFor(TaskRecord task) {
        Instant started = task.started();
        Duration queued = started == null ? Duration.ZERO : Duration.between(task.created(), started);
        return queued.isNegative() ? Duration.ZERO : queued;
    }

    /** Returns how many claims are running. */
    int underWay() {
        return claiming.get();
    }

    /** Returns the number of the claim that started last. */
    long last() {
        return numbers.get();
    }

    /** Returns whether all claims up to a number have finished. Their tasks are registered then. */
    boolean haveFinished(long number) {
        return underWay.headSet(number, true).isEmpty();
    }

    /** Returns whether a claim has failed since the last call. If so, the worker may own a task that it does not know. */
    boolean wereInDoubt() {
        boolean was = inDoubt;
        inDoubt = false;
        return was;
    }
}
