// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** How handlers end their streams, also while the store refuses an end. */
class InProcessEndTest extends InProcessFixture {

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
}
