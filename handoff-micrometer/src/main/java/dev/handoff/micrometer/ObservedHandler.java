// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Observes the runs of a handler. An observation continues the trace that the attributes of the task name. Thread-safe. */
final class ObservedHandler implements TaskHandler {

    private static final Logger logger = LoggerFactory.getLogger(ObservedHandler.class);

    private final TaskHandler handler;
    private final Observations observations;
    private final TaskLabels labels;

    ObservedHandler(TaskHandler handler, Observations observations, TaskLabels labels) {
        this.handler = handler;
        this.observations = observations;
        this.labels = labels;
    }

    private GuardedObservation begin(Task task) {
        return observations.receive(labels.of("handoff.task.process", "process", task), task.attributes());
    }

    /** Logs a line in the scope of the observation, so that the line has the trace id if the logging of the application writes it. */
    private static void logBegin(Task task) {
        logger.debug("a run of task {} of type {} begins", task.id(), task.type());
    }

    /** Stops the observation. If the run was cancelled, it has not failed, whatever the handler throws. */
    private static void end(GuardedObservation observation, TaskOutput output, @Nullable Throwable thrown) {
        if (output.cancelled()) {
            observation.stop("cancelled", null);
        } else if (thrown == null) {
            observation.stop("completed", null);
        } else {
            observation.stop("failed", thrown);
        }
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        GuardedObservation observation = begin(task);
        Throwable thrown = null;
        try (GuardedObservation.Scope scope = observation.openScope()) {
            logBegin(task);
            handler.handle(task, output);
        } catch (Throwable e) {
            thrown = e;
            throw e;
        } finally {
            end(observation, output, thrown);
        }
    }

    @Override
    public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
        GuardedObservation observation = begin(task);
        CompletionStage<Void> stage;
        try (GuardedObservation.Scope scope = observation.openScope()) {
            logBegin(task);
            stage = Objects.requireNonNull(handler.start(task, output), "the handler returned no stage");
        } catch (Throwable e) {
            end(observation, output, e);
            throw e;
        }
        CompletionStage<Void> ended =
                stage.whenComplete((nothing, failure) -> end(observation, output, causeOf(failure)));
        if (!observation.isStopped()) {
            // A run that is cancelled is over, even if its stage never completes.
            output.onCancel(() -> end(observation, output, null));
        }
        return ended;
    }

    /** Returns why a stage failed. A stage that depends on another one wraps the failure of that stage. */
    private static @Nullable Throwable causeOf(@Nullable Throwable failure) {
        Throwable cause = failure instanceof CompletionException ? failure.getCause() : null;
        return cause == null ? failure : cause;
    }
}
