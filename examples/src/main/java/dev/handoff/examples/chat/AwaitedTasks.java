package dev.handoff.examples.chat;

import dev.handoff.Problem;
import dev.handoff.ProblemException;
import dev.handoff.Task;
import dev.handoff.TaskDispatcher;
import dev.handoff.TaskStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.function.BooleanSupplier;

/**
 * The tasks of a store that may not be there yet. Until it is, each request is refused with 503 at once, and nobody waits for
 * an answer of the store.
 */
final class AwaitedTasks implements TaskDispatcher {

    private static final Problem UNREACHABLE =
            new Problem(503, "store_unreachable", "The task store cannot be reached at the moment.");

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
    public void attended(Collection<String> taskIds) {
        if (prepared.getAsBoolean()) {
            tasks.attended(taskIds);
        }
    }
}
