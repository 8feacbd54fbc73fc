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

/** Supplies the dispatcher under test and the methods that its tests share. */
abstract class TaskDispatcherFixture {

    final List<Task> handled = new CopyOnWriteArrayList<>();
    final ExecutorService threads = Executors.newCachedThreadPool();

    /** The functions that start tasks, by the payload of the task. Scripts run all other tasks. */
    final Map<String, BiFunction<Task, TaskOutput, CompletionStage<Void>>> functions = new ConcurrentHashMap<>();

    private final Map<String, Script> scripts = new ConcurrentHashMap<>();

    // Set before each test.
    @SuppressWarnings("NullAway.Init")
    TaskDispatcher dispatcher;

    /**
     * Starts a dispatcher that runs tasks of the type {@code script} with this handler, on at least four threads. Called before each test.
     */
    protected abstract TaskDispatcher start(TaskHandler handler);

    /**
     * Starts a dispatcher like {@link #start(TaskHandler)}, but with another store for its streams. Returns null if the dispatcher cannot
     * use another store, which is the default; the tests that need one are then skipped.
     */
    protected @Nullable TaskDispatcher start(TaskHandler handler, EventStore store) {
        return null;
    }

    /**
     * Returns whether a task has always ended when {@link TaskDispatcher#cancel} returns. Returns false by default, for dispatchers whose
     * workers run in other processes: there a task may still complete after the call.
     */
    protected boolean cancelsAtOnce() {
        return false;
    }

    /**
     * Returns whether the dispatcher supports {@link TaskDispatcher#latestLike}; true by default. If false, the test of that method is
     * skipped.
     */
    protected boolean findsLatestLike() {
        return true;
    }

    /** Returns the store that keeps the streams of the dispatcher's tasks. */
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
