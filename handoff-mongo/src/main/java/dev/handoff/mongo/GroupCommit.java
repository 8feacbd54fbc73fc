package dev.handoff.mongo;

import com.mongodb.ErrorCategory;
import com.mongodb.MongoBulkWriteException;
import com.mongodb.MongoException;
import com.mongodb.WriteConcern;
import com.mongodb.bulk.BulkWriteError;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.InsertManyOptions;
import com.mongodb.client.model.Projections;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.bson.Document;
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

    private final MongoCollection<Document> events;
    private final Executor executor;
    private final Clock clock;
    private final Duration retention;
    private final Duration retryFor;
    private final long lingerNanos;
    private final Consumer<Minibatch> onAcknowledged;

    // Guarded by the lock.
    private final Set<MongoEventAppender> waiting = new LinkedHashSet<>();
    private boolean running;
    private List<Write> underWay = List.of();
    private long aheadChars;
    /** When the last write began. */
    private long begunAt;

    GroupCommit(
            MongoCollection<Document> events,
            Executor executor,
            Clock clock,
            Duration retention,
            Duration retryFor,
            Duration linger,
            Consumer<Minibatch> onAcknowledged) {
        this.events = events;
        this.executor = executor;
        this.clock = clock;
        this.retention = retention;
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
                MongoException refused = new MongoException("the executor does not take a write", e);
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
            giveUp(new MongoException("the executor was shut down"));
        } catch (RuntimeException | Error e) {
            // Of whatever kind: nobody may wait for a loop that is over.
            giveUp(new MongoException("writing has failed", e));
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
                Minibatch minibatch = appender.take();
                chars += minibatch.events().stream()
                        .mapToLong(MongoEventAppender::charsOf)
                        .sum();
                batch.add(new Write(appender, minibatch, document(minibatch)));
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

    private Document document(Minibatch minibatch) {
        Instant now = clock.instant();
        return minibatch.toDocument(now, now.plus(retention));
    }

    /** Writes until it is known of each document whether it is in the store. */
    private void write(List<Write> batch) {
        boolean ends = batch.stream().anyMatch(w -> w.minibatch.end() != null);
        MongoCollection<Document> collection = ends ? events.withWriteConcern(WriteConcern.MAJORITY) : events;
        long deadline = System.nanoTime() + retryFor.toNanos();
        long pause = FIRST_PAUSE_MILLIS;
        List<Write> open = batch;
        while (!open.isEmpty()) {
            try {
                collection.insertMany(
                        open.stream().map(Write::document).toList(), new InsertManyOptions().ordered(false));
                acknowledge(open);
                return;
            } catch (MongoBulkWriteException e) {
                open = settle(open, e);
            } catch (MongoException e) {
                logger.warn("{} minibatches could not be written, trying again: {}", open.size(), e.toString());
            } catch (RuntimeException | Error e) {
                // Of whatever kind: those who wait must be told. What the driver cannot encode is of one stream.
                if (open.size() > 1) {
                    open.forEach(w -> write(List.of(w)));
                } else {
                    fail(open, new MongoException("the store's driver failed", e));
                }
                return;
            }
            if (!open.isEmpty()) {
                if (System.nanoTime() > deadline) {
                    fail(open, new MongoException("the store did not take a minibatch within " + retryFor));
                    return;
                }
                if (!pause(pause)) {
                    fail(open, new MongoException("the executor was shut down before the store took a minibatch"));
                    return;
                }
                pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
            }
        }
    }

    /**
     * Sorts out what became of each document of an insert that was answered with errors, and returns those that have to be
     * tried again. A duplicate is either our own document, whose first answer got lost, or that of another writer.
     */
    private List<Write> settle(List<Write> batch, MongoBulkWriteException e) {
        Map<Integer, BulkWriteError> errors = new HashMap<>();
        e.getWriteErrors().forEach(error -> errors.put(error.getIndex(), error));
        List<Write> written = new ArrayList<>();
        List<Write> duplicates = new ArrayList<>();
        List<Write> again = new ArrayList<>();
        for (int i = 0; i < batch.size(); i++) {
            Write write = batch.get(i);
            BulkWriteError error = errors.get(i);
            if (error == null) {
                (e.getWriteConcernError() == null ? written : again).add(write);
            } else if (error.getCategory() == ErrorCategory.DUPLICATE_KEY) {
                duplicates.add(write);
            } else {
                fail(List.of(write), new MongoException(error.getCode(), error.getMessage()));
            }
        }
        acknowledge(written);
        if (!duplicates.isEmpty()) {
            try {
                Set<ObjectId> ours = found(duplicates);
                List<Write> there = duplicates.stream()
                        .filter(w -> ours.contains(w.minibatch.id()))
                        .toList();
                if (e.getWriteConcernError() == null) {
                    acknowledge(there);
                } else {
                    again.addAll(there);
                }
                duplicates.stream()
                        .filter(w -> !ours.contains(w.minibatch.id()))
                        .forEach(this::fence);
            } catch (MongoException unknown) {
                logger.warn("could not look whose minibatches are in the way, trying again: {}", unknown.toString());
                again.addAll(duplicates);
            }
        }
        return again;
    }

    private Set<ObjectId> found(List<Write> writes) {
        Set<ObjectId> found = new HashSet<>();
        List<ObjectId> ids = writes.stream().map(w -> w.minibatch.id()).toList();
        events.find(Filters.in("_id", ids))
                .projection(Projections.include("_id"))
                .forEach(d -> found.add(d.getObjectId("_id")));
        return found;
    }

    private void acknowledge(List<Write> writes) {
        // Readers first: who was told that an event is durable finds it on this node, too.
        writes.forEach(w -> onAcknowledged.accept(w.minibatch));
        lock.lock();
        try {
            for (Write write : writes) {
                write.appender.acknowledged(write.minibatch);
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

    private record Write(MongoEventAppender appender, Minibatch minibatch, Document document) {}
}
