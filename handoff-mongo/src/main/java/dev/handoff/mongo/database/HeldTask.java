package dev.handoff.mongo.database;

import dev.handoff.task.TaskStatus;
import org.jspecify.annotations.Nullable;

/**
 * Who has a task. Two values that are equal, at different times, mean that nobody has taken the task in between.
 *
 * @param owner the worker or sweeper that has it; null while it is queued
 * @param cancel whether it is marked for cancellation
 * @param lease the lease time that workers of version 0.1 write, in ms of their clock; null for others. It is only compared for equality
 */
public record HeldTask(
        String id,
        TaskStatus.State state,
        int epoch,
        @Nullable String owner,
        boolean cancel,
        @Nullable Long lease) {}
