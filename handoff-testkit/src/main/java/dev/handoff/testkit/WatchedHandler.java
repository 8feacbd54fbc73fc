// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;

/**
 * Runs a handler and passes on what it throws, before the dispatcher writes the end of the stream.
 *
 * @param failures is called with the id of the task and what the handler threw, or what its stage failed with
 */
record WatchedHandler(TaskHandler handler, BiConsumer<String, Throwable> failures) implements TaskHandler {

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        try {
            handler.handle(task, output);
        } catch (Throwable e) {
            failures.accept(task.id(), e);
            throw e;
        }
    }

    @Override
    public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
        CompletionStage<Void> stage;
        try {
            stage = Objects.requireNonNull(handler.start(task, output), "the handler returned no stage");
        } catch (Throwable e) {
            failures.accept(task.id(), e);
            throw e;
        }
        return stage.whenComplete((nothing, failure) -> {
            if (failure != null) {
                Throwable cause = failure instanceof CompletionException ? failure.getCause() : null;
                failures.accept(task.id(), cause == null ? failure : cause);
            }
        });
    }
}
