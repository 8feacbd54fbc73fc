// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * Passes calls to a dispatcher after its store is ready. Before that it refuses each request with 503 at once, so that no thread waits for
 * a store that does not answer.
 *
 * <p>Thread-safe. Blocks like the dispatcher.
 */
final class AwaitedTasks implements TaskDispatcher {

    private static final Problem UNREACHABLE =
            ProblemCode.STORE_UNREACHABLE.problem("The task store cannot be reached at the moment.");

    private final TaskDispatcher tasks;
    private final BooleanSupplier prepared;

    AwaitedTasks(TaskDispatcher tasks, BooleanSupplier prepared) {
        this.tasks = tasks;
        this.prepared = prepared;
    }

    private TaskDispatcher tasks() {
        if (!prepared.getAsBoolean()) {
            throw new ProblemException(UNREACHABLE);
        }
        return tasks;
    }

    @Override
    public TaskStatus dispatch(Task task) {
        return tasks().dispatch(task);
    }

    @Override
    public void accept(Task task) {
        tasks().accept(task);
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        return tasks().status(taskId);
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        return tasks().latestLike(task, within);
    }

    @Override
    public boolean cancel(String taskId) {
        return tasks().cancel(taskId);
    }

    @Override
    public void reportReaders(Collection<String> taskIds) {
        if (prepared.getAsBoolean()) {
            tasks.reportReaders(taskIds);
        }
    }
}
