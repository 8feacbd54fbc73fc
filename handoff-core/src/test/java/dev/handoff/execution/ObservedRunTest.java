// SPDX-License-Identifier: Apache-2.0
package dev.handoff.execution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.testing.RecordingObserver;
import dev.handoff.testing.TickingClock;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What an observer is told of a run. */
class ObservedRunTest {

    private final TickingClock clock = new TickingClock();
    private final RecordingObserver observer = new RecordingObserver();
    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final Task task = Task.of("work", "");

    private TaskRun run(TaskHandler handler) {
        return new TaskRun(task, handler, () -> store.appender(task.id(), 1), clock, observer);
    }

    @Test
    @DisplayName("a run is reported when it starts, has its first event and ends, with times, events and bytes")
    void completes() {
        TaskRun run = run((given, output) -> {
            clock.tick(Duration.ofMillis(20));
            output.emit("ab");
            clock.tick(Duration.ofMillis(300));
            output.emit("token", "é水\uD83D\uDE00\uD800");
            output.complete("{}");
        });
        clock.tick(Duration.ofMillis(1));
        run.run();
        run.run();
        run.cancel();
        run.release();
        assertThat(observer.take())
                .containsExactly(
                        "started work after 1",
                        "first event of work after 20",
                        "ended work COMPLETED after 320: 2 events, 14 bytes");
    }

    @Test
    @DisplayName("a failed run has ended as failed")
    void fails() {
        run((given, output) -> {
                    throw new ProblemException(502, "upstream", "The model failed.");
                })
                .run();
        assertThat(observer.take())
                .containsExactly("started work after 0", "ended work FAILED after 0: 0 events, 0 bytes");
    }

    @Test
    @DisplayName("a run that was cancelled before it started ends once and never starts")
    void cancelled() {
        TaskRun run = run((given, output) -> {});
        clock.tick(Duration.ofSeconds(1));
        run.cancel();
        run.cancel();
        run.run();
        assertThat(observer.take()).containsExactly("ended work CANCELLED after 0: 0 events, 0 bytes");
    }

    @Test
    @DisplayName("a run that goes on elsewhere is released, and one whose worker stops has failed")
    void released() {
        TaskRun released = run((given, output) -> {});
        assertThat(released.releaseIfUntouched()).isTrue();
        released.run();
        assertThat(observer.take()).containsExactly("ended work RELEASED after 0: 0 events, 0 bytes");
        TaskRun abandoned = run((given, output) -> {});
        abandoned.abandon(new Problem(503, "worker_lost", "The worker was stopped."));
        abandoned.release();
        assertThat(observer.take()).containsExactly("ended work FAILED after 0: 0 events, 0 bytes");
    }
}
