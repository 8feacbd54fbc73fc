// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Holds a task as the database stores it.
 *
 * @param payload the payload; empty if it was not requested, or if the task has ended
 * @param epoch how many times the task was given to an owner, which is a worker or a sweeper
 * @param attempts how many times workers have claimed the task
 * @param cancel whether the task is marked for cancellation
 */
public record TaskRecord(
        String id,
        String type,
        String payload,
        String fingerprint,
        Map<String, String> attributes,
        @Nullable String subject,
        @Nullable String key,
        String format,
        boolean background,
        TaskStatus.State state,
        int epoch,
        int attempts,
        boolean cancel,
        Instant created,
        @Nullable Instant started,
        @Nullable Instant ended) {

    /** Copies the attributes. */
    public TaskRecord {
        attributes = Map.copyOf(attributes);
    }

    /** Returns a record for a new task that is not inserted yet. */
    public static TaskRecord queued(Task task) {
        return new TaskRecord(
                task.id(),
                task.type(),
                task.payload(),
                task.fingerprint(),
                task.attributes(),
                task.subject(),
                task.idempotencyKey(),
                task.format(),
                task.background(),
                TaskStatus.State.QUEUED,
                0,
                0,
                false,
                Instant.EPOCH,
                null,
                null);
    }

    /** Returns the task that its handler receives. */
    public Task task() {
        return new Task(id, type, payload, attributes, subject, key, format, background);
    }

    /**
     * Returns the status of the task.
     *
     * @param queuedBefore how many tasks were queued before this one; 0 if this task is not queued
     */
    public TaskStatus status(int queuedBefore) {
        return TaskStatus.of(id, format, state, created)
                .withSubject(subject)
                .withQueuePosition(queuedBefore)
                .withStarted(started)
                .withEnded(ended);
    }
}
