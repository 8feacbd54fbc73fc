// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import dev.handoff.http.ProblemException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;

/**
 * The application's code that does the work of a task. If it returns, the stream ends as completed. If it throws, the stream ends with an error:
 * with the problem of a {@link ProblemException}, else with {@code handler_failed}. The client sees nothing of another exception, which is logged.
 *
 * <pre>{@code
 * TaskHandler reports = (task, output) -> {
 *     for (int page = 1; page <= 3; page++) {
 *         output.emit("page", "page " + page + " about " + task.payload());
 *     }
 *     output.complete("{\"pages\":3}");
 * };
 * }</pre>
 *
 * <p>Such a handler occupies a thread while it works. {@link #async} returns a handler that does not.
 */
@FunctionalInterface
public interface TaskHandler {

    /**
     * Does the work, on a thread of the dispatcher's executor. May block.
     *
     * @throws Exception if the task failed
     */
    void handle(Task task, TaskOutput output) throws Exception;

    /**
     * Starts the work, on a thread of the dispatcher's executor, and returns a stage that completes when the work is done. Dispatchers call this
     * method. As implemented here it does the work by {@link #handle} and returns a completed stage.
     *
     * @throws Exception if the task failed
     */
    default CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
        handle(task, output);
        return CompletableFuture.completedFuture(null);
    }

    /**
     * Returns a handler that occupies no thread while it waits for other systems. The function starts the work and returns a stage. The stream ends
     * when the stage completes: as completed, or with the error of a failed stage as if {@link #handle} had thrown it. A result is set by
     * {@link TaskOutput#complete}:
     *
     * <pre>{@code
     * TaskHandler.async((task, output) -> model.answer(task.payload(), output::emit).thenAccept(output::complete))
     * }</pre>
     *
     * <p>While the stage is pending, the task is running and counts for all limits of the dispatcher. If it is cancelled, or if its worker stops, the
     * stream ends without the stage, the task counts no longer, and a later completion of the stage changes nothing. The actions of
     * {@link TaskOutput#onCancel} should end the work and complete the stage.
     *
     * <p>The dispatcher's executor writes the end of the stream, since that may block. {@link TaskOutput#emit} blocks the thread that calls it while
     * the store is slow. Do not call it on a thread that must not block, such as an event loop: pass the events on to another thread, one
     * at a time so that they keep their order.
     *
     * <p>An {@link Error} with which the stage fails is logged and not thrown to the executor.
     *
     * @param function may throw, which ends the stream with an error, too. So does a null that it returns instead of a stage
     */
    static TaskHandler async(BiFunction<Task, TaskOutput, ? extends CompletionStage<Void>> function) {
        return new AsyncHandler(function);
    }
}
