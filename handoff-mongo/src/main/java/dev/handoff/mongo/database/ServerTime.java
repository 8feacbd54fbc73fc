// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.MongoCommandException;
import com.mongodb.MongoException;
import com.mongodb.MongoInterruptedException;
import com.mongodb.client.MongoDatabase;
import dev.handoff.time.Ticker;
import java.time.Instant;
import java.util.Date;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.bson.Document;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Estimates the time of the server: the time that it last reported, plus the monotonic time since then. Does not read the clock of this
 * machine. Thread-safe.
 */
final class ServerTime {

    private static final Logger logger = LoggerFactory.getLogger(ServerTime.class);

    /** How long a reported time is used. It is renewed because clocks drift and the primary can change. */
    private static final long VALID_NANOS = TimeUnit.MINUTES.toNanos(1);

    /** The pause after a failed attempt. Each attempt may block for the time limit of an operation. */
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Holds what a server answered to {@code hello}, and when. */
    private record Answer(Date time, long at, boolean cluster) {}

    private final MongoDatabase database;
    private final Ticker ticker;
    private final AtomicReference<@Nullable CompletableFuture<Answer>> first = new AtomicReference<>();
    private final AtomicBoolean asking = new AtomicBoolean();
    private volatile @Nullable Answer answer;
    /** When the last attempt failed. Only the caller that asks the server writes it. */
    private volatile @Nullable Long failed;

    ServerTime(MongoDatabase database, Ticker ticker) {
        this.database = database;
        this.ticker = ticker;
    }

    /** Returns the time of the server. About once a minute a call asks the server and blocks until it answers. */
    Instant now() {
        Answer last = fresh();
        return last.time.toInstant().plusNanos(ticker.read() - last.at);
    }

    /** Returns whether the server belongs to a replica set or a sharded cluster. */
    boolean isCluster() {
        return fresh().cluster;
    }

    /**
     * Returns the last answer of the server. If the answer is old, one caller asks for a new one, and the other callers use the old one
     * meanwhile.
     */
    private Answer fresh() {
        Answer last = answer;
        if (last == null) {
            return first();
        }
        if (ticker.read() - last.at < VALID_NANOS || hasJustFailed() || !asking.compareAndSet(false, true)) {
            return last;
        }
        try {
            return ask();
        } catch (RuntimeException e) {
            // The operation that needs the time will fail by itself if the server cannot be reached.
            logger.debug("the time of the server could not be read", e);
            failed = ticker.read();
            return last;
        } finally {
            asking.set(false);
        }
    }

    private boolean hasJustFailed() {
        Long at = failed;
        return at != null && ticker.read() - at < RETRY_NANOS;
    }

    /** Returns the first answer of the server. One caller asks, and other callers wait for its answer. */
    private Answer first() {
        CompletableFuture<Answer> own = new CompletableFuture<>();
        CompletableFuture<Answer> other = first.compareAndExchange(null, own);
        if (other != null) {
            return waitFor(other);
        }
        try {
            Answer known = answer;
            Answer fresh = known == null ? ask() : known;
            own.complete(fresh);
            return fresh;
        } catch (RuntimeException | Error e) {
            own.completeExceptionally(e);
            throw e;
        } finally {
            first.set(null);
        }
    }

    private static Answer waitFor(CompletableFuture<Answer> other) {
        try {
            return other.get();
        } catch (ExecutionException e) {
            throw new MongoException("the time of the server could not be read", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new MongoInterruptedException("interrupted while another thread reads the time of the server", e);
        }
    }

    private Answer ask() {
        long before = ticker.read();
        Document hello = hello();
        // The server read its clock at some time between the two reads of the ticker, so this assumes the middle.
        long at = before + (ticker.read() - before) / 2;
        Answer fresh = new Answer(
                hello.getDate("localTime"), at, hello.containsKey("setName") || "isdbgrid".equals(hello.get("msg")));
        answer = fresh;
        return fresh;
    }

    /** Sends {@code hello}, or its older name to servers before 4.4.2. */
    private Document hello() {
        try {
            return database.runCommand(new Document("hello", 1));
        } catch (MongoCommandException e) {
            return database.runCommand(new Document("isMaster", 1));
        }
    }
}
