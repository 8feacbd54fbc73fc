package dev.handoff.mongo.stream;

import dev.handoff.StaleWriterException;
import dev.handoff.Ticker;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.InsertOutcome;
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
 * Takes a stream over for a writer. It writes a fence at the tail, and the unique index refuses whatever an earlier writer writes there later.
 * The first writer needs no fence, but the stream must be empty.
 */
final class Fence {

    private static final Logger logger = LoggerFactory.getLogger(Fence.class);
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
     * Returns the position at which a writer with this epoch begins. Blocks.
     *
     * @param retryFor how long an operation whose outcome is unknown is repeated; zero for one attempt
     * @throws StaleWriterException if the stream has ended, or has a writer with this epoch or a higher one, or has entries before its first
     *     writer
     * @throws DatabaseException if the outcome is unknown. The fence may be there; then this epoch cannot be used again
     */
    long write(String stream, int epoch, Duration retryFor) {
        Attempt attempt = new Attempt(stream, epoch, new ObjectId());
        long since = ticker.read();
        long pause = FIRST_PAUSE_NANOS;
        while (true) {
            DatabaseException failure = null;
            try {
                Long begin = attempt.once();
                if (begin != null) {
                    return begin;
                }
                if (attempt.hasMoved()) {
                    // Another writer was faster, and may be again.
                    continue;
                }
            } catch (DatabaseException e) {
                if (e.refused()) {
                    throw e;
                }
                failure = e;
            }
            if (ticker.read() - since >= retryFor.toNanos() || !pause(pause)) {
                throw failure != null
                        ? failure
                        : DatabaseException.unknown("the tail of stream " + stream + " is not visible yet", null);
            }
            logger.debug("taking stream {} over with epoch {} again", stream, epoch, failure);
            pause = Math.min(2 * pause, LONGEST_PAUSE_NANOS);
        }
    }

    /** Returns false if the thread was interrupted. */
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

    /** One fence. It keeps its id, so that a fence whose answer got lost is recognized. */
    private final class Attempt {

        private final String stream;
        private final int epoch;
        private final ObjectId id;
        /** The position after the last visible entry, at the last look and at the one before. */
        private long tail = -1;

        private long tailBefore = -1;

        Attempt(String stream, int epoch, ObjectId id) {
            this.stream = stream;
            this.epoch = epoch;
            this.id = id;
        }

        /** Returns where the writer begins; null if the outcome is unknown or another writer was faster. */
        @Nullable
        Long once() {
            EventBatch last = database.last(stream).orElse(null);
            tailBefore = tail;
            tail = last == null ? 0 : last.next();
            if (last != null && last.id().equals(id)) {
                onStored.accept(last);
                return last.next();
            }
            requireOpen(last);
            if (epoch == 1) {
                return 0L;
            }
            EventBatch fence = EventBatch.fence(id, stream, tail, epoch);
            InsertOutcome outcome = database.insert(List.of(fence)).get(0);
            return switch (outcome.kind()) {
                case STORED -> {
                    onStored.accept(fence);
                    yield fence.next();
                }
                case REFUSED -> throw DatabaseException.refused(outcome.detail(), null);
                case UNKNOWN -> throw DatabaseException.unknown(outcome.detail(), null);
                case DUPLICATE -> null;
            };
        }

        private void requireOpen(@Nullable EventBatch last) {
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

        boolean hasMoved() {
            return tail != tailBefore;
        }
    }
}
