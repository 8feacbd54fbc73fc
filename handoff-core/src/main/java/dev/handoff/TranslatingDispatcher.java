// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Turns an exception of a dispatcher, or of the store behind it, into a problem with status 503, unless it is a problem
 * already. A client may then try again, because no task is known to be accepted. The cause stays on the exception.
 */
final class TranslatingDispatcher implements TaskDispatcher {

    private final TaskDispatcher dispatcher;

    TranslatingDispatcher(TaskDispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    @Override
    public TaskStatus dispatch(Task task) {
        return translated(() -> dispatcher.dispatch(task));
    }

    @Override
    public void accept(Task task) {
        translated(() -> {
            dispatcher.accept(task);
            return true;
        });
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        return translated(() -> dispatcher.status(taskId));
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        return translated(() -> dispatcher.latestLike(task, within));
    }

    @Override
    public boolean cancel(String taskId) {
        return translated(() -> dispatcher.cancel(taskId));
    }

    @Override
    public void reportReaders(Collection<String> taskIds) {
        dispatcher.reportReaders(taskIds);
    }

    private static <T> T translated(Supplier<T> call) {
        try {
            return call.get();
        } catch (ProblemException | Error e) {
            throw e;
        } catch (Throwable e) {
            // Code in other languages of the JVM also throws checked exceptions.
            throw ProblemCode.UNAVAILABLE.exception("The server cannot reach its tasks. Try again later.", e);
        }
    }
}
