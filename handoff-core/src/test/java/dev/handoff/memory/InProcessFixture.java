// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.handoff.execution.TaskRun;
import dev.handoff.http.Problem;
import dev.handoff.store.EventStore;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.StepExecutor;
import dev.handoff.testing.TickingClock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** A dispatcher with a store in memory, a clock that the test moves, and an executor that runs a task when the test says so. */
@Timeout(30)
abstract class InProcessFixture {

    static final Duration RETENTION = Duration.ofMinutes(10);
    static final Duration LIMIT = Duration.ofSeconds(30);
    static final String ID_OF_K1 = "00000000000000000000000000000001";
    static final End.Failed WORKER_LOST =
            new End.Failed(new Problem(503, "worker_lost", "The worker was stopped before the task was done."));

    final TickingClock clock = new TickingClock();
    final Instant start = clock.instant();
    final EventStore store = InMemoryEventStore.create();
    final StepExecutor executor = new StepExecutor();
    final List<Task> handled = new ArrayList<>();
    final ListAppender<ILoggingEvent> log = new ListAppender<>();

    /** What the handler does beside noting the task. */
    TaskHandler work = (task, output) -> {};

    final InProcessTaskDispatcher dispatcher = builder(executor).build();

    @BeforeEach
    void watchLog() {
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void leaveLog() {
        logger().detachAppender(log);
    }

    /** Lets time pass while a streaming server says once a second that these streams are read. */
    void pass(Duration time, InProcessTaskDispatcher own, String... read) {
        for (int i = 0; i < time.toSeconds(); i++) {
            clock.tick(Duration.ofSeconds(1));
            own.reportReaders(List.of(read));
        }
    }

    InProcessTaskDispatcher.Builder builder(Executor executor) {
        return builder(store, executor);
    }

    InProcessTaskDispatcher.Builder builder(EventStore store, Executor executor) {
        return InProcessTaskDispatcher.builder(store, executor)
                .clock(clock)
                .ticker(clock)
                .retention(RETENTION)
                .handler("work", new TaskHandler() {
                    @Override
                    public void handle(Task task, TaskOutput output) {
                        throw new AssertionError("dispatchers call start");
                    }

                    @Override
                    public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
                        handled.add(task);
                        return work.start(task, output);
                    }
                });
    }

    Task dispatched(String payload) {
        Task task = Task.of("work", payload);
        dispatcher.dispatch(task);
        return task;
    }

    TaskStatus status(Task task) {
        return dispatcher.status(task.id()).orElseThrow();
    }

    List<Integer> positions(List<Task> tasks) {
        return tasks.stream().map(t -> status(t).queuePosition()).toList();
    }

    End end(Task task) {
        return store.open(task.id()).end().orElseThrow();
    }

    List<String> errors() {
        return log.list.stream()
                .filter(e -> e.getLevel() == Level.ERROR)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    static Logger logger() {
        return (Logger) LoggerFactory.getLogger(TaskRun.class);
    }

    static <T> FutureTask<T> inThread(Callable<T> call) {
        FutureTask<T> future = new FutureTask<>(call);
        Thread thread = new Thread(future);
        thread.setDaemon(true);
        thread.start();
        return future;
    }

    static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
