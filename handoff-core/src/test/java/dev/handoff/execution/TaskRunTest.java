// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.Problem;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class TaskRunTest {

    private static final Problem STOPPED = new Problem(503, "worker_lost", "The worker was stopped.");

    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final Task task = Task.of("work", "payload");
    private final List<String> done = new ArrayList<>();

    private TaskRun run(TaskHandler handler) {
        return new TaskRun(task, handler, () -> store.appender(task.id(), 1));
    }

    private List<String> events() {
        return store.open(task.id()).read(EventStream.BEGINNING, 100).events().stream()
                .map(Event::data)
                .toList();
    }

    @Test
    @DisplayName("a run goes from queued over running to what the handler made of it")
    void completes() {
        List<TaskStatus.State> states = new ArrayList<>();
        TaskRun[] self = new TaskRun[1];
        self[0] = run((given, output) -> {
            states.add(self[0].state());
            output.emit(given.payload());
            output.complete("7");
        });
        assertThat(self[0].state()).isEqualTo(TaskStatus.State.QUEUED);
        self[0].run();
        assertThat(states).containsExactly(TaskStatus.State.RUNNING);
        assertThat(self[0].state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(events()).containsExactly("payload");
        assertThat(store.open(task.id()).end()).contains(End.completed("7"));
        assertThat(self[0].cancel()).isFalse();
    }

    @Test
    @DisplayName("R9 one that was cancelled before it began is ended, and never begins")
    void cancelledBefore() {
        TaskRun run = run((given, output) -> done.add("begun"));
        assertThat(run.cancel()).isTrue();
        run.run();
        assertThat(done).isEmpty();
        assertThat(run.state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(store.open(task.id()).end()).contains(End.cancelled());
    }

    @Test
    @DisplayName("R8 one that is abandoned ends with the problem, and its actions cannot add a last word")
    void abandoned() {
        TaskRun[] self = new TaskRun[1];
        self[0] = run((given, output) -> {
            output.onCancel(() -> {
                done.add("action");
                output.emit("last word");
            });
            output.emit("one");
            self[0].abandon(STOPPED);
            assertThatThrownBy(() -> output.emit("two")).isInstanceOf(CancellationException.class);
        });
        self[0].run();
        assertThat(done).containsExactly("action");
        assertThat(events()).containsExactly("one");
        assertThat(store.open(task.id()).end()).contains(End.failed(STOPPED));
        assertThat(self[0].state()).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("R3 one that is released stops, and leaves the stream to another writer")
    void released() {
        TaskRun[] self = new TaskRun[1];
        self[0] = run((given, output) -> {
            output.onCancel(() -> done.add("action"));
            output.emit("one");
            assertThat(self[0].releaseIfUntouched()).isFalse();
            self[0].release();
            assertThat(output.cancelled()).isTrue();
            assertThatThrownBy(() -> output.emit("two")).isInstanceOf(CancellationException.class);
        });
        self[0].run();
        assertThat(done).containsExactly("action");
        assertThat(events()).containsExactly("one");
        assertThat(store.open(task.id()).end()).isEmpty();
    }

    @Test
    @DisplayName("one that has written nothing can be released to be done again")
    void releasedUntouched() {
        TaskRun[] self = new TaskRun[1];
        self[0] = run((given, output) -> {
            assertThat(self[0].releaseIfUntouched()).isTrue();
            assertThatThrownBy(() -> output.emit("one")).isInstanceOf(CancellationException.class);
        });
        self[0].run();
        assertThat(store.open(task.id()).last()).isEqualTo(EventStream.BEGINNING);
        assertThat(self[0].releaseIfUntouched()).isFalse();
    }

    @Test
    @DisplayName("R2 a run whose stream has another end has failed, and says so by its state alone")
    void staleEnd() {
        TaskRun run = run((given, output) -> {
            output.emit("one");
            store.appender(task.id(), 2).end(End.failed(STOPPED));
        });
        run.run();
        assertThat(run.state()).isEqualTo(TaskStatus.State.FAILED);
        assertThat(store.open(task.id()).end()).contains(End.failed(STOPPED));
    }

    @Test
    @DisplayName("R2 a result that the store does not take fails the task, so that nobody waits for its end")
    void refusedResult() {
        TaskHandler handler = (given, output) -> {
            output.emit("one");
            output.complete("too large");
        };
        TaskRun run = new TaskRun(task, handler, () -> new RefusingResults(store.appender(task.id(), 1)));
        run.run();
        assertThat(run.state()).isEqualTo(TaskStatus.State.FAILED);
        assertThat(events()).containsExactly("one");
        assertThat(store.open(task.id()).end())
                .contains(End.failed(new Problem(500, "result_refused", "The result could not be stored.")));
    }

    @Test
    @DisplayName("an end that the store does not take is logged, and not thrown at whoever brings it about")
    void refusedEnd() {
        EventAppender refusing = new EventAppender() {
            @Override
            public long append(@Nullable String type, String data) {
                return 0;
            }

            @Override
            public void flush() {}

            @Override
            public void end(End end) {
                throw new IllegalArgumentException("the end is refused");
            }
        };
        TaskRun once = new TaskRun(task, (given, output) -> {}, () -> refusing, Duration.ZERO);
        assertThat(once.cancel()).isFalse();
        assertThat(once.state()).isEqualTo(TaskStatus.State.FAILED);

        TaskRun retrying = new TaskRun(task, (given, output) -> {}, () -> refusing);
        assertThat(retrying.cancel()).isTrue();
        assertThat(retrying.state()).isEqualTo(TaskStatus.State.QUEUED);
        retrying.abandon(STOPPED);
        assertThat(retrying.cancel()).as("the first end that was wanted counts").isTrue();
        retrying.release();
        assertThat(retrying.state()).isEqualTo(TaskStatus.State.FAILED);
        assertThat(retrying.cancel()).isFalse();
    }

    @Test
    @DisplayName("R2 an end that was stored although the store refused it is the end of the task")
    void refusedAndStored() {
        EventAppender appender = store.appender(task.id(), 1);
        EventAppender lying = new RefusingResults(appender) {
            @Override
            public void end(End end) {
                appender.end(end);
                throw new IllegalStateException("a test of an answer that got lost");
            }
        };
        TaskRun run = new TaskRun(task, (given, output) -> output.complete("7"), () -> lying);
        run.run();
        assertThat(run.state()).isEqualTo(TaskStatus.State.COMPLETED);
        assertThat(store.open(task.id()).end()).contains(End.completed("7"));
    }

    @Test
    @DisplayName("R2 a thread that is interrupted gives up a refused end, and stays interrupted")
    void interruptedWhileRefused() throws Exception {
        CountDownLatch refused = new CountDownLatch(4);
        EventAppender refusing = new RefusingResults(store.appender(task.id(), 1)) {
            @Override
            public void end(End end) {
                refused.countDown();
                throw new IllegalStateException("a test of a store that refuses every end");
            }
        };
        TaskRun run = new TaskRun(task, (given, output) -> {}, () -> refusing);
        AtomicBoolean interrupted = new AtomicBoolean();
        Thread thread = new Thread(() -> {
            run.run();
            interrupted.set(Thread.interrupted());
        });
        thread.start();
        assertThat(refused.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(run.state()).isEqualTo(TaskStatus.State.RUNNING);
        thread.interrupt();
        thread.join(20_000);
        assertThat(interrupted).isTrue();
        assertThat(run.state()).isEqualTo(TaskStatus.State.FAILED);
    }

    @Test
    @DisplayName("R16 an action that cancels the task again runs once")
    void cancelsFromAction() {
        TaskRun[] self = new TaskRun[1];
        self[0] = run((given, output) -> {
            output.onCancel(() -> {
                done.add("action");
                self[0].cancel();
            });
            self[0].cancel();
        });
        self[0].run();
        assertThat(done).containsExactly("action");
        assertThat(store.open(task.id()).end()).contains(End.cancelled());
    }

    @Test
    @DisplayName("R16 checked exceptions that a store and an action throw do not keep the stream from its end")
    void checkedExceptions() {
        List<String> attempts = new ArrayList<>();
        EventAppender failing = new RefusingResults(store.appender(task.id(), 1)) {
            @Override
            public void end(End end) {
                attempts.add("end");
                if (attempts.size() == 1) {
                    raise(new IOException("a test of a store in another language"));
                }
                super.end(end);
            }
        };
        TaskRun[] self = new TaskRun[1];
        TaskHandler handler = (given, output) -> {
            output.onCancel(() -> raise(new IOException("a test of an action in another language")));
            output.onCancel(() -> done.add("action"));
            self[0].cancel();
        };
        self[0] = new TaskRun(task, handler, () -> failing);
        self[0].run();
        assertThat(done).containsExactly("action");
        assertThat(self[0].state()).isEqualTo(TaskStatus.State.CANCELLED);
        assertThat(store.open(task.id()).end()).contains(End.cancelled());
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> void raise(Throwable e) throws E {
        throw (E) e;
    }

    @Test
    @DisplayName("a negative time for retries is refused by name")
    void negativeRetries() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new TaskRun(
                        task, (given, output) -> {}, () -> store.appender(task.id(), 1), Duration.ofMillis(-1)))
                .withMessage("retryEndFor is negative: PT-0.001S");
    }

    private static class RefusingResults implements EventAppender {

        private final EventAppender appender;

        RefusingResults(EventAppender appender) {
            this.appender = appender;
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
            if (end instanceof End.Completed) {
                throw new IllegalArgumentException("the result is refused");
            }
            appender.end(end);
        }
    }
}
