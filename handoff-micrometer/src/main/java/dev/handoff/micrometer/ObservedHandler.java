// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Observes the runs of a handler. An observation continues the trace that the attributes of the task name. Thread-safe. */
final class ObservedHandler implements TaskHandler {

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
