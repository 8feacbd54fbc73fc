// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.Objects;
import org.assertj.core.api.AbstractAssert;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.ListAssert;
import org.jspecify.annotations.Nullable;

/** Assertions for a {@link TaskOutcome}; see {@link HandoffAssertions#assertThat(TaskOutcome)}. */
public final class TaskOutcomeAssert extends AbstractAssert<TaskOutcomeAssert, TaskOutcome> {

    TaskOutcomeAssert(@Nullable TaskOutcome actual) {
        super(actual, TaskOutcomeAssert.class);
    }

    /** Verifies that the events of the stream have exactly these data, in this order. */
    public TaskOutcomeAssert hasData(String... data) {
        isNotNull();
        Assertions.assertThat(actual.data()).as("the data of the events").containsExactly(data);
        return this;
    }

    /**
     * Verifies that the stream has this event. It may have other events too.
     *
     * @param type the type; null for an event without a type
     */
    public TaskOutcomeAssert hasEvent(@Nullable String type, String data) {
        isNotNull();
        if (actual.events().stream()
                .noneMatch(event ->
                        Objects.equals(event.type(), type) && event.data().equals(data))) {
            failWithMessage(
                    "the stream has no event of type %s with the data <%s>, only these: %s",
                    type, data, actual.events());
        }
        return this;
    }

    /** Returns the assertions of AssertJ for the list of events. */
    public ListAssert<Event> events() {
        isNotNull();
        return Assertions.assertThat(actual.events()).as("the events");
    }

    /** Verifies that the task completed, with a result or without. */
    public TaskOutcomeAssert completed() {
        isNotNull();
        if (!(actual.end() instanceof End.Completed)) {
            failAtEnd("completed");
        }
        return this;
    }

    /** Verifies that the task completed with this result. */
    public TaskOutcomeAssert completedWith(String result) {
        completed();
        Assertions.assertThat(actual.result()).as("the result").contains(result);
        return this;
    }

    /** Verifies that the task was cancelled before it completed. */
    public TaskOutcomeAssert wasCancelled() {
        isNotNull();
        if (!(actual.end() instanceof End.Cancelled)) {
            failAtEnd("been cancelled");
        }
        return this;
    }

    /**
     * Verifies that the task failed with a problem.
     *
     * @param code the code of the problem; {@code handler_failed} if the handler threw an exception that is not a {@link
     *     dev.handoff.http.ProblemException}
     */
    public TaskOutcomeAssert failedWith(String code) {
        isNotNull();
        if (!(actual.end() instanceof End.Failed failed)
                || !failed.problem().code().equals(code)) {
            failAtEnd("failed with the problem " + code);
        }
        return this;
    }

    /** Verifies that the handler threw an exception of this type, or that its stage failed with one. */
    public TaskOutcomeAssert threw(Class<? extends Throwable> type) {
        isNotNull();
        Assertions.assertThat(actual.thrown()).as("what the handler threw").isInstanceOf(type);
        return this;
    }

    private void failAtEnd(String expected) {
        AssertionError error = failure("the task should have %s, but its end is %s", expected, actual.end());
        if (actual.thrown() != null) {
            error.addSuppressed(actual.thrown());
        }
        throw error;
    }
}
