// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import dev.handoff.testkit.TickingClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.bson.Document;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

/** What tests of workers share: a database whose time is that of a clock that only the test moves, and workers that only the test ticks. */
abstract class WorkerFixture {

    static final Duration LEASE = Duration.ofSeconds(9);
    static final Duration OVER = LEASE.plusMillis(1);

    static final TickingClock clock = new TickingClock();
    static Mongo mongo;
    /** All nodes of the test. */
    private static final List<Node> nodes = new CopyOnWriteArrayList<>();

    private final List<ExecutorService> handlers = new ArrayList<>();
    private final List<ExecutorService> timers = new ArrayList<>();

    /** A worker, with all that its process would have. */
    final class Node {
        final String name = "worker-" + UUID.randomUUID();
        final MongoDatabase database;
        final MongoEventStore store;
        final MongoTaskQueue queue;
        final Puppet puppet = new Puppet();
        final MongoWorker worker;
        /** Is called before each operation of the queue and the worker on the database. */
        volatile TaskFaults.Hook fault = method -> {};
        /** Is called after each, before the caller gets the answer. */
        volatile TaskFaults.Hook lostAnswer = method -> {};

        Node(
                MongoDatabase database,
                Executor handlers,
                UnaryOperator<MongoTaskQueue.Builder> queueSettings,
                UnaryOperator<MongoWorker.Builder> workerSettings) {
            this(
                    database,
                    handlers,
                    Runnable::run,
                    queueSettings,
                    w -> workerSettings.apply(w.stops(stop -> {
                        stop.run();
                        return true;
                    })));
        }

        Node(
                MongoDatabase database,
                Executor handlers,
                Executor sweeps,
                UnaryOperator<MongoTaskQueue.Builder> queueSettings,
                UnaryOperator<MongoWorker.Builder> workerSettings) {
            this.database = database;
            ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
            timers.add(timer);
            store = MongoEventStore.builder(database, timer)
                    .retention(Duration.ofHours(1))
                    .retryFor(Duration.ofSeconds(2))
                    .build();
            MongoTaskQueue plain = queueSettings
                    .apply(MongoTaskQueue.builder(database, store, sweeps, List.of("puppet", "other"))
                            .ticker(clock)
                            .lease(LEASE))
                    .build();
            Database faulty = TaskFaults.around(
                    plain.database(), method -> fault.call(method), method -> lostAnswer.call(method));
            queue = new MongoTaskQueue(faulty, store, sweeps, plain.settings());
            worker = workerSettings
                    .apply(MongoWorker.builder(queue, handlers).name(name).handler("puppet", puppet))
                    .build();
            nodes.add(this);
        }

        Node() {
            this(UnaryOperator.identity());
        }

        Node(UnaryOperator<MongoTaskQueue.Builder> queueSettings) {
            this(mongo.database, threads(), queueSettings, UnaryOperator.identity());
        }

        void tick() {
            worker.tick();
        }

        void running(Task task) {
            await().until(() -> {
                tick();
                clock.tick(Duration.ofMillis(5));
                return puppet.runs().contains(task.id());
            });
            // A claim that succeeds begins the next one.
            await().until(() -> !worker.isClaiming());
        }

        void emitted(Task task, String data) {
            puppet.emit(data);
            await().until(() -> events(task).stream().anyMatch(e -> e.data().equals(data)));
        }

        Document document(Task task) {
            return mongoTask(task);
        }

        TaskStatus.State state(Task task) {
            return queue.status(task.id()).orElseThrow().state();
        }

        EventStream stream(Task task) {
            return store.open(task.id());
        }

        List<Event> events(Task task) {
            return stream(task).read(EventStream.BEGINNING, 1000).events();
        }

        @Nullable
        End end(Task task) {
            return stream(task).end().orElse(null);
        }

        long beat() {
            return queue.database().beats().get(name);
        }
    }

    @BeforeAll
    static void startMongo() {
        mongo = Mongo.start(clock);
    }

    @AfterAll
    static void stopMongo() {
        mongo.close();
    }

    @BeforeEach
    void empty() {
        nodes.clear();
        for (String name : List.of(MongoTaskQueue.COLLECTION, MongoEventStore.COLLECTION, "handoff_workers")) {
            mongo.database.getCollection(name).deleteMany(new Document());
        }
    }

    @AfterEach
    void stop() throws InterruptedException {
        // Handlers first: what they have begun still needs the others to end.
        for (ExecutorService threads : handlers) {
            threads.shutdownNow();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        timers.forEach(ExecutorService::shutdownNow);
    }

    ExecutorService threads() {
        ExecutorService threads = Executors.newCachedThreadPool();
        handlers.add(threads);
        return threads;
    }

    /** An executor whose threads end with the test. */
    <T extends ExecutorService> T owned(T threads) {
        handlers.add(threads);
        return threads;
    }

    /** Dispatches a task when no claim of an earlier step is under way, so that none of these takes it. */
    static Task dispatched(Node node) {
        return dispatched(node, Task.of("puppet", "work"));
    }

    static Task dispatched(Node node, Task task) {
        await().until(() -> nodes.stream().noneMatch(n -> n.worker.isClaiming()));
        node.queue.dispatch(task);
        clock.tick(Duration.ofMillis(1));
        return task;
    }

    static Document mongoTask(Task task) {
        return mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .find(Filters.eq(task.id()))
                .first();
    }

    static List<String> beats() {
        return mongo.database
                .getCollection("handoff_workers")
                .find()
                .map(d -> d.getString("_id"))
                .into(new ArrayList<>());
    }

    /** Lets a time pass while these nodes tick once a second. None of them is claiming afterwards, so none takes a task of the next step. */
    static void pass(Duration time, Node... ticking) {
        for (int i = 0; i < time.toSeconds(); i++) {
            clock.tick(Duration.ofSeconds(1));
            for (Node node : ticking) {
                node.tick();
            }
        }
        for (Node node : ticking) {
            await().until(() -> !node.worker.isClaiming());
        }
    }

    /** Lets so much time pass while these nodes tick that all other workers are lost. */
    static void leaseOver(Node... ticking) {
        pass(LEASE.plusSeconds(3), ticking);
    }

    /** Lets a time pass while a node sweeps once a second. */
    static void sweepFor(Duration time, Node node) {
        for (int i = 0; i < time.toSeconds(); i++) {
            clock.tick(Duration.ofSeconds(1));
            node.queue.sweep();
        }
    }

    static void isWorkerLost(@Nullable End end) {
        assertThat(end).isInstanceOfSatisfying(End.Failed.class, failed -> {
            assertThat(failed.problem().code()).isEqualTo("worker_lost");
            assertThat(failed.problem().status()).isEqualTo(503);
        });
    }
}
