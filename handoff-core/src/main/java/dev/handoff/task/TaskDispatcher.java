// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import dev.handoff.http.ProblemException;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;

/**
 * Accepts tasks and sees to it that they are done, here or elsewhere. Its rules are checked by
 * {@code TaskDispatcherContract} of handoff-testkit.
 *
 * <p>Thread-safe. Methods may block for as long as the store takes to answer, never for as long as a task takes.
 */
public interface TaskDispatcher {

    /**
     * Accepts a task and returns. A task whose id is known already is not run again: this is the retry of a request, and
     * both share one stream.
     *
     * @throws ProblemException with status 422 if the known task has another type or payload; with 503 if no task can be
     *     taken at the moment, 413 if the task is larger than the dispatcher ever takes, or 400 if no handler has its type.
     *     Nothing was accepted then
     */
    TaskStatus dispatch(Task task);

    /** Returns the status of a task; empty if there is none, or if it ended so long ago that it is no longer kept. */
    Optional<TaskStatus> status(String taskId);

    /**
     * Returns the latest task that the same subject asked for with the same type and payload, if it was accepted within a
     * time. A client that sends a request again is led to that task instead of paying for a second one. Empty if there is
     * none; this implementation always returns empty.
     *
     * @param task the task that is requested now; its id is not compared
     * @param within how long ago the other task may have been accepted
     */
    default Optional<TaskStatus> latestLike(Task task, Duration within) {
        return Optional.empty();
    }

    /**
     * Asks that a task be cancelled. Its stream ends soon, if not at once, unless the task ends by itself before. Doing it
     * again changes nothing.
     *
     * @return false if there is nothing to cancel: the task has completed or failed, or is not known
     */
    boolean cancel(String taskId);

    /**
     * Reports the tasks whose streams have readers on a streaming server. {@link dev.handoff.StreamEndpoint#reportReaders} calls this, on each
     * streaming server about once a second. It also calls it when no stream has a reader, with an empty collection. It may call it again before
     * an earlier call has returned.
     *
     * <p>A dispatcher that cancels tasks without readers needs these calls. Other dispatchers may ignore them, as this implementation does.
     *
     * @param taskIds the ids of these tasks, which are the ids of their streams
     */
    default void reportReaders(Collection<String> taskIds) {}
}
