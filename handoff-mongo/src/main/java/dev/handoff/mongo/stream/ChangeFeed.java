// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import com.mongodb.MongoInterruptedException;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.EventChanges;
import dev.handoff.mongo.database.EventDocument;
import dev.handoff.mongo.tail.TailPoller;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.bson.Document;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads one change stream for all streams of a process and gives their batches to the {@link TailPoller}. The feed does not decode batches
 * of streams that have no reader in this process. While the feed delivers, the poller polls once a second. If the change stream cannot be
 * opened or breaks, the poller polls as usual, so the feed needs no resume token. The feed ends only when its thread is interrupted.
 */
final class ChangeFeed implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(ChangeFeed.class);
    private static final long FIRST_PAUSE_MILLIS = 500;
    private static final long LONGEST_PAUSE_MILLIS = 60_000;

    private final MongoCollection<Document> events;
    private final TailPoller tail;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition never = lock.newCondition();
    private boolean refusalTold;

    /** Creates a feed. {@link #run} starts it. */
    ChangeFeed(MongoCollection<Document> events, TailPoller tail) {
        this.events = events;
        this.tail = tail;
    }

    /** Reads change streams, one after the other. Blocks until the thread is interrupted. */
    @Override
    public void run() {
        long pause = FIRST_PAUSE_MILLIS;
        while (!Thread.currentThread().isInterrupted()) {
            boolean opened = follow();
            pause = opened ? FIRST_PAUSE_MILLIS : pause;
            if (!pause(pause)) {
                break;
            }
            pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS);
        }
        logger.debug("the change feed has ended");
    }

    /** Reads a change stream until it breaks. Returns whether it could be opened. */
    private boolean follow() {
        boolean opened = false;
        try (MongoCursor<EventDocument> changes = EventChanges.open(events, tail::isWatched)) {
            opened = true;
            tail.feedOpened();
            logger.debug("a change stream is open");
            while (!Thread.currentThread().isInterrupted()) {
                EventDocument change = changes.tryNext();
                tail.feedAnswered();
                if (change != null) {
                    take(change);
                }
            }
        } catch (MongoInterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException | Error e) {
            // Catches all exceptions, not only those of the driver, because no exception may end the feed.
            if (opened) {
                logger.info("the change stream broke, polling continues: {}", e.toString());
            } else if (!refusalTold) {
                refusalTold = true;
                logger.info("the server did not open a change stream, so streams are only polled until it does");
                logger.debug("why the change stream could not be opened", e);
            }
        } finally {
            if (opened) {
                tail.feedClosed();
            }
        }
        return opened;
    }

    private void take(EventDocument change) {
        String stream = change.stream();
        EventBatch batch = change.batch();
        if (stream == null) {
            logger.debug("a document in the collection of events is not a batch");
        } else if (batch != null) {
            tail.deliver(batch);
        } else {
            // Either the stream had no readers when the feed read the change, or the batch is not valid.
            tail.name(stream);
        }
    }

    /** Waits for a time. Returns false if the thread is interrupted before. */
    private boolean pause(long millis) {
        lock.lock();
        try {
            long nanos = TimeUnit.MILLISECONDS.toNanos(millis);
            while (nanos > 0) {
                nanos = never.awaitNanos(nanos);
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
