// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Observes the dispatch of tasks, and adds the trace context to their attributes. Thread-safe. */
final class ObservedDispatcher implements TaskDispatcher {

    private static final Logger logger = LoggerFactory.getLogger(ObservedDispatcher.class);

    private final TaskDispatcher dispatcher;
    private final Observations observations;
    private final TaskLabels labels;

    ObservedDispatcher(TaskDispatcher dispatcher, Observations observations, TaskLabels labels) {
        this.dispatcher = dispatcher;
        this.observations = observations;
        this.labels = labels;
    }

    @Override
    public TaskStatus dispatch(Task task) {
        return observed(task, dispatcher::dispatch);
    }

    @Override
    public void accept(Task task) {
        observed(task, traced -> {
            dispatcher.accept(traced);
            return true;
        });
    }

    private <T> T observed(Task task, Function<Task, T> call) {
        Map<String, String> attributes = new LinkedHashMap<>(task.attributes());
        GuardedObservation observation =
                observations.send(labels.of("handoff.task.dispatch", "dispatch", task), attributes);
        Throwable thrown = null;
        try (GuardedObservation.Scope scope = observation.openScope()) {
            T result = call.apply(task.withAttributes(attributes));
            logger.debug("task {} of type {} was dispatched", task.id(), task.type());
            return result;
        } catch (Throwable e) {
            thrown = e;
            throw e;
        } finally {
            observation.stop(null, thrown);
        }
    }

    @Override
    public Optional<TaskStatus> status(String taskId) {
        return dispatcher.status(taskId);
    }

    @Override
    public Optional<TaskStatus> latestLike(Task task, Duration within) {
        return dispatcher.latestLike(task, within);
    }

    @Override
    public boolean cancel(String taskId) {
        return dispatcher.cancel(taskId);
    }

    @Override
    public void reportReaders(Collection<String> taskIds) {
        dispatcher.reportReaders(taskIds);
    }
}
