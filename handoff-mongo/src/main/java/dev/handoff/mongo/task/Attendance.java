// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.Failures;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records which tasks have readers, and cancels tasks that have had no reader for the time {@link QueueSettings#cancelUnattendedAfter}. One
 * write records the ids of several calls. Writes happen every quarter of that time, but at most once a second. Does nothing if that time is
 * null. Thread-safe.
 */
final class Attendance {

    /** How many sweeps in a row a process may miss before it starts to count the time without readers anew. */
    static final int MISSED_SWEEPS = 3;

    private static final Logger logger = LoggerFactory.getLogger(Attendance.class);
    private static final int MOST_UNREAD = 100;
    private static final Duration SHORTEST_INTERVAL = Duration.ofSeconds(1);

    private final Database database;
    private final @Nullable Duration limit;
    private final Duration sweepInterval;
    private final Duration interval;
    private final Predicate<Runnable> executor;
    private final Consumer<String> cancel;
    private final Ticker ticker;
    private final Throttle due;
    /** The tasks that callers have reported since the last write. */
    private final Set<String> named = ConcurrentHashMap.newKeySet();

    private final AtomicBoolean writing = new AtomicBoolean();

    private volatile boolean failing;

    // Used only by the thread that sweeps.
    private long lastSweep;
    private long sweepingSince;

    /**
     * @param executor submits an action and returns whether it was accepted
     * @param cancel cancels a task
     */
    Attendance(Database database, QueueSettings settings, Predicate<Runnable> executor, Consumer<String> cancel) {
        this.database = database;
        this.limit = settings.cancelUnattendedAfter();
        this.sweepInterval = settings.sweepInterval();
        this.executor = executor;
        this.cancel = cancel;
        this.ticker = settings.ticker();
        Duration quarter = limit == null ? Duration.ZERO : limit.dividedBy(4);
        this.interval = quarter.compareTo(SHORTEST_INTERVAL) < 0 ? SHORTEST_INTERVAL : quarter;
        this.due = new Throttle(ticker, interval);
        this.lastSweep = ticker.read();
        this.sweepingSince = lastSweep;
    }

    /** Collects the ids of tasks that have readers, and submits a write of them to the executor if one is due. Does not block. */
    void record(Collection<String> taskIds) {
        if (limit == null) {
            return;
        }
        named.addAll(taskIds);
        if (named.isEmpty() || !writing.compareAndSet(false, true)) {
            return;
        }
        if (!due.tryAcquire()) {
            writing.set(false);
        } else if (!executor.test(this::write)) {
            // Drops the ids, because the executor may reject jobs forever. The next call reports the tasks that still
            // have readers.
            named.clear();
            due.reset();
            writing.set(false);
        }
    }

    private void write() {
        List<String> ids = List.copyOf(named);
        ids.forEach(named::remove);
        try {
            database.recordReaders(ids);
            failing = false;
        } catch (RuntimeException e) {
            // The next call reports the tasks that still have readers.
            due.reset();
            if (!failing) {
                failing = true;
                Failures.log(
                        logger,
                        e,
                        "the readers of {} tasks could not be recorded, and the next call tries again: {}",
                        ids.size());
            }
        } finally {
            writing.set(false);
        }
    }

    /** Cancels tasks that have had no reader for the configured time. Each sweep must call this, in one thread at a time. Blocks. */
    void cancelUnattended() {
        Duration time = limit;
        // While the database does not answer, servers cannot record readers, so that time does not count.
        if (time == null || !hasSweptFor(time)) {
            return;
        }
        // A recorded time may be too old by one interval, because writes of readers are that far apart.
        for (String id : database.unread(time.plus(interval), MOST_UNREAD)) {
            logger.info("task {} has had no reader for {} and is cancelled", id, time);
            cancel.accept(id);
        }
    }

    /** Records a sweep, and returns whether this process has swept regularly for a time. */
    private boolean hasSweptFor(Duration time) {
        long now = ticker.read();
        if ((now - lastSweep) / MISSED_SWEEPS > sweepInterval.toNanos()) {
            sweepingSince = now;
        }
        lastSweep = now;
        return now - sweepingSince >= time.toNanos();
    }
}
