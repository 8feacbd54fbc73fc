package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class TranslatingDispatcherTest {

    private static final RuntimeException CAUSE = new IllegalStateException("connection refused");

    private static TaskDispatcher throwing(RuntimeException e) {
        return new TranslatingDispatcher(new TaskDispatcher() {
            @Override
            public TaskStatus dispatch(Task task) {
                throw e;
            }

            @Override
            public Optional<TaskStatus> status(String taskId) {
                throw e;
            }

            @Override
            public Optional<TaskStatus> latestLike(Task task, Duration within) {
                throw e;
            }

            @Override
            public boolean cancel(String taskId) {
                throw e;
            }
        });
    }

    private static List<ThrowingCallable> calls(TaskDispatcher dispatcher) {
        Task task = Task.of("type", "payload");
        return List.of(
                () -> dispatcher.dispatch(task),
                () -> dispatcher.status(task.id()),
                () -> dispatcher.latestLike(task, Duration.ofSeconds(1)),
                () -> dispatcher.cancel(task.id()));
    }

    @Test
    @DisplayName(
            "R13 an exception of a dispatcher is a problem with status 503 that does not show its cause to the client")
    void translates() {
        for (ThrowingCallable call : calls(throwing(CAUSE))) {
            assertThatThrownBy(call).hasCause(CAUSE).isInstanceOfSatisfying(ProblemException.class, e -> {
                assertThat(e.problem().status()).isEqualTo(503);
                assertThat(e.problem().code()).isEqualTo("unavailable");
                assertThat(e.problem().detail()).doesNotContain("connection refused");
            });
        }
    }

    @Test
    @DisplayName("R13 a problem of a dispatcher stays as it is")
    void keepsProblems() {
        ProblemException problem = new ProblemException(422, "idempotency_key_reused", "Another request.");
        for (ThrowingCallable call : calls(throwing(problem))) {
            assertThatThrownBy(call).isSameAs(problem);
        }
    }
}
