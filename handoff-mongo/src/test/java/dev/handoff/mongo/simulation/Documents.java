// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.task.TaskStatus;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The documents of the three collections, as one server shows them in one view. */
final class Documents {

    /** A batch of events. Times are those of a server, in milliseconds. */
    record EventDocument(EventBatch batch, long expireAt) {}

    /** A task. Times are those of a server, in milliseconds. */
    record TaskDocument(
            TaskRecord task,
            @Nullable String owner,
            @Nullable Long lease,
            long attended,
            @Nullable Long expireAt) {

        boolean isIn(TaskStatus.State state) {
            return task.state() == state;
        }

        boolean isOpen() {
            return !task.state().isFinal();
        }

        HeldTask held() {
            return new HeldTask(task.id(), task.state(), task.epoch(), owner, task.cancel(), lease);
        }

        /** Returns the task without its payload and attributes. */
        TaskRecord withoutPayload() {
            return new TaskRecord(
                    task.id(),
                    task.type(),
                    "",
                    task.fingerprint(),
                    Map.of(),
                    task.subject(),
                    task.key(),
                    task.format(),
                    task.background(),
                    task.state(),
                    task.epoch(),
                    task.attempts(),
                    task.cancel(),
                    task.created(),
                    task.started(),
                    task.ended());
        }

        TaskRecord with(
                String payload,
                TaskStatus.State state,
                int epoch,
                int attempts,
                boolean cancel,
                @Nullable Instant started,
                @Nullable Instant ended) {
            return new TaskRecord(
                    task.id(),
                    task.type(),
                    payload,
                    task.fingerprint(),
                    task.attributes(),
                    task.subject(),
                    task.key(),
                    task.format(),
                    task.background(),
                    state,
                    epoch,
                    attempts,
                    cancel,
                    task.created(),
                    started,
                    ended);
        }
    }

    /** The beat of a worker. */
    record WorkerDocument(long beat, long expireAt) {}

    /** A change of one document. Applying it again changes nothing. */
    sealed interface Change {}

    record PutEvents(EventDocument document) implements Change {}

    record DeleteEvents(String stream, long seq) implements Change {}

    record PutTask(TaskDocument document) implements Change {}

    record DeleteTask(String id) implements Change {}

    record PutWorker(String id, WorkerDocument document) implements Change {}

    record DeleteWorker(String id) implements Change {}

    private final Map<String, TreeMap<Long, EventDocument>> events = new HashMap<>();
    private final TreeMap<String, TaskDocument> tasks = new TreeMap<>();
    private final TreeMap<String, WorkerDocument> workers = new TreeMap<>();

    void apply(Change change) {
        if (change instanceof PutEvents put) {
            EventBatch batch = put.document.batch();
            events.computeIfAbsent(batch.stream(), s -> new TreeMap<>()).put(batch.seq(), put.document);
        } else if (change instanceof DeleteEvents delete) {
            TreeMap<Long, EventDocument> stream = events.get(delete.stream);
            if (stream != null) {
                stream.remove(delete.seq);
                if (stream.isEmpty()) {
                    events.remove(delete.stream);
                }
            }
        } else if (change instanceof PutTask put) {
            tasks.put(put.document.task().id(), put.document);
        } else if (change instanceof DeleteTask delete) {
            tasks.remove(delete.id);
        } else if (change instanceof PutWorker put) {
            workers.put(put.id, put.document);
        } else if (change instanceof DeleteWorker delete) {
            workers.remove(delete.id);
        }
    }

    /** Returns the documents of a stream by their positions. */
    NavigableMap<Long, EventDocument> stream(String id) {
        TreeMap<Long, EventDocument> stream = events.get(id);
        return stream == null ? Collections.emptyNavigableMap() : stream;
    }

    Map<String, TreeMap<Long, EventDocument>> streams() {
        return events;
    }

    @Nullable
    TaskDocument task(String id) {
        return tasks.get(id);
    }

    /** Returns the tasks for which this holds, in the order of their ids. */
    Stream<TaskDocument> tasks(Predicate<TaskDocument> filter) {
        return tasks.values().stream().filter(filter);
    }

    NavigableMap<String, WorkerDocument> workers() {
        return workers;
    }
}
