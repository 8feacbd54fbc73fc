// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.mongodb.ConnectionString;
import com.mongodb.MongoClientSettings;
import com.mongodb.MongoException;
import com.mongodb.MongoNotPrimaryException;
import com.mongodb.MongoSocketException;
import com.mongodb.MongoTimeoutException;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import dev.handoff.Handoff;
import dev.handoff.minibatch.PythonStreams;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.token.TokenSealer;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Creates the objects that all roles with an own process share: streams and tasks in one MongoDB. The path of the URI names the database;
 * the default is {@code handoff}.
 */
final class MongoParts implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(MongoParts.class);
    private static final int SERVER_SELECTION_SECONDS = 5;
    private static final int RETRY_SECONDS = 1;

    final ScheduledExecutorService executor = Executors.newScheduledThreadPool(4, r -> daemon(r, "store"));
    final MongoTaskQueue queue;
    final MongoEventStore store;
    /** Runs sweeps, hints of readers and periodic work of open streams, each of which may wait for the store or a format. */
    final ExecutorService jobs = Executors.newCachedThreadPool(r -> daemon(r, "jobs"));

    private final MongoClient client;
    private final MongoDatabase database;
    private volatile boolean prepared;

    /**
     * Creates the parts. The first use connects.
     *
     * @throws StartException if the URI is not valid
     */
    MongoParts(String uri, MongoOptions options) {
        ConnectionString connection = parse(uri);
        Optional<Duration> unattended = options.cancelUnattendedAfter();
        client = MongoClients.create(MongoClientSettings.builder()
                // Options in the URI override these.
                .applyToClusterSettings(c -> c.serverSelectionTimeout(SERVER_SELECTION_SECONDS, TimeUnit.SECONDS))
                .applyConnectionString(connection)
                .build());
        database = client.getDatabase(Objects.requireNonNullElse(connection.getDatabase(), "handoff"));
        store = MongoEventStore.builder(database, executor)
                .retention(options.retention)
                .hintExecutor(jobs)
                .build();
        MongoTaskQueue.Builder tasks = MongoTaskQueue.builder(
                        database, store, jobs, List.of(ChatHandler.TASK_TYPE, ResponseHandler.TASK_TYPE))
                .retention(options.retention)
                .lease(options.lease)
                .sweepInterval(options.sweep);
        unattended.ifPresent(tasks::cancelUnattendedAfter);
        queue = tasks.build();
    }

    private static Thread daemon(Runnable job, String name) {
        Thread thread = new Thread(job, name);
        thread.setDaemon(true);
        return thread;
    }

    private static ConnectionString parse(String uri) {
        try {
            return new ConnectionString(uri);
        } catch (IllegalArgumentException e) {
            throw new StartException(StartException.USAGE, Environment.MONGODB + " is refused: " + e.getMessage());
        } catch (MongoException e) {
            // With mongodb+srv this queries DNS.
            throw new StartException(1, Environment.MONGODB + " cannot be used: " + firstLine(e));
        }
    }

    /**
     * Checks the indexes when the server answers, and then runs an action. Until then it tries again once a second and logs the reason.
     * Does not block.
     *
     * @return a future that completes exceptionally with a {@link StartException} if a required index is missing
     */
    CompletableFuture<Void> prepare(Runnable whenReady) {
        CompletableFuture<Void> refused = new CompletableFuture<>();
        executor.execute(() -> tryToPrepare(whenReady, refused, null));
        return refused;
    }

    /** Also tries again if the server refuses the credentials, because the user may be created later. */
    private void tryToPrepare(Runnable whenReady, CompletableFuture<Void> refused, @Nullable Class<?> before) {
        try {
            MongoIndexes.require(database);
        } catch (IllegalStateException e) {
            if (!executor.isShutdown()) {
                refused.completeExceptionally(new StartException(1, String.valueOf(e.getMessage())));
            }
            return;
        } catch (MongoException e) {
            if (executor.isShutdown()) {
                return;
            }
            if (e.getClass() != before) {
                logger.warn("waiting for the store of {}: {}", Environment.MONGODB, firstLine(e));
            }
            retry(whenReady, refused, e.getClass());
            return;
        }
        if (before != null) {
            logger.info("the store is there");
        }
        prepared = true;
        whenReady.run();
    }

    @SuppressWarnings("FutureReturnValueIgnored")
    private void retry(Runnable whenReady, CompletableFuture<Void> refused, Class<?> before) {
        try {
            executor.schedule(() -> tryToPrepare(whenReady, refused, before), RETRY_SECONDS, TimeUnit.SECONDS);
        } catch (RejectedExecutionException e) {
            logger.debug("the process is being stopped", e);
        }
    }

    /** Creates the indexes when the server answers, and returns a message. Blocks until then. */
    String createIndexes() throws InterruptedException {
        boolean told = false;
        while (true) {
            try {
                MongoIndexes.create(database);
                return "The indexes of the database \"" + database.getName() + "\" are there.";
            } catch (MongoTimeoutException | MongoSocketException | MongoNotPrimaryException e) {
                if (!told) {
                    logger.warn("waiting for the store of {}: {}", Environment.MONGODB, firstLine(e));
                    told = true;
                }
                TimeUnit.SECONDS.sleep(RETRY_SECONDS);
            } catch (MongoException e) {
                throw new StartException(1, "the indexes cannot be created: " + firstLine(e));
            }
        }
    }

    private static String firstLine(MongoException e) {
        String message = Objects.requireNonNullElse(e.getMessage(), e.toString());
        int limit = 200;
        return message.length() <= limit ? message : message.substring(0, limit) + "…";
    }

    /** Returns the hand-off of the application servers and the streaming servers. */
    Handoff handoff(TokenSealer sealer, Redirect redirect, Duration tokenLifetime) {
        return handoff(queue, store, sealer, redirect, tokenLifetime);
    }

    /**
     * Returns the hand-off of a streaming server that also serves the streams of Python workers.
     *
     * @param pattern the names of their streams; see {@link PythonStreams#named}
     * @throws StartException if the pattern is not valid
     */
    Handoff handoffWithMinibatch(String pattern, TokenSealer sealer, Redirect redirect, Duration tokenLifetime) {
        try {
            PythonStreams python = PythonStreams.builder(database, executor, PythonStreams.named(pattern))
                    .hintExecutor(jobs)
                    .build();
            return handoff(python.dispatcher(queue), python.store(store), sealer, redirect, tokenLifetime);
        } catch (IllegalArgumentException e) {
            throw new StartException(StartException.USAGE, "--minibatch is refused: " + e.getMessage());
        }
    }

    private Handoff handoff(
            TaskDispatcher tasks, EventStore streams, TokenSealer sealer, Redirect redirect, Duration tokenLifetime) {
        TaskDispatcher awaited = new AwaitedTasks(tasks, () -> prepared);
        EventStore read = new ResponseStreams(streams, awaited, new ResponseIds(sealer));
        return ResponseMode.addFormats(Handoff.builder(awaited, read, sealer))
                .format(new OpenAiFormat())
                .format(new OpenAiResultFormat())
                .redirectPolicy(redirect.policy())
                .grantLifetime(tokenLifetime)
                .build();
    }

    /** Returns the responses of an application server. */
    Responses responses(TokenSealer sealer, Redirect redirect, Duration tokenLifetime) {
        return new Responses(new AwaitedTasks(queue, () -> prepared), store, sealer, redirect.policy(), tokenLifetime);
    }

    /** Returns whether the store is ready and the server answers. Blocks for several seconds if it does not answer. */
    boolean reachable() {
        if (!prepared) {
            return false;
        }
        try {
            database.runCommand(new Document("ping", 1));
            return true;
        } catch (MongoException e) {
            logger.debug("the store cannot be reached", e);
            return false;
        }
    }

    @Override
    public void close() {
        jobs.shutdownNow();
        executor.shutdownNow();
        client.close();
    }
}
