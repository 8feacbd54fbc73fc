// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the events that the appenders of this process have buffered. This is a group commit. One insert at a time is in flight, with at
 * most one batch of each stream. Events appended during a write form the next batch, so the number of writes does not depend on the number
 * of streams. Between the beginnings of two writes is at least the linger time.
 *
 * <p>If the outcome of a batch is unknown, this writes the batch again with the same id, together with new batches, until {@code retryFor}
 * is over. A thread of the executor blocks only while it waits for the database.
 *
 * <p>The lock guards the state of this object and of all appenders.
 */
final class GroupCommit {

    private static final Logger logger = LoggerFactory.getLogger(GroupCommit.class);

    private static final long SHUTDOWN_CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);

    final Lock lock;
    /** Signalled when batches were acknowledged or have failed. */
    final Condition progress;

    private final BatchInsert insert;
    private final ScheduledExecutorService executor;
    private final Ticker ticker;
    private final GroupCommitSettings settings;
    private final HandoffObserver observer;
    private final Consumer<EventBatch> onAcknowledged;
    private final WriteQueue queue;

    // Guarded by the lock.
    private boolean writing;
    private boolean scheduled;
    /** The time for which the scheduled job is due. */
    private long scheduledFor;
    /** The earliest time of the next write: the linger time after the last one, or later if the last write failed as a whole. */
    private long nextWriteAt;

    private int failedWrites;
    private long pendingBytes;

    GroupCommit(
            Database database,
            ScheduledExecutorService executor,
            Ticker ticker,
            Lock lock,
            GroupCommitSettings settings,
            HandoffObserver observer,
            Consumer<EventBatch> onAcknowledged) {
        this.insert = new BatchInsert(database);
        this.executor = executor;
        this.ticker = ticker;
        this.lock = lock;
        this.progress = lock.newCondition();
        this.settings = settings;
        this.observer = observer;
        this.onAcknowledged = onAcknowledged;
        this.queue = new WriteQueue(new DocumentBudget(ticker, settings.documentsPerSecond()));
        this.nextWriteAt = ticker.read();
    }

    /** Schedules the write of the events of an appender. The caller holds the lock. */
    void submit(MongoEventAppender appender) {
        queue.add(appender);
        schedule();
    }

    /**
     * Returns whether this many more bytes may be pending. An event larger than the limit is admitted when nothing else is pending. The
     * caller holds the lock.
     */
    boolean hasRoomFor(long bytes) {
        return pendingBytes == 0 || pendingBytes + bytes <= settings.maxPendingBytes();
    }

    /** Adds to the number of pending bytes; subtracts if the argument is negative. The caller holds the lock. */
    void pending(long bytes) {
        pendingBytes += bytes;
    }

    /**
     * Waits until the condition is true or throws. An interruption does not end the wait, so that an append is either made or refused; the
     * thread's interrupt status is set afterwards. If the executor was shut down, this fails all writers, because the executor drops the
     * scheduled write. The caller holds the lock.
     */
    void await(BooleanSupplier condition) {
        boolean interrupted = false;
        try {
            while (!condition.getAsBoolean()) {
                try {
                    progress.awaitNanos(SHUTDOWN_CHECK_NANOS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
                if (executor.isShutdown() && !writing) {
                    failAll(DatabaseException.unknown("the executor was shut down", null));
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Schedules the next write, unless one is in flight or an earlier one is scheduled. The caller holds the lock. */
    private void schedule() {
        if (writing || (scheduled && scheduledFor - nextWriteAt <= 0) || queue.isEmpty()) {
            return;
        }
        long now = ticker.read();
        long delay = Math.max(nextWriteAt - now, Math.max(0, queue.nanosUntilDue(now)));
        long due = now + delay;
        if (scheduled && scheduledFor - due <= 0) {
            return;
        }
        scheduled = true;
        scheduledFor = due;
        try {
            if (delay <= 0) {
                executor.execute(() -> write(due));
            } else {
                executor.schedule(() -> write(due), delay, TimeUnit.NANOSECONDS);
            }
        } catch (RuntimeException | Error e) {
            scheduled = false;
            failAll(DatabaseException.unknown("the executor rejected a write", e));
        }
    }

    /** Writes the batches that are due. Does nothing if another job has replaced this one. */
    private void write(long due) {
        List<Write> writes = new ArrayList<>();
        lock.lock();
        try {
            if (writing || !scheduled || due != scheduledFor) {
                return;
            }
            scheduled = false;
            long now = ticker.read();
            if (now - nextWriteAt >= 0) {
                queue.take(now, writes);
            }
            if (writes.isEmpty()) {
                schedule();
                return;
            }
            writing = true;
            nextWriteAt = ticker.read() + settings.linger().toNanos();
        } catch (RuntimeException | Error e) {
            // This can be an OutOfMemoryError. The queue no longer holds the batches that it has handed out, so they
            // must fail.
            nextWriteAt = due + Write.pauseNanos(++failedWrites);
            abandon(writes, DatabaseException.unknown("a write could not begin", e));
            throw e;
        } finally {
            lock.unlock();
        }
        BatchInsert.Results results;
        try {
            results = insert.insert(writes.stream().map(Write::batch).toList());
            offer(writes, results);
        } catch (RuntimeException | Error e) {
            // Catches errors too, for example an OutOfMemoryError, so that no writer waits for a write that has ended.
            abandon(writes, DatabaseException.unknown("a write has failed", e));
            throw e;
        }
        finish(writes, results);
    }

    /**
     * Gives the stored batches to the readers of this process. This comes before the acknowledgement, so that a writer can read its own
     * events in this process as soon as they are acknowledged.
     */
    private void offer(List<Write> writes, BatchInsert.Results results) {
        for (int i = 0; i < writes.size(); i++) {
            if (results.results().get(i).kind() == BatchInsert.Kind.STORED) {
                offer(writes.get(i).batch());
            }
        }
    }

    private void offer(EventBatch batch) {
        try {
            onAcknowledged.accept(batch);
        } catch (RuntimeException | Error e) {
            logger.warn("a batch of stream {} could not be cached, its readers read the database", batch.stream(), e);
        }
    }

    /**
     * Ends a write: notifies the appenders, and queues the batches with an unknown outcome again unless their time is over. The observer
     * comes last. If it throws, the write has ended already, and the exception does not affect the next write, which may be in flight.
     */
    private void finish(List<Write> writes, BatchInsert.Results results) {
        List<String> fenced;
        int stored = 0;
        int events = 0;
        long bytes = 0;
        int retried = 0;
        long pending;
        long now;
        long since;
        lock.lock();
        try {
            fenced = new ArrayList<>();
            now = ticker.read();
            since = now;
            failedWrites = results.answered() ? 0 : failedWrites + 1;
            if (!results.answered()) {
                nextWriteAt = now + Write.pauseNanos(failedWrites);
            }
            for (int i = 0; i < writes.size(); i++) {
                Write write = writes.get(i);
                BatchInsert.Result result = results.results().get(i);
                switch (result.kind()) {
                    case STORED -> {
                        acknowledge(write);
                        stored++;
                        events += write.batch().events().size();
                        bytes += write.bytes();
                        since = write.since() - since < 0 ? write.since() : since;
                    }
                    case FENCED -> {
                        logger.debug("another writer has taken stream {} over", write.batch().stream());
                        write.appender().fenced();
                        fenced.add(write.batch().stream());
                    }
                    case FAILED -> write.appender().failed(reason(result));
                    case UNKNOWN -> {
                        if (now - write.since() < settings.retryFor().toNanos()) {
                            queue.add(write.again(now));
                            retried++;
                        } else {
                            giveUp(write, reason(result));
                        }
                    }
                }
            }
            writing = false;
            schedule();
            pending = pendingBytes;
            progress.signalAll();
        } catch (RuntimeException | Error e) {
            // This comes before the lock is released, so that no other write can have begun.
            abandon(writes, DatabaseException.unknown("a write could not be ended", e));
            throw e;
        } finally {
            lock.unlock();
        }
        if (stored > 0) {
            observer.committed(stored, events, bytes, Duration.ofNanos(now - since));
        }
        if (retried > 0) {
            observer.commitRetried(retried);
        }
        fenced.forEach(observer::fenced);
        observer.pendingBytes(pending);
    }

    /** Ends a write that could not begin or has failed, and fails its appenders. The caller ensures that no other write is in flight. */
    private void abandon(List<Write> writes, RuntimeException e) {
        lock.lock();
        try {
            for (Write write : writes) {
                queue.remove(write.appender());
                write.appender().failed(e);
            }
            writing = false;
            schedule();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void acknowledge(Write write) {
        write.appender().acknowledged(write.batch());
        if (write.appender().hasMore()) {
            submit(write.appender());
        }
    }

    private void giveUp(Write write, DatabaseException e) {
        String message = "the store did not take a batch within " + settings.retryFor();
        logger.error("stream {} has failed: {}", write.batch().stream(), message);
        write.appender().failed(DatabaseException.unknown(message, e));
    }

    private static DatabaseException reason(BatchInsert.Result result) {
        return Objects.requireNonNull(result.failure());
    }

    /** Fails all writers, because no write will run any more. The caller holds the lock. */
    private void failAll(RuntimeException e) {
        queue.failAll(e);
        progress.signalAll();
    }
}
