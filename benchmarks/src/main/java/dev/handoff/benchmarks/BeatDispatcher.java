// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** Runs all tasks on the beat of this process, so that no stream needs a thread. */
final class BeatDispatcher implements TaskDispatcher {

    private final EventStore store;
    private final Beat beat;
    private final ConcurrentMap<String, Instant> running = new ConcurrentHashMap<>();

    BeatDispatcher(EventStore store, Beat beat) {
        this.store = store;
        this.beat = beat;
    }

    @Override
    public TaskStatus dispatch(Task task) {
        Storm storm = Storm.parse(task.payload());
        running.put(task.id(), Instant.now());
        EventAppender appender = store.appender(task.id(), 1);
        beat.add(storm, new Beat.Sink() {
            @Override
            public void emit(String data) {
                appender.append(null, data);
            }

            @Override
            public void end() {
                running.remove(task.id());
                appender.end(End.completed(null));
            }
        });
        return status(task.id()).orElseThrow();
    }

    /**
     * Returns a status for every id, because this keeps no record of ended tasks. A client that has a token got it from a task that
     * existed.
     */
    @Override
    public Optional<TaskStatus> status(String taskId) {
        Instant created = running.get(taskId);
        TaskStatus.State state = created == null ? TaskStatus.State.COMPLETED : TaskStatus.State.RUNNING;
        Instant since = created == null ? Instant.EPOCH : created;
        return Optional.of(TaskStatus.of(taskId, "standard", state, since)
                .withStarted(since)
                .withEnded(created == null ? since : null));
    }

    @Override
    public boolean cancel(String taskId) {
        return false;
    }
}
