// SPDX-License-Identifier: Apache-2.0
package dev.handoff.task;

import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.function.BiFunction;

/** A handler that starts the work by a function, which returns a stage. */
record AsyncHandler(BiFunction<Task, TaskOutput, ? extends CompletionStage<Void>> function) implements TaskHandler {

    AsyncHandler {
        Objects.requireNonNull(function, "function");
    }

    @Override
    public CompletionStage<Void> start(Task task, TaskOutput output) {
        return Objects.requireNonNull(function.apply(task, output), "the function returned null instead of a stage");
    }

    /** Starts the work and waits until the stage completes or the task is cancelled. */
    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        CompletableFuture<Void> done = new CompletableFuture<>();
        start(task, output).whenComplete((nothing, failure) -> {
            if (failure == null) {
                done.complete(null);
            } else {
                done.completeExceptionally(failure);
            }
        });
        output.onCancel(() -> done.cancel(false));
        try {
            done.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }
}
