// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.execution.TaskRun;

/** Holds a task that a worker is running. */
final class RunningTask {

    final String id;
    final int epoch;
    final TaskRun run;
    /** Whether the run is being stopped. Used only by the thread that compares in {@link OwnedTasks}. */
    boolean stopping;
    /**
     * Whether the worker has stopped the run without an end. A process may then take the task over, although the handler has not returned.
     */
    volatile boolean released;

    RunningTask(String id, int epoch, TaskRun run) {
        this.id = id;
        this.epoch = epoch;
        this.run = run;
    }
}
