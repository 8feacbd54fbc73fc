package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.handoff.execution.TaskRun;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.Refusal;
import dev.handoff.testing.StepExecutor;
import dev.handoff.testing.TickingClock;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.FutureTask;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** What is peculiar to this dispatcher; the rest is in {@code TaskDispatcherContract} of handoff-testkit. */
@Timeout(30)
class InProcessTaskDispatcherTest {

    private static final Duration RETENTION = Duration.ofMinutes(10);
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String ID_OF_K1 = "00000000000000000000000000000001";
    private static final End.Failed WORKER_LOST =
            new End.Failed(new Problem(503, "worker_lost", "The worker was stopped before the task was done."));

    private final TickingClock clock = new TickingClock();
    private final Instant start = clock.instant();
    private final EventStore store = InMemoryEventStore.create();
    private final StepExecutor executor = new StepExecutor();
    private final List<Task> handled = new ArrayList<>();
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    /** What the handler does beside noting the task. */
    private TaskHandler work = (task, output) -> {};

    private final InProcessTaskDispatcher dispatcher = builder(executor).build();

    @BeforeEach
    void watchLog() {
        log.start();
        logger().addAppender(log);
    }

    @AfterEach
    void leaveLog() {
        logger().detachAppender(log);
    }

    @Test
    @DisplayName("when the executor rejects a task, it is refused and nothing is left of it")
    void rejected() {
        executor.capacity(0);
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);

        assertThat(Refusal.of(() -> dispatcher.dispatch(task)))
                .isEqualTo(new Problem(503, "overloaded", "No more tasks can be taken at the moment."));
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.cancel(task.id())).isFalse();
        assertThat(store.open(task.id()).last()).isEqualTo(EventStream.BEGINNING);
        assertThat(store.open(task.id()).end()).isEmpty();
    }

    @Test
    @DisplayName("R10 a retry of what was rejected is taken, and runs once")
    void retryAfterRejection() {
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        executor.capacity(0);
        Refusal.of(() -> dispatcher.dispatch(task));
        executor.capacity(1);
        assertThat(dispatcher.dispatch(task).state()).isEqualTo(TaskStatus.State.QUEUED);
        executor.runAll();
        assertThat(handled).containsExactly(task);
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("an executor that fails otherwise leaves nothing behind either")
    void brokenExecutor() {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        InProcessTaskDispatcher own = builder(command -> {
                    Throwable e = failure.get();
                    if (e != null) {
                        raise(e);
                    }
                    executor.execute(command);
                })
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        for (Throwable e : List.of(
                new OutOfMemoryError("a test of: unable to create native thread"),
                new IOException("a test of an executor in another language"))) {
            failure.set(e);
            FutureTask<Problem> refused = inThread(() -> Refusal.of(() -> own.dispatch(task)));
            await().atMost(Duration.ofSeconds(5)).until(refused::isDone);
            assertThat(refused).succeedsWithin(Duration.ZERO).returns(503, Problem::status);
            assertThat(own.status(task.id())).isEmpty();
        }
        failure.set(null);
        FutureTask<TaskStatus> retry = inThread(() -> own.dispatch(task));
        await().atMost(Duration.ofSeconds(5)).until(retry::isDone);
        executor.runAll();
        assertThat(handled).containsExactly(task);
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void raise(Throwable e) throws E {
        throw (E) e;
    }

    @Test
    @DisplayName("R10 a retry that comes while the first request is being rejected is refused, too")
    void duplicateOfRejected() throws Exception {
        CountDownLatch submitting = new CountDownLatch(1);
        CountDownLatch reject = new CountDownLatch(1);
        InProcessTaskDispatcher own = builder(command -> {
                    submitting.countDown();
                    awaitLatch(reject);
                    throw new RejectedExecutionException("full");
                })
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        FutureTask<Problem> first = new FutureTask<>(() -> Refusal.of(() -> own.dispatch(task)));
        FutureTask<Problem> second = new FutureTask<>(() -> Refusal.of(() -> own.dispatch(task)));
        new Thread(first).start();
        awaitLatch(submitting);
        Thread duplicate = new Thread(second);
        duplicate.start();
        await().until(() -> duplicate.getState() == Thread.State.WAITING);
        reject.countDown();

        assertThat(first.get(5, TimeUnit.SECONDS).status()).isEqualTo(503);
        assertThat(second.get(5, TimeUnit.SECONDS).status()).isEqualTo(503);
        assertThat(own.status(task.id())).isEmpty();
    }

    @Test
    @DisplayName("R10 a retry that comes while the first request is being taken is answered when that is settled")
    void duplicateOfAccepted() throws Exception {
        CountDownLatch submitting = new CountDownLatch(1);
        CountDownLatch accept = new CountDownLatch(1);
        InProcessTaskDispatcher own = builder(command -> {
                    submitting.countDown();
                    awaitLatch(accept);
                    executor.execute(command);
                })
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        FutureTask<TaskStatus> first = inThread(() -> own.dispatch(task));
        awaitLatch(submitting);
        FutureTask<TaskStatus> second = new FutureTask<>(() -> own.dispatch(task));
        Thread duplicate = new Thread(second);
        duplicate.start();
        await().until(() -> duplicate.getState() == Thread.State.WAITING);
        accept.countDown();

        assertThat(first.get(5, TimeUnit.SECONDS)).isEqualTo(second.get(5, TimeUnit.SECONDS));
        assertThat(executor.waiting()).isEqualTo(1);
    }

    @Test
    @DisplayName("R15 the queue position is counted up to a thousand")
    void longQueue() {
        for (int i = 0; i < 1005; i++) {
            dispatched("a");
        }
        assertThat(status(dispatched("last")).queuePosition()).isEqualTo(1000).isEqualTo(TaskStatus.MAX_QUEUE_POSITION);
        executor.runNext();
        for (int i = 0; i < 6; i++) {
            executor.runNext();
        }
        assertThat(status(dispatched("later")).queuePosition()).isEqualTo(999);
    }

    @Test
    @DisplayName("the queue position counts the tasks that are to be started before")
    void queuePosition() {
        List<Task> tasks = List.of(dispatched("a"), dispatched("b"), dispatched("c"), dispatched("d"));
        assertThat(positions(tasks)).containsExactly(0, 1, 2, 3);
        executor.runNext();
        assertThat(positions(tasks)).containsExactly(0, 0, 1, 2);
        dispatcher.cancel(tasks.get(2).id());
        assertThat(positions(tasks)).containsExactly(0, 0, 0, 1);
        executor.runAll();
        assertThat(positions(tasks)).containsExactly(0, 0, 0, 0);
    }

    @Test
    @DisplayName("a retry does not change the queue, and says where the task stands")
    void queuePositionOfRetry() {
        dispatched("a");
        Task task = Task.of("work", "b").requestedBy("alice", "k1").withId(ID_OF_K1);
        assertThat(dispatcher.dispatch(task).queuePosition()).isEqualTo(1);
        assertThat(dispatcher.dispatch(task).queuePosition()).isEqualTo(1);
        assertThat(dispatcher.dispatch(Task.of("work", "c")).queuePosition()).isEqualTo(2);
        assertThat(executor.waiting()).isEqualTo(3);
    }

    @Test
    @DisplayName("the status has the times of the clock")
    void times() {
        work = (task, output) -> clock.tick(Duration.ofSeconds(7));
        Task task = dispatched("a");
        clock.tick(Duration.ofSeconds(5));
        assertThat(status(task))
                .isEqualTo(new TaskStatus(task.id(), null, "standard", TaskStatus.State.QUEUED, 0, start, null, null));
        executor.runAll();
        assertThat(status(task))
                .isEqualTo(new TaskStatus(
                        task.id(),
                        null,
                        "standard",
                        TaskStatus.State.COMPLETED,
                        0,
                        start,
                        start.plusSeconds(5),
                        start.plusSeconds(12)));
    }

    @Test
    @DisplayName("R9 a task that is cancelled in the queue never runs, and its stream ends at once")
    void cancelledInQueue() {
        Task task = dispatched("a");
        assertThat(dispatcher.cancel(task.id())).isTrue();
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(status(task).started()).isNull();
        assertThat(status(task).ended()).isEqualTo(start);
        executor.runAll();
        assertThat(handled).isEmpty();
        assertThat(status(task).started()).isNull();
        assertThat(store.open(task.id()).last()).isZero();
    }

    @Test
    @DisplayName("R10 a key is compared with its first request also when the task has ended and its payload is gone")
    void keyReusedAfterTheEnd() {
        Task task = Task.of("work", "a").requestedBy("alice", "k1").withId(ID_OF_K1);
        dispatcher.dispatch(task);
        executor.runAll();
        assertThat(dispatcher.dispatch(task).state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(Refusal.of(() -> dispatcher.dispatch(
                                Task.of("work", "b").requestedBy("alice", "k1").withId(ID_OF_K1)))
                        .status())
                .isEqualTo(422);
        assertThat(executor.waiting()).isZero();
    }

    @Test
    @DisplayName("of several results the last counts, and a handler that fails has none")
    void lastResult() {
        work = (task, output) -> {
            output.complete("first");
            output.complete("last");
        };
        Task task = dispatched("a");
        executor.runAll();
        assertThat(end(task)).isEqualTo(End.completed("last"));

        work = (t, output) -> {
            output.complete("done");
            throw new ProblemException(502, "upstream_failed", "x");
        };
        Task failing = dispatched("b");
        executor.runAll();
        assertThat(end(failing)).isEqualTo(End.failed(new Problem(502, "upstream_failed", "x")));
    }

    @Test
    @DisplayName("an Error is thrown on to the executor, an interruption is kept, an exception is logged")
    void handlerThrows() {
        work = (task, output) -> {
            throw new StackOverflowError("a test of an Error that a handler throws");
        };
        Task fatal = dispatched("a");
        assertThatExceptionOfType(StackOverflowError.class).isThrownBy(executor::runNext);
        assertThat(end(fatal)).isEqualTo(End.failed(new Problem(500, "handler_failed", "The task failed.")));

        work = (task, output) -> {
            throw new InterruptedException("a test");
        };
        Task interrupted = dispatched("b");
        executor.runNext();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(end(interrupted)).isInstanceOf(End.Failed.class);

        work = (task, output) -> {
            throw new IllegalStateException("a test of a handler that throws");
        };
        Task failing = dispatched("c");
        executor.runNext();
        assertThat(errors()).filteredOn(m -> m.contains(failing.id())).hasSize(1);
    }

    @Test
    @DisplayName("close ends what is queued or running with worker_lost, and leaves what has ended as it is")
    void closes() {
        AtomicReference<Throwable> told = new AtomicReference<>();
        AtomicBoolean action = new AtomicBoolean();
        AtomicBoolean cancelled = new AtomicBoolean();
        Task done = dispatched("done");
        executor.runNext();
        Task running = dispatched("running");
        Task queued = dispatched("queued");
        work = (task, output) -> {
            output.onCancel(() -> action.set(true));
            output.emit("before");
            dispatcher.close();
            cancelled.set(output.cancelled());
            told.set(catchThrowable(() -> output.emit("after")));
        };
        executor.runNext();
        assertThat(action).isTrue();
        assertThat(cancelled).isTrue();
        assertThat(told.get()).isInstanceOf(CancellationException.class);
        executor.runAll();

        assertThat(handled).extracting(Task::payload).containsExactly("done", "running");
        assertThat(end(done)).isEqualTo(End.completed(null));
        assertThat(status(done).state()).isEqualTo(TaskStatus.State.COMPLETED);
        for (Task lost : List.of(running, queued)) {
            assertThat(end(lost)).isEqualTo(WORKER_LOST);
            assertThat(status(lost).state()).isEqualTo(TaskStatus.State.FAILED);
            assertThat(dispatcher.cancel(lost.id())).isFalse();
        }
        assertThat(store.open(running.id()).read(EventStream.BEGINNING, 10).events())
                .containsExactly(new Event(0, null, "before"));
    }

    @Test
    @DisplayName("a closed dispatcher takes no task, and closing it again does nothing")
    void closed() {
        Task before = dispatched("before");
        dispatcher.close();
        Task after = Task.of("work", "after");
        assertThat(Refusal.of(() -> dispatcher.dispatch(after)).status()).isEqualTo(503);
        assertThat(dispatcher.status(after.id())).isEmpty();
        assertThat(executor.waiting()).isEqualTo(1);
        dispatcher.close();
        assertThat(end(before)).isEqualTo(WORKER_LOST);
        assertThat(store.open(before.id()).last()).isZero();
    }

    @Test
    @DisplayName(
            "R8 what is done on cancellation when the worker is stopped comes after the end, and can add nothing to it")
    void actionsComeAfterTheEndOnClose() {
        AtomicReference<Throwable> told = new AtomicReference<>();
        AtomicReference<End> seen = new AtomicReference<>();
        Task task = dispatched("a");
        work = (t, output) -> {
            output.onCancel(() -> {
                seen.set(end(t));
                told.set(catchThrowable(() -> output.emit("a last word")));
                output.emit("another");
            });
            output.onCancel(() -> output.onCancel(() -> handled.add(t)));
            dispatcher.close();
        };
        executor.runAll();
        assertThat(seen).hasValue(WORKER_LOST);
        assertThat(told.get()).isInstanceOf(CancellationException.class);
        assertThat(handled).hasSize(2);
        assertThat(store.open(task.id()).last()).isZero();
        assertThat(log.list).noneMatch(e -> e.getLevel().isGreaterOrEqual(Level.WARN));
    }

    @Test
    @DisplayName("close ends every stream, also when the action of a task throws an Error")
    void closesAllThoughOneThrows() {
        List<Task> all = List.of(dispatched("a"), dispatched("b"), dispatched("c"), dispatched("d"));
        List<Boolean> endedByClose = new ArrayList<>();
        work = (task, output) -> {
            output.onCancel(() -> {
                throw new NoClassDefFoundError("a test of an application whose class loader is closed");
            });
            if (executor.waiting() > 0) {
                executor.runNext();
            } else {
                catchThrowable(dispatcher::close);
                all.forEach(t -> endedByClose.add(store.open(t.id()).end().isPresent()));
            }
        };
        executor.runNext();
        assertThat(handled).hasSize(4);
        assertThat(endedByClose).containsExactly(true, true, true, true);
    }

    @Test
    @DisplayName("R9 an action that throws an Error does not keep the stream from its end")
    void cancelActionThrowsError() {
        Task task = dispatched("a");
        List<Boolean> others = new ArrayList<>();
        work = (t, output) -> {
            output.onCancel(() -> {
                throw new NoClassDefFoundError("a test of an action that throws an Error");
            });
            output.onCancel(() -> others.add(true));
            catchThrowable(() -> dispatcher.cancel(t.id()));
            others.add(store.open(t.id()).end().isPresent());
        };
        executor.runAll();
        assertThat(others).containsExactly(true, true);
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("the status is kept for the retention time after the end, and then forgotten")
    void retention() {
        Task task = dispatched("a");
        executor.runAll();
        clock.tick(RETENTION.minusSeconds(1));
        assertThat(dispatcher.status(task.id())).isPresent();
        clock.tick(Duration.ofSeconds(1));
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.cancel(task.id())).isFalse();
    }

    @Test
    @DisplayName("a task that has not ended is never forgotten")
    void unendedIsKept() {
        Task task = dispatched("a");
        clock.tick(Duration.ofDays(10_000));
        assertThat(dispatcher.status(task.id())).isPresent();
        executor.runAll();
        assertThat(handled).containsExactly(task);
    }

    @Test
    @DisplayName("once its task and stream are forgotten, a key begins anew and well")
    void keyBeginsAnew() {
        // Store and dispatcher keep things equally long, as they do by default, and were swept at different moments.
        EventStore ownStore =
                InMemoryEventStore.builder().ticker(clock).retention(RETENTION).build();
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(ownStore, executor)
                .clock(clock)
                .ticker(clock)
                .retention(RETENTION)
                .handler("work", (task, output) -> output.emit("event"))
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        own.dispatch(task);
        executor.runAll();
        clock.tick(RETENTION.minusMillis(500));
        ownStore.open(Task.of("work", "").id());
        clock.tick(Duration.ofMillis(500));

        own.dispatch(task);
        executor.runAll();
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(ownStore.open(task.id()).end()).contains(End.completed(null));
    }

    @Test
    @DisplayName("R10 a store that cannot be asked refuses a key, leaves nothing of it, and nobody waits for ever")
    void keyWithoutStore() {
        EventStore away = new EventStore() {
            @Override
            public EventStream open(String streamId) {
                throw new IllegalStateException("a test of a store that is away");
            }

            @Override
            public EventAppender appender(String streamId, int epoch) {
                throw new IllegalStateException("a test of a store that is away");
            }
        };
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(away, executor)
                .clock(clock)
                .ticker(clock)
                .handler("work", (task, output) -> output.emit("event"))
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        for (int i = 0; i < 2; i++) {
            assertThat(Refusal.of(() -> own.dispatch(task)).status()).isEqualTo(503);
            assertThat(own.status(task.id())).isEmpty();
        }
    }

    @Test
    @DisplayName("R10 a key whose task is forgotten, but not its stream, is refused: what was asked cannot be compared")
    void keyOutlivedByItsStream() {
        EventStore ownStore = InMemoryEventStore.builder()
                .ticker(clock)
                .retention(RETENTION.multipliedBy(10))
                .build();
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(ownStore, executor)
                .clock(clock)
                .ticker(clock)
                .retention(RETENTION)
                .handler("work", (task, output) -> output.emit("event"))
                .build();
        Task task = Task.of("work", "{}").requestedBy("alice", "k1").withId(ID_OF_K1);
        own.dispatch(task);
        executor.runAll();
        clock.tick(RETENTION.plusSeconds(2));

        Task other = Task.of("work", "other").requestedBy("alice", "k1").withId(ID_OF_K1);
        assertThat(Refusal.of(() -> own.dispatch(other)).status()).isEqualTo(422);
        assertThat(own.status(task.id())).isEmpty();
        assertThat(ownStore.open(task.id()).end()).contains(End.completed(null));
    }

    @Test
    @DisplayName("R9 a task is cancelled when nobody has read it for the time that the application chose")
    void unattended() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task read = Task.of("work", "read");
        Task left = Task.of("work", "left");
        own.dispatch(read);
        own.dispatch(left);

        pass(LIMIT.minusSeconds(1), own, read.id());
        assertThat(store.open(left.id()).end()).isEmpty();
        pass(Duration.ofSeconds(1), own);
        assertThat(end(left)).isEqualTo(End.cancelled());
        assertThat(own.status(left.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(store.open(read.id()).end()).isEmpty();

        pass(LIMIT.minusSeconds(2), own);
        assertThat(store.open(read.id()).end()).isEmpty();
        pass(Duration.ofSeconds(1), own);
        assertThat(end(read)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R9 who is being read while the time is up is not cancelled, however long it takes")
    void reportsReaders() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        for (int i = 0; i < 100; i++) {
            clock.tick(LIMIT);
            own.reportReaders(List.of(task.id(), Task.of("work", "unknown").id()));
        }
        executor.runAll();
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R9 the handler of a running task learns that nobody reads it")
    void unattendedWhileRunning() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        AtomicBoolean told = new AtomicBoolean();
        work = (task, output) -> {
            output.onCancel(() -> told.set(true));
            pass(LIMIT, own);
        };
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        assertThat(told).isTrue();
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("what has ended is not touched when nobody reads it")
    void unattendedAfterTheEnd() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        TaskStatus ended = own.status(task.id()).orElseThrow();
        pass(LIMIT.plusSeconds(1), own);
        assertThat(own.status(task.id())).contains(ended);
        assertThat(end(task)).isEqualTo(End.completed(null));
    }

    @Test
    @DisplayName("R9 by default leaving is not cancelling")
    void leavingIsNotCancelling() {
        Task task = dispatched("a");
        clock.tick(Duration.ofDays(1));
        dispatcher.reportReaders(List.of());
        assertThat(status(task).state()).isEqualTo(TaskStatus.State.QUEUED);
    }

    @Test
    @DisplayName("R9 a pause without reports of readers cancels nothing")
    void pauseIsNotAbsence() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        clock.tick(Duration.ofHours(1));
        own.reportReaders(List.of());
        assertThat(store.open(task.id()).end()).isEmpty();
        own.reportReaders(List.of(task.id()));
        clock.tick(Duration.ofDays(1));
        pass(LIMIT.minusSeconds(3), own);
        assertThat(store.open(task.id()).end()).isEmpty();
        pass(Duration.ofSeconds(2), own);
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R9 a pause cancels nothing, however short the limit is")
    void pauseWithShortLimit() {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(Duration.ofSeconds(1)).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        clock.tick(Duration.ofHours(1));
        own.reportReaders(List.of());
        assertThat(store.open(task.id()).end()).isEmpty();
        clock.tick(Duration.ofSeconds(1));
        own.reportReaders(List.of());
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    @Test
    @DisplayName("R16 an action that blocks keeps no other stream from being recorded or cancelled")
    void blockingCancelAction() throws Exception {
        InProcessTaskDispatcher own =
                builder(executor).cancelUnattendedAfter(LIMIT).build();
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        work = (task, output) -> {
            output.onCancel(() -> {
                blocked.countDown();
                awaitLatch(goOn);
            });
            awaitLatch(done);
        };
        Task blocking = Task.of("work", "blocking");
        Task read = Task.of("work", "read");
        Task left = Task.of("work", "left");
        own.dispatch(blocking);
        FutureTask<Void> running = inThread(() -> {
            executor.runNext();
            return null;
        });
        await().until(() -> own.status(blocking.id()).orElseThrow().state() == TaskStatus.State.RUNNING);
        own.dispatch(read);
        pass(Duration.ofSeconds(2), own, read.id());
        own.dispatch(left);
        pass(LIMIT.minusSeconds(3), own, read.id());
        clock.tick(Duration.ofSeconds(1));
        FutureTask<Void> first = inThread(() -> {
            own.reportReaders(List.of(read.id()));
            return null;
        });
        awaitLatch(blocked);
        pass(LIMIT, own, read.id());
        assertThat(end(left)).isEqualTo(End.cancelled());
        assertThat(store.open(read.id()).end()).isEmpty();
        assertThat(store.open(blocking.id()).end()).isEmpty();
        assertThat(first).isNotDone();
        goOn.countDown();
        first.get(5, TimeUnit.SECONDS);
        assertThat(end(blocking)).isEqualTo(End.cancelled());
        done.countDown();
        running.get(5, TimeUnit.SECONDS);
    }

    @Test
    @DisplayName("R16 a second request to cancel a task does not wait for its actions")
    void cancelsWhileActionBlocks() throws Exception {
        CountDownLatch blocked = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        work = (task, output) -> {
            output.onCancel(() -> {
                blocked.countDown();
                awaitLatch(goOn);
            });
            dispatcher.cancel(task.id());
        };
        Task task = dispatched("a");
        FutureTask<Void> running = inThread(() -> {
            executor.runNext();
            return null;
        });
        awaitLatch(blocked);
        FutureTask<Boolean> second = inThread(() -> dispatcher.cancel(task.id()));
        try {
            assertThat(second.get(5, TimeUnit.SECONDS)).isTrue();
            assertThat(store.open(task.id()).end()).isEmpty();
        } finally {
            goOn.countDown();
        }
        running.get(5, TimeUnit.SECONDS);
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(dispatcher.cancel(task.id())).isTrue();
    }

    @Test
    @DisplayName("R16 close ends every stream, also while an action blocks")
    void closesAllThoughOneBlocks() throws Exception {
        CountDownLatch goOn = new CountDownLatch(1);
        CountDownLatch registered = new CountDownLatch(1);
        work = (task, output) -> {
            output.onCancel(() -> awaitLatch(goOn));
            registered.countDown();
            awaitLatch(goOn);
        };
        Task blocking = dispatched("blocking");
        List<Task> others = List.of(dispatched("a"), dispatched("b"), dispatched("c"), dispatched("d"));
        FutureTask<Void> running = inThread(() -> {
            executor.runNext();
            return null;
        });
        awaitLatch(registered);
        FutureTask<Void> closing = inThread(() -> {
            dispatcher.close();
            return null;
        });
        await().until(() ->
                others.stream().allMatch(t -> store.open(t.id()).end().isPresent()));
        assertThat(end(blocking)).isEqualTo(WORKER_LOST);
        assertThat(closing).isNotDone();
        goOn.countDown();
        closing.get(5, TimeUnit.SECONDS);
        running.get(5, TimeUnit.SECONDS);
    }

    @Test
    @DisplayName("R15 a clock that is set changes neither retention nor which tasks are recent")
    void clockIsSet() {
        Task task = dispatched("a");
        clock.setClock(Duration.ofDays(-1));
        executor.runAll();
        clock.tickTicker(Duration.ofMinutes(1));
        clock.setClock(Duration.ofDays(3));
        assertThat(dispatcher.status(task.id())).isPresent();
        assertThat(dispatcher.latestLike(Task.of("work", "a"), Duration.ofMinutes(1)))
                .map(TaskStatus::taskId)
                .contains(task.id());
        clock.setClock(Duration.ofDays(-3));
        clock.tickTicker(RETENTION.minusMinutes(1));
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.latestLike(Task.of("work", "a"), RETENTION.multipliedBy(2)))
                .isEmpty();
    }

    @Test
    @DisplayName("R15 tasks that wait or run are refused beyond their bound in bytes, and nothing is left of them")
    void pendingIsBounded() {
        String payload = "x".repeat(10_000);
        InProcessTaskDispatcher own =
                builder(executor).maxPendingBytes(2 * (20_000 + 2000)).build();
        Task first = Task.of("work", payload);
        Task second = Task.of("work", payload).requestedBy("alice", "k1").withId(ID_OF_K1);
        own.dispatch(first);
        own.dispatch(second);
        Task refused = Task.of("work", payload);
        for (int i = 0; i < 10; i++) {
            assertThat(Refusal.of(() -> own.dispatch(refused)))
                    .isEqualTo(new Problem(503, "overloaded", "No more tasks can be taken at the moment."));
            // A retry of a task that is known does not count twice.
            assertThat(own.dispatch(second).state()).isEqualTo(TaskStatus.State.QUEUED);
        }
        assertThat(own.status(refused.id())).isEmpty();
        assertThat(executor.waiting()).isEqualTo(2);

        executor.runNext();
        own.dispatch(refused);
        assertThat(Refusal.of(() -> own.dispatch(Task.of("work", payload))).status())
                .isEqualTo(503);
        own.cancel(second.id());
        own.dispatch(Task.of("work", payload));
        executor.runAll();
        for (int i = 0; i < 20; i++) {
            own.dispatch(Task.of("work", payload));
            executor.runAll();
        }
        executor.capacity(0);
        for (int i = 0; i < 20; i++) {
            Refusal.of(() -> own.dispatch(Task.of("work", payload)));
        }
        executor.capacity(2);
        own.dispatch(Task.of("work", payload));
        own.dispatch(Task.of("work", payload));
    }

    @Test
    @DisplayName("R15 attributes count, and a handler that ignores its cancellation still has its payload")
    void pendingCountsWhatIsHeld() {
        InProcessTaskDispatcher own = builder(executor).maxPendingBytes(30_000).build();
        AtomicReference<Problem> whileRunning = new AtomicReference<>();
        Task large = Task.of("work", "").withAttributes(Map.of("name", "x".repeat(10_000)));
        Task other = Task.of("work", "x".repeat(10_000));
        work = (task, output) -> {
            own.cancel(large.id());
            whileRunning.set(Refusal.of(() -> own.dispatch(other)));
        };
        own.dispatch(large);
        executor.runNext();
        assertThat(whileRunning.get().status()).isEqualTo(503);
        own.dispatch(other);
    }

    @Test
    @DisplayName("R15 a task that alone is larger than the bound is refused by its size")
    void tooLarge() {
        InProcessTaskDispatcher own = builder(executor).maxPendingBytes(10_000).build();
        Problem refusal = Refusal.of(() -> own.dispatch(Task.of("work", "x".repeat(10_000))));
        assertThat(refusal.status()).isEqualTo(413);
        assertThat(refusal.detail()).contains("21408", "10000");
    }

    @Test
    @DisplayName("R15 the tasks that ended first are forgotten when there is no room for more records")
    void endedIsBounded() {
        InProcessTaskDispatcher own = builder(executor).maxEndedBytes(3000).build();
        List<Task> tasks = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Task task = Task.of("work", "payload " + i);
            own.dispatch(task);
            tasks.add(task);
        }
        own.cancel(tasks.get(5).id());
        executor.runAll();
        assertThat(tasks.stream().filter(t -> own.status(t.id()).isPresent()).map(Task::payload))
                .containsExactly("payload 2", "payload 3", "payload 4");
        assertThat(tasks.stream()
                        .filter(t -> own.latestLike(t, RETENTION).isPresent())
                        .map(Task::payload))
                .containsExactly("payload 2", "payload 3", "payload 4");
        InProcessTaskDispatcher none = builder(executor).maxEndedBytes(1).build();
        Task last = Task.of("work", "");
        none.dispatch(last);
        executor.runAll();
        assertThat(none.status(last.id())).isPresent();
    }

    @Test
    @DisplayName("R15 nothing refers to payload, result, handler state or actions of a task that has ended")
    void endedIsSmall() {
        List<WeakReference<?>> references = new ArrayList<>();
        AtomicReference<TaskOutput> kept = new AtomicReference<>();
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(keepingNothing(), executor)
                .handler("work", (task, output) -> {
                    Object state = new Object();
                    references.add(new WeakReference<>(state));
                    output.onCancel(state::hashCode);
                    output.complete(remembered("result", references));
                    kept.set(output);
                })
                .build();
        String id = dispatchedRemembered(own, references);
        executor.runAll();
        own.dispatch(Task.of("work", "cancelled in the queue"));
        assertThat(own.status(id).orElseThrow().state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(references).hasSize(4);
        await().until(() -> {
            System.gc();
            return references.stream().allMatch(r -> r.get() == null);
        });
        assertThat(kept.get()).isNotNull();
        assertThat(own.status(id)).isPresent();
    }

    private static String dispatchedRemembered(InProcessTaskDispatcher own, List<WeakReference<?>> references) {
        Task task = Task.of("work", remembered("payload", references))
                .withAttributes(Map.of("name", remembered("value", references)));
        own.dispatch(task);
        return task.id();
    }

    private EventStore keepingNothing() {
        return new EventStore() {
            @Override
            public EventStream open(String streamId) {
                return store.open(streamId);
            }

            @Override
            public EventAppender appender(String streamId, int epoch) {
                return new EventAppender() {
                    @Override
                    public long append(@Nullable String type, String data) {
                        return 0;
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void end(End end) {}
                };
            }
        };
    }

    private static String remembered(String text, List<WeakReference<?>> references) {
        String own = new String(text);
        references.add(new WeakReference<>(own));
        return own;
    }

    @Test
    @DisplayName("R2 an end that the store refuses is stored before the task is over")
    void refusedEnd() {
        List<End> attempts = new ArrayList<>();
        refusals = 5;
        InProcessTaskDispatcher own = builder(store(attempts), executor).build();
        work = (task, output) -> output.emit("event");
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        assertThat(attempts).hasSize(6);
        assertThat(end(task)).isEqualTo(End.completed(null));
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(store.open(task.id()).last()).isEqualTo(1);
    }

    @Test
    @DisplayName(
            "R2 a task that is cancelled in the queue while the store refuses ends is not over before it has its end")
    void refusedEndOfQueued() {
        List<End> attempts = new ArrayList<>();
        appenderRefused = true;
        refusals = 3;
        InProcessTaskDispatcher own = builder(store(attempts), executor).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        assertThat(own.cancel(task.id())).isTrue();
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.QUEUED);
        assertThat(store.open(task.id()).end()).isEmpty();
        for (int i = 0; i < 2; i++) {
            clock.tick(Duration.ofSeconds(1));
            own.reportReaders(List.of());
            // Once only, while the executor has not come to it.
            own.reportReaders(List.of());
        }
        assertThat(executor.waiting()).isEqualTo(2);
        // The task, which does not begin, and waits for its end in this thread.
        executor.runAll();
        assertThat(handled).isEmpty();
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(own.status(task.id()).orElseThrow().started()).isNull();
        assertThat(attempts).hasSize(5).containsOnly(End.cancelled());
    }

    @Test
    @DisplayName("R2 a handler that ignores its cancellation does not keep a refused end from being stored")
    void refusedEndOfRunning() {
        List<End> attempts = new ArrayList<>();
        appenderRefused = true;
        refusals = 3;
        InProcessTaskDispatcher own = builder(store(attempts), executor).build();
        List<TaskStatus.State> states = new ArrayList<>();
        List<Throwable> told = new ArrayList<>();
        work = (task, output) -> {
            own.cancel(task.id());
            states.add(own.status(task.id()).orElseThrow().state());
            told.add(catchThrowable(() -> output.emit("late")));
            for (int i = 0; i < 2; i++) {
                clock.tick(Duration.ofSeconds(1));
                own.status(task.id());
                executor.runAll();
                states.add(own.status(task.id()).orElseThrow().state());
            }
            output.complete("too late");
        };
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        assertThat(states)
                .containsExactly(TaskStatus.State.RUNNING, TaskStatus.State.RUNNING, TaskStatus.State.CANCELLED);
        assertThat(told).first().isInstanceOf(CancellationException.class);
        assertThat(end(task)).isEqualTo(End.cancelled());
        assertThat(store.open(task.id()).last()).isZero();
        assertThat(attempts).hasSize(5).containsOnly(End.cancelled());
    }

    @Test
    @DisplayName("R2 an end that the store refuses for 30 seconds is given up, and the task has failed")
    void brokenStore() {
        List<End> attempts = new ArrayList<>();
        refusals = Integer.MAX_VALUE;
        onRefusal = () -> clock.tick(Duration.ofSeconds(6));
        InProcessTaskDispatcher own = builder(store(attempts), executor).build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        assertThat(attempts).hasSize(5);
        assertThat(own.status(task.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.FAILED);
        assertThat(own.status(task.id()).orElseThrow().ended()).isEqualTo(start.plusSeconds(30));
        assertThat(errors()).filteredOn(m -> m.contains(task.id())).hasSize(1);

        Task cancelled = Task.of("work", "b");
        own.dispatch(cancelled);
        assertThat(own.cancel(cancelled.id())).isTrue();
        executor.runAll();
        assertThat(own.status(cancelled.id()).orElseThrow().state()).isEqualTo(TaskStatus.State.FAILED);
        assertThat(own.cancel(cancelled.id())).isFalse();
        own.close();
    }

    private int refusals;
    private boolean appenderRefused;
    private Runnable onRefusal = () -> {};

    /** A store that refuses so many ends as {@code refusals} says, in different ways. */
    private EventStore store(List<End> attempts) {
        return new EventStore() {
            @Override
            public EventStream open(String streamId) {
                return store.open(streamId);
            }

            @Override
            public EventAppender appender(String streamId, int epoch) {
                if (appenderRefused) {
                    appenderRefused = false;
                    attempts.add(End.cancelled());
                    throw new NoClassDefFoundError("a test of a store that throws an Error");
                }
                return new RefusingEnds(store.appender(streamId, epoch), attempts);
            }
        };
    }

    private final class RefusingEnds implements EventAppender {

        private final EventAppender appender;
        private final List<End> attempts;

        RefusingEnds(EventAppender appender, List<End> attempts) {
            this.appender = appender;
            this.attempts = attempts;
        }

        @Override
        public long append(@Nullable String type, String data) {
            return appender.append(type, data);
        }

        @Override
        public void flush() {
            appender.flush();
        }

        @Override
        public void end(End end) {
            attempts.add(end);
            if (refusals > 0) {
                refusals--;
                onRefusal.run();
                throw new IllegalStateException("a test of a store that refuses an end");
            }
            appender.end(end);
        }
    }

    @Test
    @DisplayName("a handler whose stream is full fails with that problem")
    void fullStream() {
        EventStore small = InMemoryEventStore.builder().maxStreamBytes(1000).build();
        InProcessTaskDispatcher own = InProcessTaskDispatcher.builder(small, executor)
                .handler("work", (task, output) -> output.emit("x".repeat(100)))
                .build();
        Task task = Task.of("work", "a");
        own.dispatch(task);
        executor.runAll();
        assertThat(small.open(task.id()).end().orElseThrow())
                .isInstanceOfSatisfying(
                        End.Failed.class,
                        failed -> assertThat(failed.problem().code()).isEqualTo("stream_full"));
    }

    @Test
    @DisplayName("settings that make no sense are refused by name")
    void builderRefusals() {
        InProcessTaskDispatcher.Builder builder =
                InProcessTaskDispatcher.builder(store, executor).handler("work", (task, output) -> {});
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.handler("work", (task, output) -> {}))
                .withMessageContaining("work");
        for (Duration bad : List.of(Duration.ZERO, Duration.ofNanos(-1))) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.retention(bad))
                    .withMessage("retention is not positive: " + bad);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.cancelUnattendedAfter(bad))
                    .withMessage("cancelUnattendedAfter is not positive: " + bad);
        }
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxPendingBytes(0))
                .withMessage("maxPendingBytes is not positive: 0");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> builder.maxEndedBytes(-1))
                .withMessage("maxEndedBytes is not positive: -1");
    }

    /** Lets time pass while a streaming server says once a second that these streams are read. */
    private void pass(Duration time, InProcessTaskDispatcher own, String... read) {
        for (int i = 0; i < time.toSeconds(); i++) {
            clock.tick(Duration.ofSeconds(1));
            own.reportReaders(List.of(read));
        }
    }

    private InProcessTaskDispatcher.Builder builder(Executor executor) {
        return builder(store, executor);
    }

    private InProcessTaskDispatcher.Builder builder(EventStore store, Executor executor) {
        return InProcessTaskDispatcher.builder(store, executor)
                .clock(clock)
                .ticker(clock)
                .retention(RETENTION)
                .handler("work", (task, output) -> {
                    handled.add(task);
                    work.handle(task, output);
                });
    }

    private Task dispatched(String payload) {
        Task task = Task.of("work", payload);
        dispatcher.dispatch(task);
        return task;
    }

    private TaskStatus status(Task task) {
        return dispatcher.status(task.id()).orElseThrow();
    }

    private List<Integer> positions(List<Task> tasks) {
        return tasks.stream().map(t -> status(t).queuePosition()).toList();
    }

    private End end(Task task) {
        return store.open(task.id()).end().orElseThrow();
    }

    private List<String> errors() {
        return log.list.stream()
                .filter(e -> e.getLevel() == Level.ERROR)
                .map(ILoggingEvent::getFormattedMessage)
                .toList();
    }

    private static Logger logger() {
        return (Logger) LoggerFactory.getLogger(TaskRun.class);
    }

    private static <T> FutureTask<T> inThread(Callable<T> call) {
        FutureTask<T> future = new FutureTask<>(call);
        Thread thread = new Thread(future);
        thread.setDaemon(true);
        thread.start();
        return future;
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
