package dev.handoff.mongo.stream;

import dev.handoff.HandoffObserver;
import dev.handoff.Ticker;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.Failures;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.function.Consumer;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what the streams of this process have gathered: one insert at a time, with at most one batch of each stream. What is appended during a
 * write becomes the next batch, so the number of writes does not depend on the number of streams. A write begins at least the linger time after
 * the previous one began.
 *
 * <p>The budget limits the documents per second. The first batch of a stream and its end do not wait for the budget. Other streams wait in the order
 * in which they came, and gather more events meanwhile.
 *
 * <p>A batch whose outcome is unknown is written again, with the same id, beside new ones, until {@code retryFor} is over. Nothing blocks a
 * thread of the executor except the database.
 *
 * <p>The lock guards the state of this object and of all appenders.
 */
final class GroupCommit {

    private static final Logger logger = LoggerFactory.getLogger(GroupCommit.class);

    private static final int MAX_DOCUMENTS = 1000;
    private static final long MAX_WRITE_BYTES = 16L << 20;
    private static final long LONGEST_WAIT_FOR_BUDGET_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final int MOST_DOUBLINGS = 6;

    final Lock lock;
    /** Is signalled when batches were acknowledged or have failed. */
    final Condition progress;

    private final Database database;
    private final ScheduledExecutorService executor;
    private final Ticker ticker;
    private final GroupCommitSettings settings;
    private final HandoffObserver observer;
    private final Consumer<EventBatch> onAcknowledged;
    private final DocumentBudget budget;

    // Guarded by the lock.
    /** Appenders that do not wait for the budget. */
    private final Set<MongoEventAppender> urgent = new LinkedHashSet<>();
    /** Other appenders that have something to write, in the order in which they came. */
    private final Set<MongoEventAppender> waiting = new LinkedHashSet<>();

    private List<Write> retries = new ArrayList<>();
    private List<Write> inFlight = List.of();
    private boolean writing;
    private boolean scheduled;
    /** When the job that is scheduled runs. */
    private long scheduledFor;
    /** When the next write may begin: the linger time after the last, or a pause after a failure of the whole write. */
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
        this.database = database;
        this.executor = executor;
        this.ticker = ticker;
        this.lock = lock;
        this.progress = lock.newCondition();
        this.settings = settings;
        this.observer = observer;
        this.onAcknowledged = onAcknowledged;
        this.budget = new DocumentBudget(ticker, settings.documentsPerSecond());
        this.nextWriteAt = ticker.read();
    }

    /** Writes what an appender has, soon. The caller holds the lock. */
    void submit(MongoEventAppender appender) {
        if (appender.isUrgent()) {
            waiting.remove(appender);
            urgent.add(appender);
        } else if (!urgent.contains(appender) && waiting.add(appender)) {
            appender.waitsSince(ticker.read());
        }
        schedule();
    }

    /** Returns whether so many bytes more may wait. What is larger than the bound may wait alone. The caller holds the lock. */
    boolean hasRoomFor(long bytes) {
        return pendingBytes == 0 || pendingBytes + bytes <= settings.maxPendingBytes();
    }

    /** Adds bytes that wait to be written, or removes them if the number is negative. The caller holds the lock. */
    void pending(long bytes) {
        pendingBytes += bytes;
    }

    /**
     * Waits until something was acknowledged or has failed, or for a second. Interruption does not end the wait: an append is either made or
     * refused. Fails everybody if the executor was shut down, since it forgets what is scheduled. The caller holds the lock.
     */
    void awaitProgress() {
        boolean interrupted = false;
        long left = LONGEST_PAUSE_NANOS;
        while (left > 0) {
            try {
                progress.awaitNanos(left);
                left = 0;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (executor.isShutdown() && !writing) {
            failAll(DatabaseException.unknown("the executor was shut down", null));
        }
    }

    /** Schedules the next write, unless one is in flight or an earlier one is scheduled. The caller holds the lock. */
    private void schedule() {
        if (writing || (urgent.isEmpty() && waiting.isEmpty() && retries.isEmpty())) {
            return;
        }
        long now = ticker.read();
        long delay = Math.max(nextWriteAt - now, Math.max(0, nanosUntilDue(now)));
        if (scheduled && scheduledFor - (now + delay) <= 0) {
            return;
        }
        long due = now + delay;
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
            failAll(DatabaseException.unknown("the executor does not take a write", e));
        }
    }

    /** Returns the time until a batch is due, as far as the budget and the pauses between retries are concerned. */
    private long nanosUntilDue(long now) {
        if (!urgent.isEmpty()) {
            return 0;
        }
        long soonest = Long.MAX_VALUE;
        for (Write retry : retries) {
            soonest = Math.min(soonest, retry.notBefore - now);
        }
        if (!waiting.isEmpty()) {
            long overdue = waiting.iterator().next().waitsSince() + LONGEST_WAIT_FOR_BUDGET_NANOS - now;
            soonest = Math.min(soonest, Math.min(budget.nanosUntilAvailable(), overdue));
        }
        return soonest;
    }

    /** Writes what is due. Does nothing if another job was scheduled instead of this one. */
    private void write(long due) {
        List<Write> writes;
        lock.lock();
        try {
            if (writing || !scheduled || due != scheduledFor) {
                return;
            }
            scheduled = false;
            writes = ticker.read() - nextWriteAt < 0 ? List.of() : take();
            if (writes.isEmpty()) {
                schedule();
                return;
            }
            writing = true;
            inFlight = writes;
            nextWriteAt = ticker.read() + settings.linger().toNanos();
        } finally {
            lock.unlock();
        }
        try {
            insert(writes);
        } catch (RuntimeException | Error e) {
            // Of whatever kind: no appender may wait for a write that is over.
            finish(writes, List.of(), DatabaseException.unknown("a write has failed", e));
            throw e;
        }
    }

    /** Takes what is due. The caller holds the lock. */
    private List<Write> take() {
        long now = ticker.read();
        List<Write> writes = new ArrayList<>();
        List<Write> later = new ArrayList<>();
        long bytes = 0;
        for (Write retry : retries) {
            if (retry.notBefore - now <= 0 && writes.size() < MAX_DOCUMENTS && bytes < MAX_WRITE_BYTES) {
                writes.add(retry);
                bytes += retry.bytes;
            } else {
                later.add(retry);
            }
        }
        retries = later;
        bytes = take(urgent, Integer.MAX_VALUE, writes, bytes, now);
        take(waiting, budget.available() - writes.size(), writes, bytes, now);
        budget.take(writes.size());
        return writes;
    }

    /** Takes batches of the first appenders: as many as allowed, and those that have waited too long. Returns the bytes of all writes. */
    private static long take(
            Set<MongoEventAppender> from, int allowed, List<Write> writes, long bytesBefore, long now) {
        long bytes = bytesBefore;
        int left = allowed;
        Iterator<MongoEventAppender> appenders = from.iterator();
        while (appenders.hasNext() && writes.size() < MAX_DOCUMENTS && bytes < MAX_WRITE_BYTES) {
            MongoEventAppender appender = appenders.next();
            if (left <= 0 && now - appender.waitsSince() < LONGEST_WAIT_FOR_BUDGET_NANOS) {
                break;
            }
            left--;
            appenders.remove();
            EventBatch batch = appender.take();
            writes.add(new Write(appender, batch, batch.bytes(), now, 0, now));
            bytes += batch.bytes();
        }
        return bytes;
    }

    private void insert(List<Write> writes) {
        List<InsertOutcome> outcomes;
        try {
            outcomes = database.insert(writes.stream().map(Write::batch).toList());
        } catch (DatabaseException e) {
            if (e.refused()) {
                finish(writes, List.of(), e);
            } else {
                Failures.log(logger, e, "{} batches could not be written, trying again: {}", writes.size());
                finish(List.of(), writes, e);
            }
            return;
        }
        settle(writes, outcomes);
    }

    /** Finds out what became of each batch. A batch whose outcome stays unknown is tried again. */
    private void settle(List<Write> writes, List<InsertOutcome> outcomes) {
        List<Write> stored = new ArrayList<>();
        List<Write> duplicates = new ArrayList<>();
        List<Write> unknown = new ArrayList<>();
        String detail = null;
        for (int i = 0; i < writes.size(); i++) {
            Write write = writes.get(i);
            InsertOutcome outcome = outcomes.get(i);
            switch (outcome.kind()) {
                case STORED -> stored.add(write);
                case DUPLICATE -> duplicates.add(write);
                case REFUSED -> refuse(write, outcome);
                case UNKNOWN -> {
                    unknown.add(write);
                    detail = outcome.detail();
                }
            }
        }
        if (!duplicates.isEmpty()) {
            settleDuplicates(duplicates, stored, unknown);
        }
        if (!unknown.isEmpty()) {
            logger.warn("{} batches may not be stored and are written again: {}", unknown.size(), detail);
        }
        acknowledge(stored);
        finish(List.of(), unknown, null);
    }

    /**
     * A duplicate is our own batch, whose first answer got lost, or that of another writer. If no batch is visible at its position yet, nobody
     * knows.
     */
    private void settleDuplicates(List<Write> duplicates, List<Write> stored, List<Write> unknown) {
        Map<Position, ObjectId> holders;
        try {
            holders = database.holders(
                    duplicates.stream().map(w -> positionOf(w.batch)).toList());
        } catch (DatabaseException e) {
            Failures.log(
                    logger, e, "the holders of {} positions could not be read, trying again: {}", duplicates.size());
            unknown.addAll(duplicates);
            return;
        }
        for (Write write : duplicates) {
            ObjectId holder = holders.get(positionOf(write.batch));
            if (holder == null) {
                unknown.add(write);
            } else if (holder.equals(write.batch.id())) {
                stored.add(write);
            } else {
                fence(write);
            }
        }
    }

    private static Position positionOf(EventBatch batch) {
        return new Position(batch.stream(), batch.seq());
    }

    private void acknowledge(List<Write> stored) {
        if (stored.isEmpty()) {
            return;
        }
        // Readers first: who is told that an event is durable finds it on this node, too.
        stored.forEach(w -> onAcknowledged.accept(w.batch));
        long now = ticker.read();
        long first = now;
        int events = 0;
        long bytes = 0;
        lock.lock();
        try {
            for (Write write : stored) {
                write.appender.acknowledged(write.batch);
                if (write.appender.hasMore()) {
                    submit(write.appender);
                }
                first = first - write.since > 0 ? write.since : first;
                events += write.batch.events().size();
                bytes += write.bytes;
            }
            progress.signalAll();
        } finally {
            lock.unlock();
        }
        observer.committed(stored.size(), events, bytes, Duration.ofNanos(now - first));
    }

    private void fence(Write write) {
        logger.debug("another writer has taken stream {} over", write.batch.stream());
        lock.lock();
        try {
            write.appender.fenced();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
        observer.fenced(write.batch.stream());
    }

    private void refuse(Write write, InsertOutcome outcome) {
        logger.error("the database refused a batch of stream {}: {}", write.batch.stream(), outcome.detail());
        fail(List.of(write), DatabaseException.refused(outcome.detail(), null));
    }

    /** Ends a write: some batches have failed, some are tried again unless their time is over. */
    private void finish(List<Write> failed, List<Write> again, @Nullable DatabaseException e) {
        long bytes;
        int retried = 0;
        lock.lock();
        try {
            long now = ticker.read();
            failedWrites = e == null ? 0 : Math.min(failedWrites + 1, MOST_DOUBLINGS);
            if (e != null) {
                nextWriteAt = now + pauseNanos(failedWrites);
            }
            failed.forEach(w -> w.appender.failed(Objects.requireNonNull(e)));
            for (Write write : again) {
                if (now - write.since >= settings.retryFor().toNanos()) {
                    logger.error(
                            "a batch of stream {} was not stored within {}", write.batch.stream(), settings.retryFor());
                    write.appender.failed(DatabaseException.unknown(
                            "the store did not take a batch within " + settings.retryFor(), e));
                } else {
                    retries.add(write.again(now));
                    retried++;
                }
            }
            inFlight = List.of();
            writing = false;
            bytes = pendingBytes;
            progress.signalAll();
            schedule();
        } finally {
            lock.unlock();
        }
        if (retried > 0) {
            observer.commitRetried(retried);
        }
        observer.pendingBytes(bytes);
    }

    private void fail(Collection<Write> writes, RuntimeException e) {
        lock.lock();
        try {
            writes.forEach(w -> w.appender.failed(e));
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Fails everybody, because nothing will be written any more. The caller holds the lock. */
    private void failAll(RuntimeException e) {
        inFlight.forEach(w -> w.appender.failed(e));
        retries.forEach(w -> w.appender.failed(e));
        retries = new ArrayList<>();
        urgent.forEach(a -> a.failed(e));
        urgent.clear();
        waiting.forEach(a -> a.failed(e));
        waiting.clear();
        progress.signalAll();
    }

    private static long pauseNanos(int attempts) {
        return Math.min(FIRST_PAUSE_NANOS << Math.min(attempts, MOST_DOUBLINGS), LONGEST_PAUSE_NANOS);
    }

    /**
     * A batch that is being written.
     *
     * @param since when it was written first
     * @param attempts how often it was written again
     * @param notBefore when it may be written again
     */
    private record Write(
            MongoEventAppender appender, EventBatch batch, long bytes, long since, int attempts, long notBefore) {

        Write again(long now) {
            return new Write(appender, batch, bytes, since, attempts + 1, now + pauseNanos(attempts));
        }
    }
}
