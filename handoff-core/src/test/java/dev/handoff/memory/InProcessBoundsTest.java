// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.handoff.http.Problem;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import dev.handoff.testing.Refusal;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The bounds of the dispatcher in bytes. */
class InProcessBoundsTest extends InProcessFixture {

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
}
