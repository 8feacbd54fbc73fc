// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;

import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskOutput;
import dev.handoff.task.TaskStatus;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The dispatcher under test, and what its tests share. */
abstract class TaskDispatcherFixture {

    final List<Task> handled = new CopyOnWriteArrayList<>();
    final ExecutorService threads = Executors.newCachedThreadPool();

    /** The functions that start tasks whose payload is the key. Scripts do all other tasks. */
    final Map<String, BiFunction<Task, TaskOutput, CompletionStage<Void>>> functions = new ConcurrentHashMap<>();

    private final Map<String, Script> scripts = new ConcurrentHashMap<>();

    // Set before each test.
    @SuppressWarnings("NullAway.Init")
    TaskDispatcher dispatcher;

    /** Starts a dispatcher that has tasks of the type {@code script} done by this handler, on at least four threads. */
    protected abstract TaskDispatcher start(TaskHandler handler);

    /**
     * Starts a dispatcher as {@link #start(TaskHandler)} does, whose streams are kept in another store. Returns null if it
     * cannot be given one, which is the default.
     */
    protected @Nullable TaskDispatcher start(TaskHandler handler, EventStore store) {
        return null;
    }

    /**
     * Whether a task has ended when its cancellation returns. Where the worker is elsewhere, which is the default, it may
     * still complete meanwhile.
     */
    protected boolean cancelsAtOnce() {
        return false;
    }

    /** Whether the dispatcher finds tasks by {@link TaskDispatcher#latestLike}, which is the default. */
    protected boolean findsLatestLike() {
        return true;
    }

    /** Where the streams of its tasks are kept. */
    protected abstract EventStore store();

    @BeforeEach
    final void startDispatcher() {
        dispatcher = start(new TaskHandler() {
            @Override
            public void handle(Task task, TaskOutput output) throws Exception {
                handled.add(task);
                script(task.payload()).handle(task, output);
            }

            @Override
            public CompletionStage<Void> start(Task task, TaskOutput output) throws Exception {
                BiFunction<Task, TaskOutput, CompletionStage<Void>> function = functions.get(task.payload());
                return function == null
                        ? TaskHandler.super.start(task, output)
                        : TaskHandler.async(function).start(task, output);
            }
        });
    }

    @AfterEach
    final void stopThreads() {
        threads.shutdownNow();
    }

    final Script script(String name) {
        return scripts.computeIfAbsent(name, n -> new Script());
    }

    final Task dispatched(String name) {
        Task task = Task.of("script", name);
        dispatcher.dispatch(task);
        return task;
    }

    final TaskStatus.State state(Task task) {
        return dispatcher.status(task.id()).orElseThrow().state();
    }

    final End endOf(Task task) {
        EventStream stream = store().open(task.id());
        await().until(() -> stream.end().isPresent());
        return stream.end().orElseThrow();
    }

    final List<Event> events(Task task) {
        return store().open(task.id()).read(EventStream.BEGINNING, 10_000).events();
    }
}
