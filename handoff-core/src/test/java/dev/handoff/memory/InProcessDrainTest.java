// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.Refusal;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Draining: the dispatcher takes nothing more and waits for its tasks. */
class InProcessDrainTest extends InProcessFixture {

    private static final Duration TIME = Duration.ofMinutes(5);

    private final ExecutorService threads = Executors.newCachedThreadPool();

    /** Whether the thread that drains was interrupted when it returned. */
    private final AtomicBoolean interrupted = new AtomicBoolean();

    @AfterEach
    void stopThreads() {
        threads.shutdownNow();
    }

    /** A drain in a thread of its own, which waits when this returns. */
    private final class Drain {

        final CompletableFuture<Boolean> done = new CompletableFuture<>();
        final Thread thread;

        Drain(InProcessTaskDispatcher own, Duration time) {
            thread = new Thread(() -> {
                boolean all = own.drain(time);
                interrupted.set(Thread.currentThread().isInterrupted());
                done.complete(all);
            });
            thread.setDaemon(true);
            thread.start();
            await().until(() -> thread.getState() == Thread.State.TIMED_WAITING);
        }

        boolean result() throws Exception {
            return done.get(20, TimeUnit.SECONDS);
        }
    }

    @Test
    @DisplayName("a dispatcher without tasks is drained at once and takes no task until it is reopened")
    void idle() {
        Task before = dispatched("before");
        executor.runAll();
        assertThat(dispatcher.drain(TIME)).isTrue();
        assertThat(Refusal.of(() -> dispatcher.dispatch(Task.of("work", "after")))
                        .status())
                .isEqualTo(503);
        assertThat(dispatcher.status(before.id()).map(TaskStatus::state)).contains(TaskStatus.State.COMPLETED);
        assertThat(dispatcher.drain(Duration.ZERO)).isTrue();

        dispatcher.reopen();
        Task again = dispatched("again");
        executor.runAll();
        assertThat(dispatcher.status(again.id()).map(TaskStatus::state)).contains(TaskStatus.State.COMPLETED);
    }

    @Test
    @DisplayName("running and queued tasks are done while the dispatcher drains, and new ones are refused")
    void finishes() throws Exception {
        CompletableFuture<Void> goOn = new CompletableFuture<>();
        work = (task, output) -> {
            output.emit("one");
            goOn.join();
            output.emit("two");
        };
        Task running = dispatched("running");
        Task queued = dispatched("queued");
        threads.execute(executor::runNext);
        await().until(() -> store.open(running.id()).last() == 0);
        Drain drain = new Drain(dispatcher, TIME);
        assertThat(Refusal.of(() -> dispatcher.dispatch(Task.of("work", "new"))).status())
                .isEqualTo(503);
        assertThat(dispatcher.dispatch(queued).state())
                .as("a retry is answered")
                .isEqualTo(TaskStatus.State.QUEUED);
        goOn.complete(null);
        await().until(() -> store.open(running.id()).end().isPresent());
        assertThat(drain.done).isNotDone();
        executor.runAll();
        assertThat(drain.result()).isTrue();
        assertThat(end(running)).isEqualTo(End.completed(null));
        assertThat(end(queued)).isEqualTo(End.completed(null));
        assertThat(store.open(queued.id()).last()).isEqualTo(2);
    }

    @Test
    @DisplayName("when the time of the ticker is over, what is queued or pending is ended as by close")
    void timeIsOver() throws Exception {
        work = TaskHandler.async((task, output) -> new CompletableFuture<>());
        Task pending = dispatched("pending");
        executor.runNext();
        Task queued = dispatched("queued");
        Drain drain = new Drain(dispatcher, TIME);
        clock.tickTicker(TIME.minusNanos(1));
        await().during(Duration.ofMillis(250)).until(() -> !drain.done.isDone());
        clock.tickTicker(Duration.ofNanos(1));
        assertThat(drain.result()).isFalse();
        assertThat(end(pending)).isEqualTo(WORKER_LOST);
        assertThat(end(queued)).isEqualTo(WORKER_LOST);
        assertThat(interrupted).isFalse();
        assertThat(dispatcher.drain(Duration.ZERO)).as("nothing is left").isTrue();
    }

    @Test
    @DisplayName("a drain without time ends what is left at once")
    void noTime() {
        Task queued = dispatched("queued");
        assertThat(dispatcher.drain(Duration.ZERO)).isFalse();
        assertThat(end(queued)).isEqualTo(WORKER_LOST);
    }

    @Test
    @DisplayName("an interruption ends the wait, closes the dispatcher, and stays with the thread")
    void interrupted() throws Exception {
        Task queued = dispatched("queued");
        Drain drain = new Drain(dispatcher, TIME);
        drain.thread.interrupt();
        assertThat(drain.result()).isFalse();
        assertThat(end(queued)).isEqualTo(WORKER_LOST);
        assertThat(interrupted).isTrue();
    }

    @Test
    @DisplayName("R16 a thread that drains keeps no other call waiting")
    void holdsNoLock() throws Exception {
        Task first = dispatched("first");
        Task second = dispatched("second");
        Drain drain = new Drain(dispatcher, TIME);
        assertThat(dispatcher.cancel(first.id())).isTrue();
        assertThat(status(second).queuePosition()).isZero();
        assertThat(drain.done).isNotDone();
        dispatcher.cancel(second.id());
        assertThat(drain.result()).isTrue();
    }

    @Test
    @DisplayName("R2 an end that the store refuses is retried by the drain, without other calls of the application")
    void refusedEnd() throws Exception {
        AtomicBoolean refusing = new AtomicBoolean(true);
        InProcessTaskDispatcher own = builder(refusingEnds(refusing), threads).build();
        work = TaskHandler.async((task, output) -> new CompletableFuture<>());
        Task task = Task.of("work", "a");
        own.dispatch(task);
        await().until(() -> own.status(task.id()).orElseThrow().state() == TaskStatus.State.RUNNING);
        own.cancel(task.id());
        assertThat(store.open(task.id()).end()).isEmpty();
        Drain drain = new Drain(own, TIME);
        refusing.set(false);
        assertThat(drain.done).isNotDone();
        clock.tickTicker(Duration.ofSeconds(1));
        assertThat(drain.result()).isTrue();
        assertThat(end(task)).isEqualTo(End.cancelled());
    }

    private EventStore refusingEnds(AtomicBoolean refusing) {
        return new EventStore() {
            @Override
            public EventStream open(String streamId) {
                return store.open(streamId);
            }

            @Override
            public EventAppender appender(String streamId, int epoch) {
                EventAppender appender = store.appender(streamId, epoch);
                return new EventAppender() {
                    @Override
                    public long append(@Nullable String type, String data) {
                        return appender.append(type, data);
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void end(End end) {
                        if (refusing.get()) {
                            throw new IllegalStateException("a test of a store that refuses an end");
                        }
                        appender.end(end);
                    }
                };
            }
        };
    }

    @Test
    @DisplayName("a negative time is refused by name, and the dispatcher goes on")
    void negativeTime() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> dispatcher.drain(Duration.ofNanos(-1)))
                .withMessageContaining("time is negative");
        Task task = dispatched("a");
        executor.runAll();
        assertThat(end(task)).isEqualTo(End.completed(null));
    }
}
