// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

/**
 * The entry point of the AssertJ assertions for handoff. Its methods have the same name as those of AssertJ, so a test can import both
 * statically.
 *
 * <pre>{@code
 * TaskOutcome outcome = Handlers.run(handler, Task.of("report", "rain"));
 * HandoffAssertions.assertThat(outcome).hasData("page 1", "page 2").completed();
 * }</pre>
 */
public final class HandoffAssertions {

    private HandoffAssertions() {}

    /** Returns the assertions for the outcome of a task. */
    public static TaskOutcomeAssert assertThat(TaskOutcome actual) {
        return new TaskOutcomeAssert(actual);
    }

    /** Returns the assertions for a stream that a client reads over HTTP. */
    public static SseClientAssert assertThat(SseClient actual) {
        return new SseClientAssert(actual);
    }
}
