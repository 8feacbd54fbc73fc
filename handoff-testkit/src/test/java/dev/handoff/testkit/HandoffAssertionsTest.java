// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HandoffAssertionsTest {

    private static final List<Event> EVENTS = List.of(new Event(0, "page", "1"), new Event(1, null, "2"));
    private static final RuntimeException THROWN = new IllegalStateException("no paper");
    private static final TaskOutcome COMPLETED = new TaskOutcome(EVENTS, End.completed("sum"), null);
    private static final TaskOutcome CANCELLED = new TaskOutcome(EVENTS, End.cancelled(), null);
    private static final TaskOutcome FAILED =
            new TaskOutcome(List.of(), End.failed(new Problem(404, "no_such_city", "Not known.")), THROWN);

    @Test
    @DisplayName("assertions that hold pass, and can be chained")
    void hold() {
        assertThat(COMPLETED)
                .hasData("1", "2")
                .hasEvent("page", "1")
                .hasEvent(null, "2")
                .completed()
                .completedWith("sum");
        assertThat(COMPLETED).events().hasSize(2);
        assertThat(CANCELLED).wasCancelled();
        assertThat(FAILED).failedWith("no_such_city").threw(IllegalStateException.class);
    }

    static Stream<Arguments> broken() {
        return Stream.of(
                broken(COMPLETED, outcome -> outcome.hasData("2", "1"), "data of the events"),
                broken(COMPLETED, outcome -> outcome.hasData("1"), "data of the events"),
                broken(COMPLETED, outcome -> outcome.hasEvent("other", "1"), "no event of type other"),
                broken(COMPLETED, outcome -> outcome.hasEvent(null, "1"), "no event of type null"),
                broken(COMPLETED, outcome -> outcome.completedWith("other"), "result"),
                broken(COMPLETED, TaskOutcomeAssert::wasCancelled, "should have been cancelled"),
                broken(COMPLETED, outcome -> outcome.failedWith("no_such_city"), "should have failed"),
                broken(COMPLETED, outcome -> outcome.threw(RuntimeException.class), "what the handler threw"),
                broken(COMPLETED, outcome -> outcome.events().isEmpty(), "the events"),
                broken(CANCELLED, TaskOutcomeAssert::completed, "should have completed"),
                broken(FAILED, TaskOutcomeAssert::completed, "no_such_city"),
                broken(FAILED, outcome -> outcome.failedWith("other"), "no_such_city"),
                broken(FAILED, outcome -> outcome.threw(IllegalArgumentException.class), "no paper"));
    }

    private static Arguments broken(TaskOutcome outcome, Consumer<TaskOutcomeAssert> assertion, String message) {
        return Arguments.of(outcome, assertion, message);
    }

    @ParameterizedTest
    @MethodSource("broken")
    @DisplayName("an assertion that does not hold fails and says why")
    void fail(TaskOutcome outcome, Consumer<TaskOutcomeAssert> assertion, String message) {
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> assertion.accept(assertThat(outcome)))
                .withMessageContaining(message);
    }

    @Test
    @DisplayName("an assertion on the end of a failed task shows what the handler threw")
    void showsException() {
        assertThatExceptionOfType(AssertionError.class)
                .isThrownBy(() -> assertThat(FAILED).completed())
                .satisfies(error -> assertThat(error.getSuppressed()).containsExactly(THROWN));
    }
}
