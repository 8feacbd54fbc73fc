// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.task.TaskStatus;
import org.jspecify.annotations.Nullable;

/**
 * Describes the owner and the state of a task. If two reads return equal values, no process has taken the task between them. If a part is
 * added, the constructor changes, but {@link #of} and the {@code with…} methods stay.
 *
 * @param owner the worker or sweeper that owns it; null while it is queued
 * @param cancel whether it is marked for cancellation
 * @param lease the lease time that workers of version 0.1 write, in ms of their clock; null for other workers. It is only compared for
 *     equality
 */
public record HeldTask(
        String id,
        TaskStatus.State state,
        int epoch,
        @Nullable String owner,
        boolean cancel,
        @Nullable Long lease) {

    /** Returns who has a task that nobody owns and that is not marked for cancellation. */
    public static HeldTask of(String id, TaskStatus.State state, int epoch) {
        return new HeldTask(id, state, epoch, null, false, null);
    }

    /** Returns the same with an owner; null for none. */
    public HeldTask withOwner(@Nullable String owner) {
        return new HeldTask(id, state, epoch, owner, cancel, lease);
    }

    /** Returns the same, marked for cancellation or not. */
    public HeldTask withCancel(boolean cancel) {
        return new HeldTask(id, state, epoch, owner, cancel, lease);
    }

    /** Returns the same with a lease time; null for none. */
    public HeldTask withLease(@Nullable Long lease) {
        return new HeldTask(id, state, epoch, owner, cancel, lease);
    }
}
