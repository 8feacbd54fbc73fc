package dev.handoff.mongo.task;

import dev.handoff.execution.TaskRun;

/** A task that a worker runs. */
final class RunningTask {

    final String id;
    final int epoch;
    final TaskRun run;
    /** Whether somebody stops the run. Only by the thread that looks. */
    boolean stopping;
    /** Whether the worker has stopped the run without an end, so that the task can be taken over although its handler has not returned. */
    volatile boolean released;

    RunningTask(String id, int epoch, TaskRun run) {
        this.id = id;
        this.epoch = epoch;
        this.run = run;
    }
}
