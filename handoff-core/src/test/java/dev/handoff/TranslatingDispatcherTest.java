// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class TranslatingDispatcherTest {

    private static final RuntimeException CAUSE = new IllegalStateException("connection refused");

    private static TaskDispatcher throwing(Throwable e) {
        return new TranslatingDispatcher(new TaskDispatcher() {
            @Override
            public TaskStatus dispatch(Task task) {
                return raise(e);
            }

            @Override
            public Optional<TaskStatus> status(String taskId) {
                return raise(e);
            }

            @Override
            public Optional<TaskStatus> latestLike(Task task, Duration within) {
                return raise(e);
            }

            @Override
            public boolean cancel(String taskId) {
                return raise(e);
            }
        });
    }

    /** Throws anything, as code in other languages of the JVM does. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T, E extends Throwable> T raise(Throwable e) throws E {
        throw (E) e;
    }

    private static List<ThrowingCallable> calls(TaskDispatcher dispatcher) {
        Task task = Task.of("type", "payload");
        return List.of(
                () -> dispatcher.dispatch(task),
                () -> dispatcher.accept(task),
                () -> dispatcher.status(task.id()),
                () -> dispatcher.latestLike(task, Duration.ofSeconds(1)),
                () -> dispatcher.cancel(task.id()));
    }

    @Test
    @DisplayName(
            "R13 an exception of a dispatcher is a problem with status 503 that does not show its cause to the client")
    void translates() {
        for (Throwable cause : List.of(CAUSE, new IOException("connection refused"))) {
            for (ThrowingCallable call : calls(throwing(cause))) {
                assertThatThrownBy(call).hasCause(cause).isInstanceOfSatisfying(ProblemException.class, e -> {
                    assertThat(e.problem().status()).isEqualTo(503);
                    assertThat(e.problem().code()).isEqualTo("unavailable");
                    assertThat(e.problem().detail()).doesNotContain("connection refused");
                });
            }
        }
    }

    @Test
    @DisplayName("R13 an Error of a dispatcher stays as it is")
    void keepsErrors() {
        Error error = new NoClassDefFoundError("a test of an Error");
        for (ThrowingCallable call : calls(throwing(error))) {
            assertThatThrownBy(call).isSameAs(error);
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
