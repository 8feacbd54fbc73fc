package dev.handoff.mongo.stream;

import com.mongodb.MongoInterruptedException;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.model.Aggregates;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Projections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.bson.BsonDocument;
import org.bson.Document;
import org.bson.conversions.Bson;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One change stream for all streams of a process, which only says where to look. Nothing rests on it: when it cannot be
 * opened, or breaks, the polling goes on as if it had never been. So it has no resume token, and its pipeline is the same
 * whatever is being read.
 */
final class ChangeFeed implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(ChangeFeed.class);
    private static final List<Bson> PIPELINE = List.of(
            Aggregates.match(Filters.eq("operationType", "insert")),
            Aggregates.project(Projections.include("_id", "fullDocument.stream")));
    private static final long MAX_AWAIT_MILLIS = 1000;
    private static final long FIRST_PAUSE_MILLIS = 500;
    private static final long LONGEST_PAUSE_MILLIS = 60_000;

    private final MongoCollection<Document> events;
    private final Consumer<String> onInsert;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition never = lock.newCondition();
    private boolean refusalTold;

    /**
     * Not begun yet.
     *
     * @param onInsert is told the id of each stream that something was inserted into
     */
    ChangeFeed(MongoCollection<Document> events, Consumer<String> onInsert) {
        this.events = events;
        this.onInsert = onInsert;
    }

    /** Goes on until the thread is interrupted. */
    @Override
    public void run() {
        long pause = FIRST_PAUSE_MILLIS;
        try {
            while (!Thread.currentThread().isInterrupted()) {
                if (follow()) {
                    pause = FIRST_PAUSE_MILLIS;
                }
                pause(pause);
                pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
            }
        } catch (InterruptedException | MongoInterruptedException e) {
            logger.debug("the change stream is followed no more");
        }
    }

    /** Follows a change stream until it breaks; returns whether there was one. */
    private boolean follow() {
        boolean opened = false;
        try (MongoCursor<BsonDocument> changes = events.watch(PIPELINE)
                .maxAwaitTime(MAX_AWAIT_MILLIS, TimeUnit.MILLISECONDS)
                .withDocumentClass(BsonDocument.class)
                .cursor()) {
            opened = true;
            logger.debug("a change stream is open");
            while (!Thread.currentThread().isInterrupted()) {
                BsonDocument change = changes.tryNext();
                if (change != null) {
                    onInsert.accept(change.getDocument("fullDocument")
                            .getString("stream")
                            .getValue());
                }
            }
        } catch (MongoInterruptedException e) {
            throw e;
        } catch (RuntimeException | Error e) {
            // Not only exceptions of the driver: a change may lack a stream id.
            if (opened) {
                logger.info("the change stream broke, polling goes on: {}", e.toString());
            } else if (!refusalTold) {
                refusalTold = true;
                logger.info("the server has no change streams, so streams are polled only");
                logger.debug("its refusal", e);
            }
        }
        return opened;
    }

    private void pause(long millis) throws InterruptedException {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
            while (nanos > 0) {
                nanos = never.awaitNanos(nanos);
            }
        } finally {
            lock.unlock();
        }
    }
}
