// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.execution.TaskRun;
import dev.handoff.http.ProblemCode;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.store.EventStream;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** One run of a handler in the calling thread, with a stream in memory. */
final class HandlerRun {

    private final String id;
    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
    private final AtomicInteger emitted = new AtomicInteger();
    private final int cancelAfter;
    private final TaskRun run;

    /** @param cancelAfter the number of events after which the run is cancelled */
    HandlerRun(TaskHandler handler, Task task, int cancelAfter) {
        this.id = task.id();
        this.cancelAfter = cancelAfter;
        TaskHandler watched = new WatchedHandler(new CountedHandler(handler), (taskId, failure) -> thrown.set(failure));
        this.run = new TaskRun(task, watched, () -> store.appender(id, 1));
    }

    /**
     * Runs the handler and returns its outcome.
     *
     * @param patience how long the stage of the handler may be pending
     */
    TaskOutcome outcome(Duration patience) {
        CompletableFuture<Void> over = new CompletableFuture<>();
        boolean wasInterrupted = Thread.currentThread().isInterrupted();
        try {
            run.start(Runnable::run, () -> over.complete(null));
        } finally {
            // A handler may leave its thread interrupted. That must not fail the rest of the test.
            if (!wasInterrupted) {
                Thread.interrupted();
            }
        }
        await(over, patience);
        EventStream stream = store.open(id);
        return new TaskOutcome(TestStream.eventsOf(stream), stream.end().orElseThrow(), thrown.get());
    }

    private void await(CompletableFuture<Void> over, Duration patience) {
        try {
            over.get(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            run.abandon(ProblemCode.WORKER_LOST.problem("The test does not wait any longer."));
            throw new AssertionError("the stage of the handler is still pending after " + patience, e);
        } catch (InterruptedException e) {
            run.abandon(ProblemCode.WORKER_LOST.problem("The test was interrupted."));
            Thread.currentThread().interrupt();
            throw new AssertionError("the test was interrupted while the stage of the handler was pending", e);
        } catch (ExecutionException e) {
            throw new AssertionError(e);
        }
    }

    private void count() {
        if (emitted.incrementAndGet() == cancelAfter) {
            run.cancel();
        }
    }

    /** Counts the events that a handler emits. */
    private final class CountedHandler implements TaskHandler {

        private final TaskHandler handler;

        CountedHandler(TaskHandler handler) {
            this.handler = handler;
        }

        @Override
        public void handle(Task task, TaskOutput output) throws Exception {
            handler.handle(task, new CountedOutput(output));
        }

        @Override
        public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
            return handler.start(task, new CountedOutput(output));
        }
    }

    private final class CountedOutput implements TaskOutput {

        private final TaskOutput output;

        CountedOutput(TaskOutput output) {
            this.output = output;
        }

        @Override
        public void emit(@Nullable String type, String data) {
            output.emit(type, data);
            count();
        }

        @Override
        public void complete(String result) {
            output.complete(result);
        }

        @Override
        public boolean cancelled() {
            return output.cancelled();
        }

        @Override
        public void onCancel(Runnable action) {
            output.onCancel(action);
        }
    }
}
