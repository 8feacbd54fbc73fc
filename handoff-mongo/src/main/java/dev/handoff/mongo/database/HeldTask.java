// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.task.TaskStatus;
import org.jspecify.annotations.Nullable;

/**
 * Describes the owner and the state of a task. If two reads return equal values, no process has taken the task between them. A later
 * version may add a component, which changes the constructor but not {@link #of} and the {@code with…} methods.
 *
 * @param owner the worker or sweeper that owns the task; null while the task is queued
 * @param cancel whether the task is marked for cancellation
 * @param lease the lease time that workers of version 0.1 write, in ms of their clock; null for other workers. The queue only compares it
 *     for equality
 */
public record HeldTask(
        String id,
        TaskStatus.State state,
        int epoch,
        @Nullable String owner,
        boolean cancel,
        @Nullable Long lease) {

    /** Returns a value for a task without an owner, a mark for cancellation or a lease time. */
    public static HeldTask of(String id, TaskStatus.State state, int epoch) {
        return new HeldTask(id, state, epoch, null, false, null);
    }

    /** Returns a copy with an owner; null for none. */
    public HeldTask withOwner(@Nullable String owner) {
        return new HeldTask(id, state, epoch, owner, cancel, lease);
    }

    /** Returns a copy that is marked for cancellation or not. */
    public HeldTask withCancel(boolean cancel) {
        return new HeldTask(id, state, epoch, owner, cancel, lease);
    }

    /** Returns a copy with a lease time; null for none. */
    public HeldTask withLease(@Nullable Long lease) {
        return new HeldTask(id, state, epoch, owner, cancel, lease);
    }
}
