// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A handler that does what a test tells it, and nothing else: it does not even heed its cancellation. */
final class Puppet implements TaskHandler {

    @FunctionalInterface
    private interface Step {
        /** Returns whether there is more to do. */
        boolean run(TaskOutput output) throws Exception;
    }

    private final BlockingQueue<Step> steps = new LinkedBlockingQueue<>();
    private final List<String> runs = new CopyOnWriteArrayList<>();
    private final List<String> stopped = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable Throwable> told = new AtomicReference<>();

    Puppet emit(String data) {
        steps.add(output -> {
            output.emit(data);
            return true;
        });
        return this;
    }

    /** Lets one run return. */
    Puppet complete() {
        steps.add(output -> false);
        return this;
    }

    /** Has it emit until it is told that it must not. */
    Puppet emitUntilTold() {
        steps.add(output -> {
            while (true) {
                output.emit("zombie");
                Thread.onSpinWait();
            }
        });
        return this;
    }

    /** The ids of the tasks of its runs. */
    List<String> runs() {
        return runs;
    }

    /** The ids of the tasks that it was told to stop. */
    List<String> stopped() {
        return stopped;
    }

    /** What was thrown at it last. */
    @Nullable
    Throwable told() {
        return told.get();
    }

    @Override
    public void handle(Task task, TaskOutput output) throws Exception {
        output.onCancel(() -> stopped.add(task.id()));
        runs.add(task.id());
        try {
            boolean more = true;
            while (more) {
                more = steps.take().run(output);
            }
        } catch (InterruptedException e) {
            // The test is over.
        } catch (RuntimeException e) {
            told.set(e);
            throw e;
        }
    }
}
