// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs the steps that a test adds, as a handler. */
final class Script implements TaskHandler {

    @FunctionalInterface
    private interface Step {
        /** Runs the step. Returns whether the handler continues. */
        boolean run(TaskOutput output) throws Exception;
    }

    private final BlockingQueue<Step> steps = new LinkedBlockingQueue<>();
    private final AtomicInteger runs = new AtomicInteger();

    Script emit(@Nullable String type, String data) {
        return then(output -> output.emit(type, data));
    }

    Script emitNumbered(int from, int to) {
        for (int i = from; i < to; i++) {
            emit(null, "event " + i);
        }
        return this;
    }

    Script then(Consumer<TaskOutput> action) {
        steps.add(output -> {
            action.accept(output);
            return true;
        });
        return this;
    }

    void complete(@Nullable String result) {
        steps.add(output -> {
            if (result != null) {
                output.complete(result);
            }
            return false;
        });
    }

    /** Completes with this result, or without one if it is null, and leaves the thread interrupted, as an interrupted library call does. */
    void completeInterrupted(@Nullable String result) {
        steps.add(output -> {
            if (result != null) {
                output.complete(result);
            }
            Thread.currentThread().interrupt();
            return false;
        });
    }

    /** Fails and leaves the thread interrupted. */
    void failInterrupted(Problem problem) {
        steps.add(output -> {
            Thread.currentThread().interrupt();
            throw new ProblemException(problem);
        });
    }

    void fail(Problem problem) {
        steps.add(output -> {
            throw new ProblemException(problem);
        });
    }

    void crash(String message) {
        steps.add(output -> {
            throw new IllegalArgumentException(message);
        });
    }

    int runs() {
        return runs.get();
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        runs.incrementAndGet();
        output.onCancel(() -> steps.add(ignored -> false));
        boolean more = true;
        while (more) {
            more = steps.take().run(output);
        }
    }
}
