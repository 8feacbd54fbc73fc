// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import com.mongodb.MongoException;
import com.mongodb.WriteConcern;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.CountOptions;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Projections;
import com.mongodb.client.model.Sorts;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.task.MongoWorker;
import java.time.Duration;
import java.util.Collection;
import java.util.Date;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.bson.Document;
import org.bson.conversions.Bson;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tasks in MongoDB, and the worker of this process if it has one. */
final class MongoTasks implements TaskStore {

    private static final Logger logger = LoggerFactory.getLogger(MongoTasks.class);
    /** How long the start of the application waits for the database. After that the application starts without it. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final long RETRY_MILLIS = 1000;
    private static final int MAX_COUNT = 10_000;
    /** Matches no document, because no task and no stream has this id. Names the keys by which the collections can be sharded. */
    private static final Bson NO_DOCUMENT =
            Filters.and(Filters.eq("_id", "health"), Filters.eq("stream", "health"), Filters.eq("seq", -1L));

    private final MongoDatabase database;
    private final MongoEventStore store;
    private final @Nullable Supplier<MongoWorker> workers;
    private final HandoffThreads threads;
    private final Executor jobs;
    private final boolean createIndexes;
    private final boolean streams;
    private final boolean writes;
    /** A worker cannot start again after it was closed. So each start has a new one. */
    private @Nullable MongoWorker worker;

    private boolean followed;
    /** Why the indexes could not be prepared yet; null if there was no failure, or if they are prepared. */
    private volatile @Nullable RuntimeException unprepared;

    /**
     * Creates the store of the tasks.
     *
     * @param workers returns a new worker for this process; null if it has none
     * @param createIndexes whether to create the indexes; if not, they are only checked
     * @param streams whether this process delivers streams
     * @param writes whether this process stores or runs tasks
     */
    MongoTasks(
            MongoDatabase database,
            MongoEventStore store,
            @Nullable Supplier<MongoWorker> workers,
            HandoffThreads threads,
            boolean createIndexes,
            boolean streams,
            boolean writes) {
        this.database = database;
        this.store = store;
        this.workers = workers;
        // The first one is built at once, so that a setting that it refuses stops the start.
        this.worker = workers == null ? null : workers.get();
        this.threads = threads;
        this.jobs = threads.jobs("handoff-mongo-");
        this.createIndexes = createIndexes;
        this.streams = streams;
        this.writes = writes;
    }

    @Override
    public void start() {
        CompletableFuture<Void> prepared = new CompletableFuture<>();
        jobs.execute(() -> prepare(prepared));
        if (!followed) {
            followed = true;
            if (streams) {
                store.followChanges(jobs);
            }
            if (workers != null) {
                threads.keepProcess();
            }
        }
        if (worker == null && workers != null) {
            worker = workers.get();
        }
        if (worker != null) {
            worker.start();
        }
        try {
            prepared.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            logger.warn("handoff starts without the database \"{}\" and waits for it", database.getName());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e.getCause());
        }
    }

    /** Creates or checks the indexes. Tries again until the database answers or the thread is interrupted. */
    private void prepare(CompletableFuture<Void> prepared) {
        Class<?> logged = null;
        while (!Thread.currentThread().isInterrupted()) {
            try {
                if (createIndexes) {
                    MongoIndexes.create(database);
                } else {
                    MongoIndexes.require(database);
                }
                unprepared = null;
                logger.info("handoff uses the database \"{}\"", database.getName());
                prepared.complete(null);
                return;
            } catch (MongoException e) {
                unprepared = e;
                if (e.getClass() != logged) {
                    logged = e.getClass();
                    logger.warn(
                            "the indexes of the database \"{}\" cannot be prepared yet: {}",
                            database.getName(),
                            e.getMessage());
                }
            } catch (IllegalStateException e) {
                unprepared = e;
                logger.error("handoff cannot use the database \"{}\": {}", database.getName(), e.getMessage());
                prepared.completeExceptionally(missing(e));
                return;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(RETRY_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private static RefusedConfigurationException missing(IllegalStateException e) {
        return new RefusedConfigurationException(
                String.valueOf(e.getMessage()),
                "Let an administrator create the indexes by MongoIndexes.create, or set handoff.mongo.create-indexes to"
                        + " true.",
                e);
    }

    @Override
    public void finish(Duration within) {
        if (worker != null) {
            // The worker waits for the time that its builder has set.
            worker.close();
            worker = null;
        }
    }

    @Override
    public String name() {
        return "mongodb";
    }

    /**
     * Reads a task and an event, because MongoDB answers a ping also to users that may not read them. In a process that writes, deletes
     * documents that do not exist: this changes nothing, but the database refuses it as it refuses writes.
     */
    @Override
    public void check() {
        RuntimeException failure = unprepared;
        if (failure != null) {
            throw new IllegalStateException(
                    "the indexes of the database \"" + database.getName() + "\" cannot be prepared: "
                            + failure.getMessage(),
                    failure);
        }
        for (String name : new String[] {MongoTaskQueue.COLLECTION, MongoEventStore.COLLECTION}) {
            MongoCollection<Document> collection = database.getCollection(name);
            collection.find().projection(Projections.include("_id")).first();
            if (writes) {
                // The write does not wait for a majority, so that the check does not take longer than the read.
                collection.withWriteConcern(WriteConcern.W1).deleteOne(NO_DOCUMENT);
            }
        }
    }

    @Override
    public Map<String, Long> queued(Collection<String> types) {
        Map<String, Long> queued = new TreeMap<>();
        for (String type : types) {
            Bson filter = Filters.and(isQueued(), Filters.eq("type", type));
            queued.put(type, tasks().countDocuments(filter, new CountOptions().limit(MAX_COUNT)));
        }
        return queued;
    }

    /** Measures the time by the clock of this process, which may differ from that of the database. */
    @Override
    public @Nullable Duration oldestQueued() {
        Document oldest = tasks().find(isQueued())
                .sort(Sorts.ascending("created"))
                .projection(Projections.include("created"))
                .first();
        Date created = oldest == null ? null : oldest.getDate("created");
        return created == null ? null : Duration.ofMillis(Math.max(0, System.currentTimeMillis() - created.getTime()));
    }

    private static Bson isQueued() {
        return Filters.eq("state", "queued");
    }

    private MongoCollection<Document> tasks() {
        return database.getCollection(MongoTaskQueue.COLLECTION);
    }
}
