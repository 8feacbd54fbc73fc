// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.check.Counts;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.time.Duration;

/**
 * Runs the handler of a task in a test. The handler runs in the calling thread and writes to a stream in memory, with the same code that a
 * dispatcher uses. So its events, its result and its end are those of a real run.
 *
 * <pre>{@code
 * TaskHandler reports = (task, output) -> {
 *     output.emit("page", "a page about " + task.payload());
 *     output.complete("{\"pages\":1}");
 * };
 * TaskOutcome outcome = Handlers.run(reports, Task.of("report", "rain"));
 * HandoffAssertions.assertThat(outcome)
 *         .hasEvent("page", "a page about rain")
 *         .completedWith("{\"pages\":1}");
 * }</pre>
 *
 * <p>A handler that blocks also blocks the test. To test a handler that waits for its cancellation, or to look at a stream while it grows,
 * use {@link TestHandoff}.
 */
public final class Handlers {

    /** How long the stage of an asynchronous handler may be pending. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final int NEVER = Integer.MAX_VALUE;

    private Handlers() {}

    /**
     * Runs a handler until its work is done. For a handler of {@link TaskHandler#async} this waits until its stage completes, for at
     * most 20 seconds.
     *
     * @throws Error if the handler throws one, such as a failed assertion
     * @throws AssertionError if the stage of the handler is still pending after 20 seconds
     */
    public static TaskOutcome run(TaskHandler handler, Task task) {
        return new HandlerRun(handler, task, NEVER).outcome(PATIENCE);
    }

    /**
     * Runs a handler as {@link #run} does, and cancels the task when the handler has emitted a number of events. The thread that emits the
     * last of these events runs the actions of {@link TaskOutput#onCancel}, and ends the stream, before {@link TaskOutput#emit} returns. So
     * the stream has exactly these events, and those that the actions emit.
     *
     * @param events the number of events; if the handler emits fewer, the task is not cancelled
     * @throws IllegalArgumentException if the number is not positive
     * @throws Error if the handler throws one, such as a failed assertion
     * @throws AssertionError if the stage of the handler is still pending after 20 seconds
     */
    public static TaskOutcome runAndCancelAfter(int events, TaskHandler handler, Task task) {
        return new HandlerRun(handler, task, Counts.requirePositive("events", events)).outcome(PATIENCE);
    }
}
