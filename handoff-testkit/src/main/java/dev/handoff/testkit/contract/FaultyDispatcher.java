// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;

/** A dispatcher that a test can make fail or hang, in each method that a streaming server calls. */
final class FaultyDispatcher implements TaskDispatcher {

    private final TaskDispatcher dispatcher;
    private final Faults faults;

    FaultyDispatcher(TaskDispatcher dispatcher, Faults faults) {
        this.dispatcher = dispatcher;
        this.faults = faults;
    }

    @Override
    public TaskStatus dispatch(Task task) {
        return dispatcher.dispatch(task);
    }

    @Override
    public void accept(Task task) {
        dispatcher.accept(task);
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        faults.on("status", taskId);
        return dispatcher.status(taskId);
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        return dispatcher.latestLike(task, within);
    }

    @Override
    public boolean cancel(String taskId) {
        faults.on("cancel", taskId);
        return dispatcher.cancel(taskId);
    }

    @Override
    public void reportReaders(Collection<String> taskIds) {
        faults.on("reportReaders", String.join(",", taskIds));
        dispatcher.reportReaders(taskIds);
    }
}
