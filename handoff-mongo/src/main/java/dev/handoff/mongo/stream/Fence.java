// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.check.Durations;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.store.EventStore;
import dev.handoff.store.StaleWriterException;
import dev.handoff.store.StreamId;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.function.Consumer;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a stream over for a new writer by writing a fence, which is an entry at the tail. The unique index then refuses each batch that an
 * earlier writer writes at that position. The first writer, which has the epoch 1, needs no fence, but its stream must be empty.
 * Thread-safe.
 */
final class Fence {

    private static final Logger logger = LoggerFactory.getLogger(Fence.class);
    /** How many more attempts this makes after the time is over, if other writers were faster. */
    private static final int MOST_RACES = 20;

    private static final long NOWHERE = -1;
    private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Database database;
    private final Ticker ticker;
    private final Lock lock;
    private final Condition never;
    private final Consumer<EventBatch> onStored;

    Fence(Database database, Ticker ticker, Lock lock, Consumer<EventBatch> onStored) {
        this.database = database;
        this.ticker = ticker;
        this.lock = lock;
        this.never = lock.newCondition();
        this.onStored = onStored;
    }

    /**
     * Calls {@link #write} and returns its result, but checks the arguments and throws the exceptions of {@link EventStore#appender}.
     * Blocks.
     *
     * @throws IllegalArgumentException if the id or the epoch is invalid, or the time is negative or more than a hundred years
     * @throws StaleWriterException as {@link #write} does
     * @throws ProblemException with status 503 if {@link #write} throws a {@link DatabaseException}
     */
    long takeOver(String stream, int epoch, Duration retryFor) {
        StreamId.require(stream);
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch is less than 1: " + epoch);
        }
        Durations.requireNotNegative("retryFor", retryFor);
        try {
            return write(stream, epoch, retryFor);
        } catch (DatabaseException e) {
            throw ProblemCode.STORE_UNREACHABLE.exception("The event store cannot be reached.", e);
        }
    }

    /**
     * Writes the fence of a writer and returns the position at which the writer begins. Writes nothing for the epoch 1. Blocks.
     *
     * @param retryFor how long to retry while the outcome is unknown; zero for one attempt and one read of its outcome
     * @throws StaleWriterException if the stream has ended, or if its last entry has this epoch or a higher one. For the epoch 1 that is
     *     any entry
     * @throws DatabaseException if the database refused the fence, if its outcome is still unknown after the time, or if the thread is
     *     interrupted. If the outcome is unknown, the database may have stored the fence or may store it later, so the caller must not use
     *     this epoch again
     */
    long write(String stream, int epoch, Duration retryFor) {
        ObjectId id = new ObjectId();
        long since = ticker.read();
        long pause = FIRST_PAUSE_NANOS;
        int races = 0;
        long tried = NOWHERE;
        DatabaseException failure = DatabaseException.unknown("stream " + stream + " was not taken over", null);
        while (true) {
            boolean inTime = tried == NOWHERE || ticker.read() - since < retryFor.toNanos();
            try {
                EventBatch last = database.last(stream).orElse(null);
                long tail = last == null ? 0 : last.next();
                if (last != null && last.id().equals(id)) {
                    onStored.accept(last);
                    return tail;
                }
                requireOpen(stream, epoch, last);
                if (epoch == 1) {
                    return 0;
                }
                // The tail is after the position of the last attempt, so another writer was faster and that attempt has
                // failed.
                boolean raced = tried != NOWHERE && tail > tried;
                if (!inTime && !(raced && ++races <= MOST_RACES)) {
                    throw failure;
                }
                EventBatch fence = EventBatch.fence(id, stream, tail, epoch);
                tried = tail;
                InsertOutcome outcome = database.insert(List.of(fence)).get(0);
                switch (outcome.kind()) {
                    case STORED -> {
                        onStored.accept(fence);
                        return fence.next();
                    }
                    case REFUSED -> throw DatabaseException.refused(outcome.detail(), null);
                    // A read does not always return the conflicting entry at once.
                    case DUPLICATE, UNKNOWN -> failure = DatabaseException.unknown(outcome.detail(), null);
                }
            } catch (DatabaseException e) {
                boolean over = !inTime || (tried == NOWHERE && ticker.read() - since >= retryFor.toNanos());
                if (e.refused() || over) {
                    throw e;
                }
                failure = e;
            }
            if (ticker.read() - since < retryFor.toNanos() && !pause(pause)) {
                throw DatabaseException.unknown("interrupted while taking stream " + stream + " over", failure);
            }
            logger.debug("trying again to take stream {} over with epoch {}", stream, epoch, failure);
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
    }

    private static void requireOpen(String stream, int epoch, @Nullable EventBatch last) {
        if (last == null) {
            return;
        }
        if (last.end() != null) {
            throw new StaleWriterException("stream " + stream + " has ended");
        }
        if (last.epoch() >= epoch) {
            throw new StaleWriterException("stream " + stream + " has entries of epoch " + last.epoch()
                    + ", so no writer can begin with epoch " + epoch);
        }
    }

    /** Waits for a time. Returns false if the thread is interrupted before. */
    private boolean pause(long nanos) {
        lock.lock();
        try {
            for (long left = nanos; left > 0; ) {
                left = never.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
