// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.Failures;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Renews the lease of a worker by increasing its beat three times per lease. After a failure it tries again 100 ms later.
 *
 * <p>Thread-safe. One thread at a time writes the beat.
 */
final class WorkerBeat {

    private static final Logger logger = LoggerFactory.getLogger(WorkerBeat.class);
    private static final long PAUSE_AFTER_FAILURE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final int BEATS_PER_LEASE = 3;

    private final Database database;
    private final String worker;
    private final long leaseNanos;
    private final Ticker ticker;
    private final HandoffObserver observer;
    private final AtomicBoolean beating = new AtomicBoolean();

    private volatile long due;
    /** When the write of the last acknowledged beat began. Before the first such beat: when this object was created. */
    private volatile long last;

    private volatile boolean begun;
    private volatile boolean failing;
    private volatile boolean closed;

    WorkerBeat(Database database, String worker, Duration lease, Ticker ticker, HandoffObserver observer) {
        this.database = database;
        this.worker = worker;
        this.leaseNanos = lease.toNanos();
        this.ticker = ticker;
        this.observer = observer;
        this.due = ticker.read();
        this.last = due;
    }

    /** Writes the beat, if a beat is due and no other thread is writing it. Throws nothing. Blocks until the database answers. */
    void beatIfDue() {
        if (closed || !isDue() || !beating.compareAndSet(false, true)) {
            return;
        }
        try {
            if (isDue()) {
                beat();
            }
        } finally {
            beating.set(false);
        }
    }

    private void beat() {
        long began = ticker.read();
        if (begun) {
            observer.leaseAge(Duration.ofNanos(began - last));
        }
        try {
            database.beat(worker);
        } catch (RuntimeException | Error e) {
            if (!failing) {
                failing = true;
                Failures.log(logger, e, "worker {} cannot renew its lease and tries again: {}", worker);
            }
            due = ticker.read() + PAUSE_AFTER_FAILURE_NANOS;
            return;
        }
        if (failing) {
            failing = false;
            logger.info(
                    "worker {} renews its lease again, after {} ms",
                    worker,
                    silence().toMillis());
        }
        last = began;
        begun = true;
        due = began + leaseNanos / BEATS_PER_LEASE;
    }

    /** Returns whether the next beat is due. */
    boolean isDue() {
        return ticker.read() - due >= 0;
    }

    /** Returns the time until the next beat is due, in nanoseconds; 0 or less if it is due. */
    long nanosUntilDue() {
        return due - ticker.read();
    }

    /** Returns whether the last acknowledged beat is younger than a lease. Otherwise the worker must not claim tasks. */
    boolean isFresh() {
        return begun && ticker.read() - last < leaseNanos;
    }

    /** Returns the time since the last acknowledged beat. */
    Duration silence() {
        return Duration.ofNanos(ticker.read() - last);
    }

    /** Stops writing beats and deletes the beat of this worker. If the delete fails, a sweeper deletes the beat later. */
    void close() {
        closed = true;
        try {
            Long beat = begun ? database.beats().get(worker) : null;
            if (beat != null) {
                database.forget(worker, beat);
            }
        } catch (DatabaseException e) {
            logger.debug("the beat of worker {} could not be deleted, a sweeper will do it", worker, e);
        }
    }
}
