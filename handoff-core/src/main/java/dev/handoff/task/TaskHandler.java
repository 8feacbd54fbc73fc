// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import dev.handoff.http.ProblemException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.BiFunction;

/**
 * Does the work of a task. Applications implement this interface. If the handler returns, the stream ends as completed. If it throws a
 * {@link ProblemException}, the stream ends with the problem of the exception. If it throws anything else, the stream ends with the problem
 * {@code handler_failed}; the exception is logged and not shown to the client.
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
 * <p>Such a handler occupies a thread while it works. {@link #async} returns a handler that occupies none while it waits. One handler runs
 * several tasks at the same time, so it must be thread-safe.
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
     * Starts the work, on a thread of the dispatcher's executor, and returns a stage that completes when the work is done. Dispatchers call
     * this method. This implementation calls {@link #handle} and then returns a completed stage.
     *
     * @throws Exception if the task failed
     */
    default CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
        handle(task, output);
        return CompletableFuture.completedFuture(null);
    }

    /**
     * Returns a handler that occupies no thread while it waits for other systems. The function starts the work and returns a stage. When
     * the stage completes, the stream ends as completed. When the stage fails, the stream ends as if {@link #handle} had thrown the
     * exception. The work sets its result by {@link TaskOutput#complete}:
     *
     * <pre>{@code
     * TaskHandler.async((task, output) -> model.answer(task.payload(), output::emit).thenAccept(output::complete))
     * }</pre>
     *
     * <p>While the stage is pending, the task is running and counts for all limits of the dispatcher. If the task is cancelled or its
     * worker stops, the stream ends although the stage is pending. The task then no longer counts, and a later completion of the stage
     * changes nothing. The actions of {@link TaskOutput#onCancel} should end the work and complete the stage.
     *
     * <p>The dispatcher's executor writes the end of the stream, because that may block. {@link TaskOutput#emit} blocks the calling thread
     * while the store is slow, so do not call it on a thread that must not block, such as an event loop. Pass the events to another thread
     * instead, one at a time so that they keep their order.
     *
     * <p>If the stage fails with an {@link Error}, the error is logged and not thrown to the executor.
     *
     * @param function starts the work. If it throws, or returns null instead of a stage, the stream ends with an error
     */
    static TaskHandler async(BiFunction<Task, TaskOutput, ? extends CompletionStage<Void>> function) {
        return new AsyncHandler(function);
    }
}
