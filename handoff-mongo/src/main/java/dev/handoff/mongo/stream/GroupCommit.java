package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.bson.types.ObjectId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes what all streams of this process have gathered, with one {@code insertMany} in flight at a time and at most one
 * document for each stream in it. What is appended meanwhile gathers and is the next minibatch: so the number of operations
 * does not depend on how many streams there are. A lone event leaves at once; only after a write has begun is there a while in
 * which no other begins, or a fast store would be sent each event by itself.
 *
 * <p>Every appender's state is guarded by the one lock here.
 */
final class GroupCommit {

    private static final Logger logger = LoggerFactory.getLogger(GroupCommit.class);
    private static final int MAX_DOCUMENTS = 1000;
    private static final long MAX_BATCH_CHARS = 8L << 20;
    /** What all writers of this process together may be ahead of the store. */
    static final long MAX_AHEAD_CHARS = 32L << 20;

    private static final long FIRST_PAUSE_MILLIS = 20;
    private static final long LONGEST_PAUSE_MILLIS = 1000;

    final ReentrantLock lock = new ReentrantLock();
    /** Something was acknowledged, or failed. */
    final Condition progress = lock.newCondition();

    private final Database database;
    private final Executor executor;
    private final Duration retryFor;
    private final long lingerNanos;
    private final Consumer<EventBatch> onAcknowledged;

    // Guarded by the lock.
    private final Set<MongoEventAppender> waiting = new LinkedHashSet<>();
    private boolean running;
    private List<Write> underWay = List.of();
    private long aheadChars;
    /** When the last write began. */
    private long begunAt;

    GroupCommit(
            Database database,
            Executor executor,
            Duration retryFor,
            Duration linger,
            Consumer<EventBatch> onAcknowledged) {
        this.database = database;
        this.executor = executor;
        this.retryFor = retryFor;
        this.lingerNanos = linger.toNanos();
        this.begunAt = System.nanoTime() - lingerNanos;
        this.onAcknowledged = onAcknowledged;
    }

    /** To be called under the lock by an appender that has something. */
    void submit(MongoEventAppender appender) {
        waiting.add(appender);
        if (!running) {
            running = true;
            try {
                executor.execute(this::run);
            } catch (RuntimeException | Error e) {
                // Nothing will be written, so no appender may wait for it.
                running = false;
                DatabaseException refused = DatabaseException.unknown("the executor does not take a write", e);
                waiting.forEach(a -> a.failed(refused));
                waiting.clear();
                progress.signalAll();
            }
        }
    }

    /** To be called under the lock: whether so much more may wait to be written. What is larger than the bound may alone. */
    boolean hasRoomFor(long chars) {
        return aheadChars == 0 || aheadChars + chars <= MAX_AHEAD_CHARS;
    }

    /** To be called under the lock, with what was gathered, or as a negative number, what waits no longer. */
    void ahead(long chars) {
        aheadChars += chars;
    }

    private void run() {
        try {
            for (List<Write> batch = next(); !batch.isEmpty(); batch = next()) {
                write(batch);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            giveUp(DatabaseException.unknown("the executor was shut down", null));
        } catch (RuntimeException | Error e) {
            // Of whatever kind: nobody may wait for a loop that is over.
            giveUp(DatabaseException.unknown("writing has failed", e));
            throw e;
        }
    }

    private void giveUp(RuntimeException e) {
        lock.lock();
        try {
            running = false;
            underWay.forEach(w -> w.appender.failed(e));
            waiting.forEach(a -> a.failed(e));
            waiting.clear();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** What has gathered when the next write may begin; nothing ends the loop. */
    private List<Write> next() throws InterruptedException {
        lock.lock();
        try {
            underWay = List.of();
            await(begunAt + lingerNanos - System.nanoTime());
            List<Write> batch = new ArrayList<>();
            underWay = batch;
            long chars = 0;
            var appenders = waiting.iterator();
            while (appenders.hasNext() && batch.size() < MAX_DOCUMENTS && chars < MAX_BATCH_CHARS) {
                MongoEventAppender appender = appenders.next();
                EventBatch batchOf = appender.take();
                chars += batchOf.events().stream()
                        .mapToLong(MongoEventAppender::charsOf)
                        .sum();
                batch.add(new Write(appender, batchOf));
                appenders.remove();
            }
            running = !batch.isEmpty();
            if (running) {
                begunAt = System.nanoTime();
            }
            return batch;
        } finally {
            lock.unlock();
        }
    }

    /** Writes until it is known of each document whether it is in the store. */
    private void write(List<Write> batch) {
        long deadline = System.nanoTime() + retryFor.toNanos();
        long pause = FIRST_PAUSE_MILLIS;
        List<Write> open = batch;
        while (!open.isEmpty()) {
            try {
                open = settle(
                        open, database.insert(open.stream().map(Write::batch).toList()));
            } catch (DatabaseException e) {
                logger.warn("{} minibatches could not be written, trying again: {}", open.size(), e.toString());
            } catch (RuntimeException | Error e) {
                // Of whatever kind: those who wait must be told. What the driver cannot encode is of one stream.
                if (open.size() > 1) {
                    open.forEach(w -> write(List.of(w)));
                } else {
                    fail(open, DatabaseException.unknown("the store's driver failed", e));
                }
                return;
            }
            if (!open.isEmpty()) {
                if (System.nanoTime() > deadline) {
                    fail(
                            open,
                            DatabaseException.unknown("the store did not take a minibatch within " + retryFor, null));
                    return;
                }
                if (!pause(pause)) {
                    fail(
                            open,
                            DatabaseException.unknown(
                                    "the executor was shut down before the store took a minibatch", null));
                    return;
                }
                pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
            }
        }
    }

    /**
     * Sorts out what became of each batch, and returns those that have to be tried again. A duplicate is either our own batch,
     * whose first answer got lost, or that of another writer. If nothing is visible at its position yet, nobody knows.
     */
    private List<Write> settle(List<Write> writes, List<InsertOutcome> outcomes) {
        List<Write> written = new ArrayList<>();
        List<Write> duplicates = new ArrayList<>();
        List<Write> again = new ArrayList<>();
        for (int i = 0; i < writes.size(); i++) {
            Write write = writes.get(i);
            InsertOutcome outcome = outcomes.get(i);
            switch (outcome.kind()) {
                case STORED -> written.add(write);
                case DUPLICATE -> duplicates.add(write);
                case UNKNOWN -> again.add(write);
                case REFUSED -> fail(List.of(write), DatabaseException.refused(outcome.detail(), null));
            }
        }
        acknowledge(written);
        if (!duplicates.isEmpty()) {
            again.addAll(settleDuplicates(duplicates));
        }
        return again;
    }

    private List<Write> settleDuplicates(List<Write> duplicates) {
        Map<Position, ObjectId> holders;
        try {
            holders = database.holders(
                    duplicates.stream().map(w -> positionOf(w.batch)).toList());
        } catch (DatabaseException unknown) {
            logger.warn("could not look whose batches are in the way, trying again: {}", unknown.toString());
            return duplicates;
        }
        List<Write> written = new ArrayList<>();
        List<Write> again = new ArrayList<>();
        for (Write write : duplicates) {
            ObjectId holder = holders.get(positionOf(write.batch));
            if (holder == null) {
                again.add(write);
            } else if (holder.equals(write.batch.id())) {
                written.add(write);
            } else {
                fence(write);
            }
        }
        acknowledge(written);
        return again;
    }

    private static Position positionOf(EventBatch batch) {
        return new Position(batch.stream(), batch.seq());
    }

    private void acknowledge(List<Write> writes) {
        // Readers first: who was told that an event is durable finds it on this node, too.
        writes.forEach(w -> onAcknowledged.accept(w.batch));
        lock.lock();
        try {
            for (Write write : writes) {
                write.appender.acknowledged(write.batch);
                if (write.appender.hasMore()) {
                    waiting.add(write.appender);
                }
            }
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void fence(Write write) {
        lock.lock();
        try {
            write.appender.fenced();
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void fail(List<Write> writes, RuntimeException e) {
        logger.error("{} minibatches were lost", writes.size(), e);
        lock.lock();
        try {
            writes.forEach(w -> w.appender.failed(e));
            progress.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** To be called under the lock, which is free meanwhile. */
    private void await(long nanos) throws InterruptedException {
        for (long left = nanos; left > 0; ) {
            left = progress.awaitNanos(left);
        }
    }

    /** Returns false if the executor is being stopped. */
    private boolean pause(long millis) {
        lock.lock();
        try {
            await(TimeUnit.MILLISECONDS.toNanos(millis));
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }

    private record Write(MongoEventAppender appender, EventBatch batch) {}
}
