// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Holds the state of a task at one moment. Dispatchers create a status with {@link #of} and the {@code with…} methods. When a component is
 * added, the constructor changes and these methods stay as they are.
 *
 * @param taskId the id of the task, which is the id of its stream
 * @param subject the subject that requested the task, or null
 * @param format the name of the format in which the client reads the stream
 * @param state the state of the task
 * @param queuePosition how many tasks are to be started before this one. The dispatcher counts up to {@value #MAX_QUEUE_POSITION}. 0 if
 *     there are none, if this task has been started, or if the dispatcher could not count them
 * @param created when the dispatcher accepted the task
 * @param started when the handler was last started; null if it was not started yet
 * @param ended when the task ended; null if it has not ended
 */
public record TaskStatus(
        String taskId,
        @Nullable String subject,
        String format,
        State state,
        int queuePosition,
        Instant created,
        @Nullable Instant started,
        @Nullable Instant ended) {

    /** The largest {@link #queuePosition()}. It means that this many tasks or more are to be started before this one. */
    public static final int MAX_QUEUE_POSITION = 1000;

    /** Returns the status of a task without a subject that has not started, with no other task before it. */
    public static TaskStatus of(String taskId, String format, State state, Instant created) {
        return new TaskStatus(taskId, null, format, state, 0, created, null, null);
    }

    /** Returns the same status with another subject; null for none. */
    public TaskStatus withSubject(@Nullable String subject) {
        return new TaskStatus(taskId, subject, format, state, queuePosition, created, started, ended);
    }

    /** Returns the same status with another position in the queue. */
    public TaskStatus withQueuePosition(int queuePosition) {
        return new TaskStatus(taskId, subject, format, state, queuePosition, created, started, ended);
    }

    /** Returns the same status with the time of the last start; null if the task has not started. */
    public TaskStatus withStarted(@Nullable Instant started) {
        return new TaskStatus(taskId, subject, format, state, queuePosition, created, started, ended);
    }

    /** Returns the same status with the time of the end; null if the task has not ended. */
    public TaskStatus withEnded(@Nullable Instant ended) {
        return new TaskStatus(taskId, subject, format, state, queuePosition, created, started, ended);
    }

    /** The states of a task. A task begins as {@link #QUEUED}. The last three states are final. */
    public enum State {
        /** The task was accepted and has not been started. */
        QUEUED,
        /** The handler was started and has not finished. */
        RUNNING,
        /** The handler has finished without an error. */
        COMPLETED,
        /** The handler has failed, or the worker was lost. */
        FAILED,
        /** The task was cancelled. */
        CANCELLED;

        /** Returns whether the state never changes any more. */
        public boolean isFinal() {
            return this != QUEUED && this != RUNNING;
        }
    }
}
