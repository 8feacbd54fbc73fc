// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import dev.handoff.http.ProblemException;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;

/**
 * Accepts tasks and has them run, in this process or in another one. {@code TaskDispatcherContract} in handoff-testkit tests the rules of
 * this interface.
 *
 * <p>Thread-safe. Methods may block until the store answers. They never wait until a task is done.
 */
public interface TaskDispatcher {

    /**
     * Accepts a task and returns its status, without waiting until the task is done. If a task with the same id is known, this is the retry
     * of a request: the dispatcher does not run the task again, and returns the status of the known task.
     *
     * @throws ProblemException with status 400 if no handler has the type of the task; 413 if the task is larger than the dispatcher
     *     accepts; 422 if the known task has another type or payload; 409 if the idempotency key was used for a task that is no
     *     longer kept, although its events are; or 503 if the dispatcher has no room, is closed, or cannot reach its store. Nothing was
     *     accepted then, except that a store that did not answer in time may have stored the task. The client may repeat the request with
     *     its idempotency key
     */
    TaskStatus dispatch(Task task);

    /**
     * Accepts a task as {@link #dispatch} does, but does not return its status. {@link dev.handoff.Handoff} calls this method, because its
     * answer shows no status. This implementation calls {@link #dispatch}. A dispatcher that queries the status can override the method and
     * save these queries. A dispatcher that passes calls to another one should pass on this call, too.
     *
     * @throws ProblemException as {@link #dispatch} does
     */
    default void accept(Task task) {
        dispatch(task);
    }

    /** Returns the status of a task; empty if no task has this id, or if it ended so long ago that it is no longer kept. */
    Optional<TaskStatus> status(String taskId);

    /**
     * Returns the status of the latest task with the same subject, type and payload, if that task was accepted within the given time; else
     * empty. {@link dev.handoff.Handoff} uses this to lead a client that repeats its request to the first task instead of starting a second
     * one. This implementation always returns empty.
     *
     * @param task the task that is requested now; its id is not compared
     * @param within how long ago the other task may have been accepted
     */
    default Optional<TaskStatus> latestLike(Task task, Duration within) {
        return Optional.empty();
    }

    /**
     * Requests the cancellation of a task. The stream ends soon, perhaps after this returns, unless the task ends by itself first. Another
     * call changes nothing.
     *
     * @return true if the task is being cancelled or was cancelled before; false if it has completed or failed, or is not known
     */
    boolean cancel(String taskId);

    /**
     * Reports the tasks whose streams have readers on a streaming server. {@link dev.handoff.StreamEndpoint#reportReaders} calls this
     * method about once a second on each streaming server, with an empty collection if no stream has a reader. A call may begin before an
     * earlier call has returned.
     *
     * <p>A dispatcher that cancels tasks without readers needs these calls. Other dispatchers may ignore them, as this implementation does.
     *
     * @param taskIds the ids of these tasks, which are the ids of their streams
     */
    default void reportReaders(Collection<String> taskIds) {}
}
