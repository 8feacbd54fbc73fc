package dev.handoff.mongo.task;

import static dev.handoff.mongo.testing.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import com.mongodb.event.CommandListener;
import com.mongodb.event.CommandSucceededEvent;
import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.EventAppender;
import dev.handoff.EventStream;
import dev.handoff.Problem;
import dev.handoff.StaleWriterException;
import dev.handoff.Task;
import dev.handoff.TaskStatus;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.Commands;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.mongo.testing.TcpProxy;
import dev.handoff.testkit.TickingClock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.bson.Document;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MongoWorkerTest {

    private static final Duration LEASE = Duration.ofSeconds(9);
    private static final Duration OVER = LEASE.plusMillis(1);

    private static Mongo mongo;

    private final TickingClock clock = new TickingClock();
    private final List<ExecutorService> handlers = new ArrayList<>();
    private final List<ExecutorService> timers = new ArrayList<>();

    /** A worker, with all that its process would have. Nothing ticks but by hand. */
    private final class Node {
        private final MongoDatabase database;
        private final MongoEventStore store;
        private final MongoTaskQueue queue;
        private final Puppet puppet = new Puppet();
        private final MongoWorker worker;

        Node(
                MongoDatabase database,
                Executor handlers,
                UnaryOperator<MongoTaskQueue.Builder> queueSettings,
                UnaryOperator<MongoWorker.Builder> workerSettings) {
            this(database, handlers, Runnable::run, queueSettings, workerSettings);
        }

        private Node(
                MongoDatabase database,
                Executor handlers,
                Executor sweeps,
                UnaryOperator<MongoTaskQueue.Builder> queueSettings,
                UnaryOperator<MongoWorker.Builder> workerSettings) {
            this.database = database;
            ScheduledExecutorService timer = Executors.newScheduledThreadPool(4);
            timers.add(timer);
            store = MongoEventStore.builder(database, timer)
                    .ticker(clock)
                    .retention(Duration.ofHours(1))
                    .retryFor(Duration.ofSeconds(2))
                    .build();
            queue = queueSettings
                    .apply(MongoTaskQueue.builder(database, store, sweeps, List.of("puppet", "other"))
                            .ticker(clock)
                            .retention(Duration.ofHours(1))
                            .lease(LEASE))
                    .build();
            worker = workerSettings
                    .apply(MongoWorker.builder(queue, handlers).handler("puppet", puppet))
                    .build();
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
            tick();
            await().until(() -> puppet.runs().contains(task.id()));
        }

        void emitted(Task task, String data) {
            puppet.emit(data);
            await().until(() -> events(task).stream().anyMatch(e -> e.data().equals(data)));
        }

        Document document(Task task) {
            return database.getCollection(MongoTaskQueue.COLLECTION)
                    .find(Filters.eq(task.id()))
                    .first();
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
    }

    @BeforeAll
    static void startMongo() {
        mongo = Mongo.start();
    }

    @AfterAll
    static void stopMongo() {
        mongo.close();
    }

    @BeforeEach
    void empty() {
        mongo.database.getCollection(MongoTaskQueue.COLLECTION).deleteMany(new Document());
        mongo.database.getCollection(MongoEventStore.COLLECTION).deleteMany(new Document());
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

    private ExecutorService threads() {
        ExecutorService threads = Executors.newCachedThreadPool();
        handlers.add(threads);
        return threads;
    }

    private Task dispatched(Node node) {
        Task task = Task.of("puppet", "work");
        node.queue.dispatch(task);
        clock.tick(Duration.ofMillis(1));
        return task;
    }

    private static void isWorkerLost(@Nullable End end) {
        assertThat(end).isInstanceOfSatisfying(End.Failed.class, failed -> {
            assertThat(failed.problem().code()).isEqualTo("worker_lost");
            assertThat(failed.problem().status()).isEqualTo(503);
        });
    }

    @Test
    @DisplayName(
            "R11 a worker that dies after it has emitted gives the stream one end, worker_lost, which every reader sees")
    void deadWorker() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        List<EventStream.Batch> seen = new ArrayList<>();
        EventStream watched = other.stream(task);
        try (EventStream.Watch ignored = watched.watch(() -> {})) {
            assertThat(watched.read(EventStream.BEGINNING, 10).events()).hasSize(1);

            clock.tick(LEASE.minusMillis(1));
            other.tick();
            assertThat(other.end(task)).as("before the lease is over").isNull();
            clock.tick(Duration.ofSeconds(2));
            other.tick();
            isWorkerLost(other.end(task));
            await().until(() -> {
                EventStream.Batch batch = watched.read(0, 10);
                seen.add(batch);
                return batch.end() != null;
            });
        }
        isWorkerLost(seen.get(seen.size() - 1).end());
        isWorkerLost(dead.stream(task).read(EventStream.BEGINNING, 10).end());
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
        assertThat(other.document(task))
                .doesNotContainKeys("leaseUntil", "payload")
                .containsKeys("ended", "expireAt");
        long last = other.stream(task).last();

        clock.tick(OVER);
        other.tick();
        dead.queue.sweep();
        assertThat(other.stream(task).last()).as("there is one end").isEqualTo(last);
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R3 R11 a zombie that wakes up after its task was ended changes nothing, and is told")
    void zombie() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        clock.tick(OVER);
        other.tick();
        isWorkerLost(other.end(task));
        long last = other.stream(task).last();
        List<Event> events = other.events(task);

        dead.puppet.emitUntilTold();
        await().until(() -> dead.puppet.told() != null);
        assertThat(dead.puppet.told()).isInstanceOf(StaleWriterException.class);
        await().until(() -> dead.worker.running() == 0);
        assertThat(other.stream(task).last()).isEqualTo(last);
        assertThat(other.events(task)).isEqualTo(events);
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("R11 a worker that finds its task taken has the handler stopped, and adds nothing")
    void takenTask() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        clock.tick(OVER);
        other.tick();
        long last = other.stream(task).last();

        dead.tick();
        await().until(() -> dead.puppet.stopped().contains(task.id()));
        dead.puppet.emitUntilTold();
        await().until(() -> dead.puppet.told() != null);
        assertThat(dead.puppet.told()).isInstanceOf(CancellationException.class);
        await().until(() -> dead.worker.running() == 0);
        assertThat(other.stream(task).last()).isEqualTo(last);
    }

    @Test
    @DisplayName("R11 a task that has emitted nothing is run once more by another worker, and the lost one is fenced")
    void runsAgain() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        clock.tick(OVER);
        other.running(task);
        other.tick();
        assertThat(other.end(task)).isNull();
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.RUNNING);

        dead.puppet.emitUntilTold();
        await().until(() -> dead.puppet.told() != null);
        assertThat(dead.puppet.told()).isInstanceOf(StaleWriterException.class);
        await().until(() -> dead.worker.running() == 0);
        other.puppet.emit("mine").complete();
        await().until(() -> other.end(task) != null);
        assertThat(other.end(task)).isEqualTo(End.completed(null));
        assertThat(other.events(task)).extracting(Event::data).containsExactly("mine");
        await().until(() -> other.state(task) == TaskStatus.State.COMPLETED);
        clock.tick(OVER);
        other.tick();
        dead.tick();
        assertThat(other.puppet.runs()).containsExactly(task.id());
        assertThat(dead.puppet.runs()).containsExactly(task.id());
    }

    @Test
    @DisplayName("R3 a zombie that returns without a word, while another runs its task, does not end it")
    void zombieReturns() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        clock.tick(OVER);
        other.running(task);
        dead.puppet.complete();
        await().until(() -> dead.worker.running() == 0);
        assertThat(other.end(task)).isNull();
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.RUNNING);
        other.puppet.emit("mine").complete();
        await().until(() -> other.end(task) != null);
        assertThat(other.end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R11 a task that loses its worker in every attempt ends with worker_lost after the last")
    void attempts() {
        UnaryOperator<MongoTaskQueue.Builder> twice = q -> q.maxAttempts(2);
        Node first = new Node(twice);
        Node second = new Node(twice);
        Node third = new Node(twice);
        Task task = dispatched(first);
        first.running(task);
        clock.tick(OVER);
        second.running(task);
        clock.tick(OVER);
        third.tick();
        isWorkerLost(third.end(task));
        assertThat(third.state(task)).isEqualTo(TaskStatus.State.FAILED);
        third.tick();
        assertThat(third.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R11 a worker that ticks keeps a long task over many leases")
    void renews() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        for (int i = 0; i < 40; i++) {
            clock.tick(LEASE.dividedBy(4));
            node.tick();
            other.tick();
        }
        assertThat(other.end(task)).isNull();
        assertThat(other.puppet.runs()).isEmpty();
        node.puppet.emit("late").complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.end(task)).isEqualTo(End.completed(null));
        assertThat(node.puppet.runs()).hasSize(1);
    }

    @Test
    @DisplayName("R11 a renewal that failed is made good as soon as the store is back, not a third of a lease later")
    void renewalIsRepeated() throws Exception {
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            Node node = new Node(mongo.connect(proxy), threads(), UnaryOperator.identity(), UnaryOperator.identity());
            Task task = dispatched(node);
            node.running(task);
            Date first = mongoTask(task).getDate("leaseUntil");
            clock.tick(LEASE.dividedBy(3));
            proxy.goAway();
            node.tick();
            proxy.comeBack();
            await().until(() -> {
                try {
                    return node.queue.status(task.id()).isPresent();
                } catch (RuntimeException e) {
                    return false;
                }
            });
            clock.tick(Duration.ofSeconds(1));
            node.tick();
            assertThat(mongoTask(task).getDate("leaseUntil")).isAfter(first);
        }
    }

    private static Document mongoTask(Task task) {
        return mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .find(Filters.eq(task.id()))
                .first();
    }

    @Test
    @DisplayName(
            "R9 the cancellation of a running task reaches its handler with the next look, a quarter of a second later")
    void cancelsRunning() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        assertThat(other.queue.cancel(task.id())).isTrue();
        clock.tick(Duration.ofMillis(250));
        node.tick();
        await().until(() -> node.puppet.stopped().contains(task.id()));
        await().until(() -> node.end(task) != null);
        assertThat(node.end(task)).isEqualTo(End.cancelled());
        assertThat(other.queue.cancel(task.id())).isTrue();
        node.puppet.complete();
        await().until(() -> node.state(task) == TaskStatus.State.CANCELLED);
        assertThat(node.stream(task).last()).isZero();
    }

    @Test
    @DisplayName("R9 a cancellation reaches the handler also if there are no more threads than tasks that run")
    void cancelsOnBusyThreads() {
        ExecutorService one = Executors.newFixedThreadPool(1);
        handlers.add(one);
        Node node = new Node(mongo.database, one, UnaryOperator.identity(), w -> w.maxRunning(1));
        Task task = dispatched(node);
        node.running(task);
        node.queue.cancel(task.id());
        clock.tick(Duration.ofMillis(250));
        node.tick();
        await().atMost(Duration.ofSeconds(2)).until(() -> node.puppet.stopped().contains(task.id()));
    }

    @Test
    @DisplayName("the store's executor is refused for what waits for the store")
    void oneExecutorForAll() {
        ScheduledExecutorService one = Executors.newSingleThreadScheduledExecutor();
        timers.add(one);
        MongoEventStore store = MongoEventStore.builder(mongo.database, one).build();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> MongoTaskQueue.builder(mongo.database, store, one, List.of("puppet"))
                        .build())
                .withMessageContaining("executor");
    }

    @Test
    @DisplayName("R2 a result that is too large for a document fails the task at once")
    void resultTooLarge() {
        Node node = new Node(
                mongo.database,
                threads(),
                UnaryOperator.identity(),
                w -> w.handler("other", (task, output) -> output.complete("x".repeat(5 << 20))));
        Task task = Task.of("other", "work");
        node.queue.dispatch(task);
        node.tick();
        await().until(() -> node.state(task).isFinal());
        assertThat(node.end(task))
                .isInstanceOfSatisfying(
                        End.Failed.class,
                        failed -> assertThat(failed.problem().code()).isEqualTo("result_refused"));
    }

    @Test
    @DisplayName("R9 cancelling a task that waits ends its stream at once, and it is never run")
    void cancelsQueued() {
        Node node = new Node();
        Task task = dispatched(node);
        assertThat(node.queue.cancel(task.id())).isTrue();
        assertThat(node.end(task)).isEqualTo(End.cancelled());
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.CANCELLED);
        node.tick();
        assertThat(node.worker.running()).isZero();
        assertThat(node.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R9 a task that is to be cancelled but has lost its worker ends cancelled")
    void cancelsLost() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        assertThat(other.queue.cancel(task.id())).isTrue();
        clock.tick(OVER);
        other.tick();
        assertThat(other.end(task)).isEqualTo(End.cancelled());
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.CANCELLED);
    }

    @Test
    @DisplayName("R9 a task that is handed back after it was asked to be cancelled is not run again")
    void cancelledAndHandedBack() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        other.queue.cancel(task.id());
        assertThat(node.worker.stop(Duration.ZERO)).isFalse();
        other.tick();
        clock.tick(OVER);
        other.tick();
        await().until(() -> other.end(task) != null);
        assertThat(other.end(task)).isEqualTo(End.cancelled());
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R2 a crash between the end and the state is set right: the state becomes what the stream says")
    void crashAfterEnd() {
        Node dead = new Node();
        Node other = new Node();
        List<End> ends = List.of(
                End.completed("{}"), End.failed(new Problem(500, "handler_failed", "It failed.")), End.cancelled());
        List<TaskStatus.State> states =
                List.of(TaskStatus.State.COMPLETED, TaskStatus.State.FAILED, TaskStatus.State.CANCELLED);
        for (int i = 0; i < ends.size(); i++) {
            Task task = dispatched(dead);
            int epoch = dead.queue
                    .database()
                    .claim(List.of("puppet"), "dead")
                    .orElseThrow()
                    .epoch();
            EventAppender appender = dead.store.appender(task.id(), epoch);
            appender.append(null, "all");
            appender.end(ends.get(i));
            assertThat(other.state(task)).isEqualTo(TaskStatus.State.RUNNING);
            clock.tick(OVER);
            other.queue.sweep();
            assertThat(other.end(task)).isEqualTo(ends.get(i));
            assertThat(other.state(task)).isEqualTo(states.get(i));
            assertThat(other.stream(task).last()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("R11 a sweeper that dies in the middle of a task leaves it to the next")
    void sweeperDies() {
        Node dead = new Node();
        Node other = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        clock.tick(OVER);
        // As the sweep does it: takes the task, writes a fence, and is gone.
        mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .updateOne(Filters.eq(task.id()), Document.parse("{$inc: {epoch: 1}, $set: {worker: 'sweeper'}}"));
        dead.store.appender(task.id(), 2);
        other.tick();
        isWorkerLost(other.end(task));
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("two sweeps at the same time end a lost task once")
    void sweepsRace() throws Exception {
        Node dead = new Node();
        Node other = new Node();
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            Task task = dispatched(dead);
            int epoch = dead.queue
                    .database()
                    .claim(List.of("puppet"), "dead")
                    .orElseThrow()
                    .epoch();
            EventAppender appender = dead.store.appender(task.id(), epoch);
            appender.append(null, "one");
            appender.flush();
            tasks.add(task);
        }
        clock.tick(OVER);
        List<Future<?>> sweeps = new ArrayList<>();
        ExecutorService threads = threads();
        for (Node node : List.of(dead, other, dead, other)) {
            sweeps.add(threads.submit(node.queue::sweep));
        }
        for (Future<?> sweep : sweeps) {
            sweep.get();
        }
        for (Task task : tasks) {
            isWorkerLost(other.end(task));
            assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
            assertThat(mongo.database
                            .getCollection(MongoEventStore.COLLECTION)
                            .countDocuments(Filters.and(Filters.eq("stream", task.id()), Filters.exists("end"))))
                    .isEqualTo(1);
        }
    }

    @Test
    @DisplayName("a worker that stops waits for what it is at, and takes nothing more")
    void stops() throws Exception {
        Node node = new Node();
        Task task = dispatched(node);
        node.running(task);
        Future<Boolean> stop = threads().submit(() -> node.worker.stop(Duration.ofSeconds(30)));
        Task later = dispatched(node);
        node.puppet.emit("one").complete();
        assertThat(stop.get(10, TimeUnit.SECONDS)).isTrue();
        assertThat(node.end(task)).isEqualTo(End.completed(null));
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.COMPLETED);
        clock.tick(Duration.ofSeconds(1));
        node.tick();
        assertThat(node.state(later)).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(node.worker.running()).isZero();
    }

    @Test
    @DisplayName("a worker with nothing to do stops at once")
    void stopsIdle() {
        Node node = new Node();
        assertThat(node.worker.stop(Duration.ofSeconds(30))).isTrue();
    }

    @Test
    @DisplayName("a worker whose time is over hands back a task that is untouched, and another runs it")
    void handsBack() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
        assertThat(node.puppet.stopped()).contains(task.id());
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        other.running(task);
        node.puppet.emitUntilTold();
        await().until(() -> node.puppet.told() != null);
        assertThat(node.puppet.told()).isInstanceOf(CancellationException.class);
        other.puppet.emit("mine").complete();
        await().until(() -> other.state(task) == TaskStatus.State.COMPLETED);
        assertThat(other.events(task)).extracting(Event::data).containsExactly("mine");
    }

    @Test
    @DisplayName("R11 a worker whose time is over ends a task that has emitted with worker_lost")
    void endsTouched() {
        Node node = new Node();
        Node other = new Node();
        Task task = dispatched(node);
        node.running(task);
        node.emitted(task, "one");
        assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
        isWorkerLost(other.end(task));
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
        other.tick();
        assertThat(other.puppet.runs()).isEmpty();
    }

    @Test
    @DisplayName("R11 handing a task back is no failed attempt: it can still lose a worker as often as before")
    void handingBackIsNoAttempt() {
        UnaryOperator<MongoTaskQueue.Builder> twice = q -> q.maxAttempts(2);
        Node first = new Node(twice);
        Node second = new Node(twice);
        Node third = new Node(twice);
        Node fourth = new Node(twice);
        Task task = dispatched(first);
        first.running(task);
        first.worker.stop(Duration.ZERO);
        second.running(task);
        second.worker.stop(Duration.ZERO);
        third.running(task);
        clock.tick(OVER);
        fourth.tick();
        assertThat(fourth.end(task)).isNull();
        fourth.running(task);
    }

    @Test
    @DisplayName("a worker that has said that it has stopped begins nothing, though it was just claiming")
    void stopsWhileClaiming() {
        AtomicReference<@Nullable Node> stopping = new AtomicReference<>();
        AtomicReference<@Nullable Boolean> stopped = new AtomicReference<>();
        CommandListener listener = new CommandListener() {
            @Override
            public void commandSucceeded(CommandSucceededEvent event) {
                Node node = stopping.get();
                if (node != null && event.getCommandName().equals("findAndModify") && stopped.get() == null) {
                    // As if another thread did it between the claim and its answer.
                    Future<Boolean> stop = threads().submit(() -> node.worker.stop(Duration.ofMillis(200)));
                    try {
                        stopped.set(stop.get(5, TimeUnit.SECONDS));
                    } catch (Exception e) {
                        throw new AssertionError(e);
                    }
                }
            }
        };
        Node node = new Node(mongo.connect(listener), threads(), UnaryOperator.identity(), UnaryOperator.identity());
        Node other = new Node();
        Task task = dispatched(node);
        stopping.set(node);
        node.tick();
        assertThat(stopped.get()).isNotNull();
        assertThat(node.worker.running()).isZero();
        assertThat(node.puppet.runs()).isEmpty();
        other.running(task);
    }

    @Test
    @DisplayName("no more tasks run at a time than the worker is to do")
    void maxRunning() {
        Node node = new Node(mongo.database, threads(), UnaryOperator.identity(), w -> w.maxRunning(2));
        List<Task> tasks = List.of(dispatched(node), dispatched(node), dispatched(node), dispatched(node));
        node.running(tasks.get(0));
        node.running(tasks.get(1));
        clock.tick(Duration.ofSeconds(1));
        node.tick();
        assertThat(node.worker.running()).isEqualTo(2);
        assertThat(node.puppet.runs())
                .containsExactlyInAnyOrder(tasks.get(0).id(), tasks.get(1).id());
        assertThat(node.queue.status(tasks.get(3).id()).orElseThrow().queuePosition())
                .isEqualTo(1);
        node.puppet.complete();
        await().until(() -> node.worker.running() == 1);
        clock.tick(Duration.ofSeconds(1));
        node.running(tasks.get(2));
        assertThat(node.puppet.runs()).hasSize(3);
    }

    @Test
    @DisplayName("a task whose run the executor refuses goes back into the queue, and the worker goes on later")
    void executorRefuses() {
        AtomicBoolean full = new AtomicBoolean(true);
        ExecutorService threads = threads();
        Executor picky = action -> {
            if (full.get()) {
                throw new RejectedExecutionException("full");
            }
            threads.execute(action);
        };
        Node node = new Node(mongo.database, picky, UnaryOperator.identity(), UnaryOperator.identity());
        Task task = dispatched(node);
        node.tick();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(node.worker.running()).isZero();
        full.set(false);
        clock.tick(Duration.ofSeconds(1));
        node.running(task);
        node.puppet.emit("one").complete();
        await().until(() -> node.state(task) == TaskStatus.State.COMPLETED);
        assertThat(node.events(task)).extracting(Event::data).containsExactly("one");
    }

    @Test
    @DisplayName("a worker leaves tasks of types that it has no handler for")
    void otherTypes() {
        Node node = new Node();
        Task task = Task.of("other", "");
        node.queue.dispatch(task);
        node.tick();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("R9 a task that nobody reads is cancelled where that was chosen, one that is attended is not")
    void unattended() {
        UnaryOperator<MongoTaskQueue.Builder> limited = q -> q.cancelUnattendedAfter(Duration.ofSeconds(30));
        Node worker = new Node(limited);
        Node streaming = new Node(limited);
        Task read = dispatched(worker);
        Task left = dispatched(worker);
        worker.running(read);
        worker.running(left);
        for (int i = 0; i < 20; i++) {
            clock.tick(Duration.ofSeconds(2));
            streaming.queue.attended(List.of(read.id()));
            worker.tick();
            if (i < 14) {
                assertThat(worker.puppet.stopped()).isEmpty();
            }
        }
        await().until(() -> worker.puppet.stopped().contains(left.id()));
        await().until(() -> worker.end(left) != null);
        assertThat(worker.end(left)).isEqualTo(End.cancelled());
        assertThat(worker.end(read)).isNull();
        assertThat(worker.puppet.stopped()).containsExactly(left.id());
    }

    @Test
    @DisplayName("R9 a worker and a streaming server that share one queue cancel no task that is read")
    void attendedOnSharedQueue() {
        Node node = new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)));
        Task read = dispatched(node);
        Task alsoRead = dispatched(node);
        Task left = dispatched(node);
        for (Task task : List.of(read, alsoRead, left)) {
            node.running(task);
        }
        for (int i = 0; i < 120; i++) {
            clock.tick(Duration.ofSeconds(1));
            // The worker always comes first, and so takes every sweep.
            node.tick();
            // Two servers, of which the first comes first.
            node.queue.attended(List.of(read.id()));
            node.queue.attended(List.of(alsoRead.id()));
        }
        await().until(() -> node.puppet.stopped().contains(left.id()));
        assertThat(node.puppet.stopped()).containsExactly(left.id());
    }

    @Test
    @DisplayName("R9 which tasks are read is written once in a quarter of the limit, and not at all without a limit")
    void attendanceIsThrottled() {
        Commands commands = new Commands();
        Node node = new Node(
                mongo.connect(commands),
                threads(),
                q -> q.cancelUnattendedAfter(Duration.ofSeconds(40)),
                UnaryOperator.identity());
        Node unlimited =
                new Node(mongo.connect(commands), threads(), UnaryOperator.identity(), UnaryOperator.identity());
        Task task = dispatched(node);
        commands.clear();
        for (int i = 0; i < 100; i++) {
            node.queue.attended(List.of(task.id()));
            unlimited.queue.attended(List.of(task.id()));
            clock.tick(Duration.ofSeconds(1));
        }
        assertThat(commands.started("update")).hasSize(10);
    }

    @Test
    @DisplayName("R9 readers that could not be recorded are recorded by the next call")
    void attendanceIsRepeated() throws Exception {
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            Node node = new Node(
                    mongo.connect(proxy),
                    threads(),
                    q -> q.cancelUnattendedAfter(Duration.ofSeconds(40)),
                    UnaryOperator.identity());
            Task task = dispatched(node);
            clock.tick(Duration.ofSeconds(5));
            proxy.goAway();
            node.queue.attended(List.of(task.id()));
            proxy.comeBack();
            await().until(() -> {
                node.queue.attended(List.of(task.id()));
                return !mongoTask(task).getDate("attended").before(Date.from(clock.instant()));
            });
        }
    }

    @Test
    @DisplayName("R9 readers that the executor refused to record are dropped, and the next call records those it names")
    void attendanceAfterRefusal() {
        AtomicBoolean full = new AtomicBoolean();
        Executor picky = action -> {
            if (full.get()) {
                throw new RejectedExecutionException("full");
            }
            action.run();
        };
        Node node = new Node(
                mongo.database,
                threads(),
                picky,
                q -> q.cancelUnattendedAfter(Duration.ofSeconds(40)),
                UnaryOperator.identity());
        Task left = dispatched(node);
        Task read = dispatched(node);
        clock.tick(Duration.ofSeconds(5));
        full.set(true);
        node.queue.attended(List.of(left.id(), read.id()));
        full.set(false);
        node.queue.attended(List.of(read.id()));
        Date now = Date.from(clock.instant());
        assertThat(mongoTask(read).getDate("attended")).isEqualTo(now);
        assertThat(mongoTask(left).getDate("attended")).isBefore(now);
    }

    @Test
    @DisplayName("a clock that is set back stops neither worker nor sweep")
    void clockSetBack() {
        Node node = new Node();
        Node other = new Node();
        Task first = dispatched(node);
        node.running(first);
        node.emitted(first, "one");
        Date renewed = node.document(first).getDate("leaseUntil");
        clock.setClock(Duration.ofDays(-1));
        clock.tickTicker(Duration.ofSeconds(4));
        Task second = dispatched(node);
        node.running(second);
        assertThat(node.document(first).getDate("leaseUntil")).isBefore(renewed);
        other.queue.cancel(first.id());
        clock.tickTicker(Duration.ofMillis(250));
        node.tick();
        await().until(() -> node.puppet.stopped().contains(first.id()));
        clock.tick(OVER);
        other.tick();
        assertThat(other.state(second)).isNotEqualTo(TaskStatus.State.COMPLETED);
        await().until(() -> other.end(first) != null);
        other.running(second);
    }

    @Test
    @DisplayName("R9 setting the clock forward does not cancel a task that has readers")
    void clockSetForward() {
        Node node = new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)));
        Task task = dispatched(node);
        for (int i = 0; i < 40; i++) {
            clock.tick(Duration.ofSeconds(1));
            node.queue.attended(List.of(task.id()));
        }
        clock.setClock(Duration.ofHours(1));
        for (int i = 0; i < 40; i++) {
            clock.tick(Duration.ofSeconds(1));
            // A sweep of another process may come first.
            node.queue.sweep();
            node.queue.attended(List.of(task.id()));
        }
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("R16 an executor that refuses a cancellation once is asked again")
    void cancellationIsRepeated() {
        AtomicBoolean full = new AtomicBoolean();
        Executor picky = action -> {
            if (full.get()) {
                throw new OutOfMemoryError("a test of: unable to create native thread");
            }
            action.run();
        };
        Node node = new Node(mongo.database, threads(), picky, UnaryOperator.identity(), UnaryOperator.identity());
        Task task = dispatched(node);
        node.running(task);
        node.queue.cancel(task.id());
        full.set(true);
        clock.tick(Duration.ofMillis(250));
        node.tick();
        node.queue.attended(List.of());
        assertThat(node.end(task)).isNull();
        full.set(false);
        clock.tick(Duration.ofMillis(250));
        node.tick();
        assertThat(node.end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R9 a task that nobody reads is left alone by default")
    void leavingIsNotCancelling() {
        Node worker = new Node();
        Task task = dispatched(worker);
        worker.running(task);
        for (int i = 0; i < 100; i++) {
            clock.tick(Duration.ofSeconds(3));
            worker.tick();
            worker.queue.attended(List.of());
        }
        assertThat(worker.end(task)).isNull();
        assertThat(worker.puppet.stopped()).isEmpty();
    }

    @Test
    @DisplayName("R11 leases are renewed while a slow store makes many claims take long")
    void renewsBetweenSlowClaims() {
        // Each claim takes a second, by the clock that leases go by.
        MongoDatabase slow = mongo.connect(new CommandListener() {
            @Override
            public void commandSucceeded(CommandSucceededEvent event) {
                if (event.getCommandName().equals("findAndModify")) {
                    clock.tick(Duration.ofSeconds(1));
                }
            }
        });
        Node node = new Node(slow, threads(), UnaryOperator.identity(), UnaryOperator.identity());
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            tasks.add(dispatched(node));
        }
        for (int i = 0; i < 20; i++) {
            node.tick();
            for (Task task : tasks) {
                Date until = node.document(task).getDate("leaseUntil");
                assertThat(until == null || until.getTime() > clock.millis())
                        .as("the lease of a task is not over")
                        .isTrue();
            }
        }
        assertThat(node.worker.running()).isEqualTo(20);
        isUntouched(tasks, node);
    }

    private static void isUntouched(List<Task> tasks, Node node) {
        assertThat(tasks)
                .allSatisfy(
                        t -> assertThat(node.document(t).getInteger("attempts")).isEqualTo(1));
    }

    @Test
    @DisplayName("R11 a task whose stream has lost its beginning is ended all the same, and the sweep goes on")
    void lostBeginning() {
        Node dead = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        // Before the other begins, which has the same puppet.
        dead.emitted(task, "one");
        Task next = dispatched(dead);
        clock.tick(Duration.ofMillis(100));
        dead.running(next);
        mongo.database.getCollection(MongoEventStore.COLLECTION).deleteMany(Filters.eq("stream", task.id()));
        new Node().store.appender(task.id(), 7);
        mongo.database
                .getCollection(MongoEventStore.COLLECTION)
                .updateOne(Filters.eq("stream", task.id()), Document.parse("{$set: {seq: NumberLong(1)}}"));
        mongo.database
                .getCollection(MongoTaskQueue.COLLECTION)
                .updateOne(Filters.eq(task.id()), Document.parse("{$set: {epoch: 7}}"));
        clock.tick(OVER);
        Node other = new Node();
        other.queue.sweep();
        isWorkerLost(other.end(task));
        assertThat(other.state(task)).isEqualTo(TaskStatus.State.FAILED);
        assertThat(other.state(next)).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("an error of the machine does not stop the worker's timer, nor keep what it had claimed")
    void errorInTick() {
        AtomicBoolean broken = new AtomicBoolean(true);
        ExecutorService threads = threads();
        Node node = new Node(
                mongo.database,
                job -> {
                    if (broken.get()) {
                        throw new OutOfMemoryError("no thread");
                    }
                    threads.execute(job);
                },
                UnaryOperator.identity(),
                UnaryOperator.identity());
        Task task = dispatched(node);
        node.tick();
        assertThat(node.worker.running()).isZero();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        broken.set(false);
        clock.tick(Duration.ofSeconds(1));
        node.running(task);
    }

    @Test
    @DisplayName("R9 nobody is taken to be away only because the store was, and nobody could say that he reads")
    void unattendedAfterOutage() {
        Node node =
                new Node(q -> q.cancelUnattendedAfter(Duration.ofSeconds(30)).sweepInterval(Duration.ofSeconds(2)));
        Task task = dispatched(node);
        node.queue.attended(List.of(task.id()));
        clock.tick(Duration.ofSeconds(40));
        node.queue.sweep();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        for (int i = 0; i < 14; i++) {
            clock.tick(Duration.ofSeconds(2));
            node.queue.sweep();
            assertThat(node.state(task)).isEqualTo(TaskStatus.State.QUEUED);
        }
        clock.tick(Duration.ofSeconds(2));
        node.queue.sweep();
        assertThat(node.state(task)).isEqualTo(TaskStatus.State.CANCELLED);
    }

    @Test
    @DisplayName("a queue that would remember tasks for longer than their streams are kept is refused")
    void longMemory() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Node(q -> q.retention(Duration.ofHours(2))))
                .withMessageContaining("PT2H");
    }

    @Test
    @DisplayName("stopping while the store is away takes the time of one task, however many there are")
    void stopsWithoutStore() throws Exception {
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            Node node = new Node(
                    mongo.connect(proxy),
                    threads(),
                    threads(),
                    UnaryOperator.identity(),
                    w -> w.handler("other", (task, output) -> {
                        output.emit("one");
                        new CountDownLatch(1).await();
                    }));
            List<Task> tasks = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                Task task = Task.of("other", "work");
                node.queue.dispatch(task);
                tasks.add(task);
            }
            node.tick();
            await().until(() -> tasks.stream().allMatch(t -> node.stream(t).last() == 0));
            proxy.goAway();
            long before = System.nanoTime();
            assertThat(node.worker.stop(Duration.ofMillis(1))).isFalse();
            // Each of them waits for two seconds by itself, one after the other for 24.
            assertThat(System.nanoTime() - before).isLessThan(TimeUnit.SECONDS.toNanos(16));
            proxy.comeBack();
        }
    }

    @Test
    @DisplayName("R11 a streaming server sweeps too, by saying what is read")
    void streamingServerSweeps() {
        Node dead = new Node();
        Node streaming = new Node();
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        clock.tick(OVER);
        streaming.queue.attended(List.of());
        await().until(() -> streaming.end(task) != null);
        isWorkerLost(streaming.end(task));
    }

    @Test
    @DisplayName("R11 a streaming server that calls about once a second sweeps no later than the interval says")
    void sweepsInTime() {
        Node dead = new Node();
        Node streaming = new Node(q -> q.sweepInterval(Duration.ofSeconds(2)));
        Task task = dispatched(dead);
        dead.running(task);
        dead.emitted(task, "one");
        clock.tick(LEASE.minusMillis(1));
        streaming.queue.attended(List.of());
        assertThat(streaming.end(task)).as("before the lease is over").isNull();
        for (int i = 0; i < 2; i++) {
            clock.tick(Duration.ofMillis(990));
            streaming.queue.attended(List.of());
        }
        isWorkerLost(streaming.end(task));
    }

    @Test
    @DisplayName("what has expired is deleted by the sweep, and what has not is kept")
    void expires() {
        Node node = new Node();
        Task done = dispatched(node);
        node.running(done);
        node.puppet.emit("one").complete();
        await().until(() -> node.state(done) == TaskStatus.State.COMPLETED);
        clock.tick(Duration.ofMinutes(59));
        Task young = dispatched(node);
        node.queue.cancel(young.id());
        node.queue.sweep();
        assertThat(node.document(done)).isNotNull();
        assertThat(node.events(done)).hasSize(1);

        clock.tick(Duration.ofMinutes(2));
        node.queue.sweep();
        assertThat(node.document(done)).isNull();
        assertThat(mongo.database
                        .getCollection(MongoEventStore.COLLECTION)
                        .countDocuments(Filters.eq("stream", done.id())))
                .isZero();
        assertThat(node.document(young)).isNotNull();
        assertThat(node.end(young)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("a tick throws nothing while the store is away, and the worker goes on when it is back")
    void tickThrowsNothing() throws Exception {
        try (TcpProxy proxy = new TcpProxy(mongo.address())) {
            Node node = new Node(mongo.connect(proxy), threads(), UnaryOperator.identity(), UnaryOperator.identity());
            proxy.goAway();
            node.tick();
            Task task = Task.of("puppet", "");
            new Node().queue.dispatch(task);
            proxy.comeBack();
            await().until(() -> {
                clock.tick(Duration.ofMillis(500));
                node.tick();
                return node.puppet.runs().contains(task.id());
            });
        }
    }
}
