// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.TcpProxy;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class StopThreadsTest extends WorkerFixture {

    private static final int TASKS = 10;

    private final AtomicInteger looks = new AtomicInteger();
    private final AtomicInteger sweeps = new AtomicInteger();
    private final AtomicInteger beats = new AtomicInteger();
    private final AtomicInteger writing = new AtomicInteger();
    private final CountDownLatch away = new CountDownLatch(1);
    private final AtomicInteger blocked = new AtomicInteger();
    private final AtomicInteger others = new AtomicInteger();

    private final HandoffObserver observer = new HandoffObserver() {
        @Override
        public void swept(int lost, Duration took) {
            sweeps.incrementAndGet();
        }

        @Override
        public void leaseAge(Duration age) {
            beats.incrementAndGet();
        }
    };

    @Test
    @DisplayName(
            "R9 R16 cancellations that wait for blocked writers hold up no claim, no beat and no sweep, and take effect "
                    + "once the store answers")
    void blockedWriters() throws Exception {
        ScheduledExecutorService timer = owned(Executors.newScheduledThreadPool(4));
        ExecutorService two = owned(Executors.newFixedThreadPool(2));
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            // The store cannot be reached for a while; the queue can.
            MongoEventStore store = MongoEventStore.builder(mongo.connect(proxy), timer)
                    .retryFor(Duration.ofMinutes(1))
                    .build();
            MongoTaskQueue plain = MongoTaskQueue.builder(mongo.database, store, two, List.of("flood", "other"))
                    .lease(Duration.ofSeconds(2))
                    .sweepInterval(Duration.ofMillis(500))
                    .observer(observer)
                    .build();
            Database counted = TaskFaults.around(plain.database(), method -> {}, method -> {
                if (method.equals("runningOf")) {
                    looks.incrementAndGet();
                }
            });
            MongoTaskQueue queue = new MongoTaskQueue(counted, store, two, plain.settings());
            MongoWorker worker = MongoWorker.builder(queue, threads())
                    .handler("flood", flood())
                    .handler("other", (task, output) -> others.incrementAndGet())
                    .closeWithin(Duration.ZERO)
                    .build();
            List<Task> tasks = IntStream.range(0, TASKS)
                    .mapToObj(i -> Task.of("flood", "work " + i))
                    .toList();
            tasks.forEach(queue::dispatch);
            worker.start();
            try {
                await().until(() -> writing.get() == TASKS);
                proxy.goAway();
                away.countDown();
                await().until(() -> blocked.get() == TASKS);
                tasks.forEach(task -> queue.cancel(task.id()));
                passes(looks, 3);
                passes(sweeps, 3);
                passes(beats, 2);
                queue.dispatch(Task.of("other", "more work"));
                await().until(() -> others.get() == 1);
                assertThat(tasks).noneMatch(task -> state(queue, task).isFinal());
                proxy.comeBack();
                await().atMost(Duration.ofMinutes(1))
                        .until(() -> tasks.stream().allMatch(task -> state(queue, task) == TaskStatus.State.CANCELLED));
                assertThat(tasks).allMatch(task -> store.open(task.id()).end().equals(Optional.of(End.cancelled())));
            } finally {
                worker.close();
            }
        }
    }

    /** Emits until it is told that it must not, and counts itself before an event that has to wait for the store. */
    private TaskHandler flood() {
        String big = "x".repeat(900_000);
        return (task, output) -> {
            output.emit("one");
            writing.incrementAndGet();
            away.await();
            output.emit(big);
            blocked.incrementAndGet();
            while (true) {
                output.emit(big);
            }
        };
    }

    private static TaskStatus.State state(MongoTaskQueue queue, Task task) {
        return queue.status(task.id()).orElseThrow().state();
    }

    /** Waits until a counter has grown. */
    private static void passes(AtomicInteger counter, int times) {
        int before = counter.get();
        await().until(() -> counter.get() >= before + times);
    }
}
