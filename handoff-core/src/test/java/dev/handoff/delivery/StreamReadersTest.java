// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.Handoff;
import dev.handoff.format.StreamFormat;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventAppender;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class StreamReadersTest {

    private static final long INTERVAL = 5000;

    private final TokenSealer sealer = TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E");
    private final InMemoryEventStore store = InMemoryEventStore.create();
    // The task stays queued: its events are appended by the test.
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, job -> {})
            .handler("any", (task, output) -> {})
            .build();
    private final Task task = Task.of("any", "");
    /** What the next questions for the status of the task find; if there are none, the truth. */
    private final Queue<Supplier<Optional<TaskStatus>>> statuses = new ArrayDeque<>();

    @Test
    @DisplayName("R2 a stream that grows between the checks of two readers is not taken for one that was cut")
    void growsDuringCheck() {
        dispatcher.dispatch(task);
        AuthorizedStream access = access();
        EventAppender writer = store.appender(task.id(), 1);
        StreamReaders readers = new StreamReaders.All().join(task.id());
        Object run = new Object();

        writer.append(null, "first");
        readers.check(access, 0, run, 0, INTERVAL);
        writer.append(null, "second");
        readers.check(access, 1, run, 0, INTERVAL);
        assertThat(readers.gone()).isNull();
    }

    @Test
    @DisplayName("R5 one read that finds a stream too short proves nothing, and cuts no reader; two in a row do")
    void shorter() {
        dispatcher.dispatch(task);
        AuthorizedStream access = access();
        EventAppender writer = store.appender(task.id(), 1);
        StreamReaders readers = new StreamReaders.All().join(task.id());

        writer.append(null, "first");
        // As if a member of a cluster answered that has not got the second event yet.
        readers.check(access, 1, new Object(), 0, INTERVAL);
        assertThat(readers.gone()).isNull();
        readers.check(access, 1, new Object(), 999, INTERVAL);
        assertThat(readers.gone()).as("less than a second later").isNull();
        writer.append(null, "second");
        readers.check(access, 1, new Object(), 1000, INTERVAL);
        assertThat(readers.gone()).isNull();

        readers.check(access, 2, new Object(), 6000, INTERVAL);
        assertThat(readers.gone()).isNull();
        readers.check(access, 2, new Object(), 7000, INTERVAL);
        assertThat(readers.gone()).isNotNull().returns(410, problem -> problem.status());
    }

    @Test
    @DisplayName(
            "R5 one read that finds no task proves nothing, nor does one that fails; two that find none cut the readers")
    void gone() {
        dispatcher.dispatch(task);
        store.appender(task.id(), 1).append(null, "first");
        AuthorizedStream access = access();
        StreamReaders readers = new StreamReaders.All().join(task.id());

        statuses.add(Optional::empty);
        readers.check(access, 0, new Object(), 0, INTERVAL);
        assertThat(readers.gone()).isNull();
        statuses.add(() -> dispatcher.status(task.id()));
        readers.check(access, 0, new Object(), 1000, INTERVAL);
        assertThat(readers.gone()).isNull();

        statuses.add(Optional::empty);
        readers.check(access, 0, new Object(), 6000, INTERVAL);
        statuses.add(() -> {
            throw new IllegalStateException("a test of a store that does not answer");
        });
        readers.check(access, 0, new Object(), 7000, INTERVAL);
        assertThat(readers.gone()).isNull();
        statuses.add(Optional::empty);
        readers.check(access, 0, new Object(), 8000, INTERVAL);
        assertThat(readers.gone()).isNotNull().returns(410, problem -> problem.status());
        assertThat(statuses).isEmpty();
    }

    private AuthorizedStream access() {
        Grant grant = new Grant(
                task.id(),
                Set.of(Grant.Right.READ),
                StreamFormat.standard().name(),
                null,
                Instant.now().plusSeconds(60));
        return Handoff.builder(asked(), store, sealer).build().open(sealer.seal(grant));
    }

    private TaskDispatcher asked() {
        return new TaskDispatcher() {
            @Override
            public TaskStatus dispatch(Task task) {
                return dispatcher.dispatch(task);
            }

            @Override
            public Optional<TaskStatus> status(String taskId) {
                Supplier<Optional<TaskStatus>> next = statuses.poll();
                return next == null ? dispatcher.status(taskId) : next.get();
            }

            @Override
            public boolean cancel(String taskId) {
                return dispatcher.cancel(taskId);
            }
        };
    }
}
