// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.contract.TaskDispatcherContract;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.bson.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;

class MongoTaskQueueTest extends TaskDispatcherContract {

    private static Mongo mongo;

    private final ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
    private final List<MongoWorker> started = new CopyOnWriteArrayList<>();
    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final MongoEventStore store =
            MongoEventStore.builder(mongo.database, timer).build();

    @BeforeAll
    static void startMongo() {
        mongo = Mongo.start();
    }

    @AfterAll
    static void stopMongo() {
        mongo.close();
    }

    @Override
    protected TaskDispatcher start(TaskHandler handler) {
        // Else this worker would run what a worker of another test has left, with the scripts of this test.
        mongo.database.getCollection(MongoTaskQueue.COLLECTION).deleteMany(new Document());
        MongoTaskQueue queue = MongoTaskQueue.builder(mongo.database, store, workers, List.of("script"))
                .build();
        MongoWorker worker =
                MongoWorker.builder(queue, workers).handler("script", handler).build();
        started.add(worker);
        timer.scheduleWithFixedDelay(worker::tick, 0, 10, TimeUnit.MILLISECONDS);
        return queue;
    }

    @Override
    protected EventStore store() {
        return store;
    }

    @AfterEach
    void stop() throws InterruptedException {
        // A claim that is under way could take the task of the next test, and run it with the scripts of this one.
        timer.shutdown();
        assertThat(timer.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        started.forEach(worker -> worker.stop(Duration.ZERO));
        await().until(() -> started.stream().noneMatch(MongoWorker::isClaiming));
        workers.shutdownNow();
    }
}
