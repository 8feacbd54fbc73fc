// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import static java.util.Comparator.comparing;

import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.task.TaskStatus.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What a server does with operations on tasks and workers. All writes wait for a majority. */
final class TaskOperations {

    private TaskOperations() {}

    private static <T> RemoteCall.Answer<T> written(Replica server, Documents.Change change, T value) {
        return new RemoteCall.Answer<>(value, server.append(List.of(change)), null);
    }

    /** A write that has changed nothing waits for a majority of what the server has. */
    private static <T> RemoteCall.Answer<T> unchanged(Replica server, T value) {
        return new RemoteCall.Answer<>(value, server.length(), null);
    }

    static RemoteCall.Answer<InsertOutcome> insert(Replica server, TaskRecord task, long now) {
        if (server.local().task(task.id()) != null) {
            return RemoteCall.Answer.now(new InsertOutcome(InsertOutcome.Kind.DUPLICATE, "11000: duplicate key"));
        }
        TaskRecord stored = new TaskRecord(
                task.id(),
                task.type(),
                task.payload(),
                task.fingerprint(),
                task.attributes(),
                task.subject(),
                task.key(),
                task.format(),
                task.background(),
                State.QUEUED,
                0,
                0,
                false,
                Instant.ofEpochMilli(now),
                null,
                null);
        return written(
                server,
                new Documents.PutTask(new Documents.TaskDocument(stored, null, null, now, null)),
                InsertOutcome.STORED);
    }

    static Optional<TaskRecord> latestLike(
            Documents documents, String fingerprint, @Nullable String subject, long oldest) {
        return documents
                .tasks(t -> t.task().fingerprint().equals(fingerprint)
                        && Objects.equals(t.task().subject(), subject)
                        && t.task().created().toEpochMilli() >= oldest)
                .max(comparing(t -> t.task().created()))
                .map(Documents.TaskDocument::withoutPayload);
    }

    static Map<String, Long> queueLengths(Documents documents, Collection<String> types, int limit) {
        Map<String, Long> lengths = new TreeMap<>();
        types.forEach(type -> lengths.put(
                type,
                documents
                        .tasks(t -> t.isIn(State.QUEUED) && t.task().type().equals(type))
                        .limit(limit)
                        .count()));
        return lengths;
    }

    static RemoteCall.Answer<Optional<HeldTask>> requestCancel(Replica server, String id) {
        Documents.TaskDocument found = server.local().task(id);
        if (found == null || !found.isOpen()) {
            return unchanged(server, Optional.empty());
        }
        TaskRecord task = found.task();
        TaskRecord marked = found.with(
                task.payload(), task.state(), task.epoch(), task.attempts(), true, task.started(), task.ended());
        return written(
                server,
                new Documents.PutTask(new Documents.TaskDocument(
                        marked, found.owner(), found.lease(), found.attended(), found.expireAt())),
                Optional.of(found.held()));
    }

    static RemoteCall.Answer<Optional<TaskRecord>> claim(
            Replica server, Collection<String> types, String owner, long now) {
        Optional<Documents.TaskDocument> oldest = server.local()
                .tasks(t -> t.isIn(State.QUEUED) && types.contains(t.task().type()))
                .min(comparing(t -> t.task().created()));
        if (oldest.isEmpty()) {
            return unchanged(server, Optional.empty());
        }
        Documents.TaskDocument found = oldest.get();
        TaskRecord task = found.task();
        TaskRecord claimed = found.with(
                task.payload(),
                State.RUNNING,
                task.epoch() + 1,
                task.attempts() + 1,
                task.cancel(),
                Instant.ofEpochMilli(now),
                task.ended());
        // The answer shows the document as it was before, but for the epoch and the state.
        TaskRecord answer = found.with(
                task.payload(),
                State.RUNNING,
                task.epoch() + 1,
                task.attempts(),
                task.cancel(),
                task.started(),
                task.ended());
        return written(server, put(found, claimed, owner), Optional.of(answer));
    }

    private static Documents.Change put(Documents.TaskDocument before, TaskRecord after, @Nullable String owner) {
        return new Documents.PutTask(
                new Documents.TaskDocument(after, owner, null, before.attended(), before.expireAt()));
    }

    static RemoteCall.Answer<Optional<TaskRecord>> take(Replica server, HeldTask task, String owner) {
        Documents.TaskDocument found = server.local().task(task.id());
        if (found == null
                || !found.isIn(task.state())
                || found.task().epoch() != task.epoch()
                || !Objects.equals(found.owner(), task.owner())
                || !Objects.equals(found.lease(), task.lease())) {
            return unchanged(server, Optional.empty());
        }
        TaskRecord before = found.task();
        TaskRecord taken = found.with(
                before.payload(),
                State.RUNNING,
                before.epoch() + 1,
                before.attempts(),
                before.cancel(),
                before.started(),
                before.ended());
        Documents.TaskDocument after =
                new Documents.TaskDocument(taken, owner, null, found.attended(), found.expireAt());
        return written(server, new Documents.PutTask(after), Optional.of(after.withoutPayload()));
    }

    private static boolean isHeld(Documents.@Nullable TaskDocument found, int epoch) {
        return found != null && found.isIn(State.RUNNING) && found.task().epoch() == epoch;
    }

    static RemoteCall.Answer<Boolean> requeue(Replica server, String id, int epoch, boolean attempted) {
        Documents.TaskDocument found = server.local().task(id);
        if (found == null || !isHeld(found, epoch)) {
            return unchanged(server, false);
        }
        TaskRecord task = found.task();
        TaskRecord queued = found.with(
                task.payload(),
                State.QUEUED,
                epoch,
                task.attempts() - (attempted ? 0 : 1),
                task.cancel(),
                task.started(),
                task.ended());
        return written(server, put(found, queued, null), true);
    }

    static RemoteCall.Answer<Boolean> finish(
            Replica server, String id, int epoch, State state, long now, long expireAt) {
        Documents.TaskDocument found = server.local().task(id);
        if (found == null || !isHeld(found, epoch)) {
            return unchanged(server, false);
        }
        TaskRecord task = found.task();
        TaskRecord ended =
                found.with("", state, epoch, task.attempts(), task.cancel(), task.started(), Instant.ofEpochMilli(now));
        return written(
                server,
                new Documents.PutTask(
                        new Documents.TaskDocument(ended, found.owner(), null, found.attended(), expireAt)),
                true);
    }

    static List<HeldTask> runningExceptOf(Documents documents, Collection<String> owners, int limit) {
        return documents
                .tasks(t -> t.isIn(State.RUNNING) && !owners.contains(String.valueOf(t.owner())))
                .sorted(comparing(t -> String.valueOf(t.owner())))
                .limit(limit)
                .map(Documents.TaskDocument::held)
                .toList();
    }

    static List<HeldTask> runningOf(Documents documents, String owner, int limit) {
        return documents
                .tasks(t -> t.isIn(State.RUNNING) && owner.equals(t.owner()))
                .limit(limit)
                .map(Documents.TaskDocument::held)
                .toList();
    }

    static RemoteCall.Answer<Boolean> recordReaders(Replica server, Collection<String> ids, long now) {
        List<Documents.Change> changes = new ArrayList<>();
        for (String id : ids) {
            Documents.TaskDocument found = server.local().task(id);
            if (found != null && !found.task().background()) {
                changes.add(new Documents.PutTask(
                        new Documents.TaskDocument(found.task(), found.owner(), found.lease(), now, found.expireAt())));
            }
        }
        return delete(server, changes);
    }

    static List<String> unread(Documents documents, long before, int limit) {
        return documents
                .tasks(t -> t.isOpen() && !t.task().background() && !t.task().cancel() && t.attended() < before)
                .limit(limit)
                .map(t -> t.task().id())
                .toList();
    }

    static List<HeldTask> queuedBefore(Documents documents, long before, int limit) {
        return documents
                .tasks(t -> t.isIn(State.QUEUED) && t.task().created().toEpochMilli() < before)
                .sorted(comparing(t -> t.task().created()))
                .limit(limit)
                .map(Documents.TaskDocument::held)
                .toList();
    }

    static RemoteCall.Answer<Boolean> beat(Replica server, String worker, long expireAt) {
        Documents.WorkerDocument found = server.local().workers().get(worker);
        long beat = found == null ? 1 : found.beat() + 1;
        return written(server, new Documents.PutWorker(worker, new Documents.WorkerDocument(beat, expireAt)), true);
    }

    static Map<String, Long> beats(Documents documents) {
        Map<String, Long> beats = new TreeMap<>();
        documents.workers().forEach((id, worker) -> beats.put(id, worker.beat()));
        return beats;
    }

    static RemoteCall.Answer<Boolean> forget(Replica server, String worker, long beat) {
        Documents.WorkerDocument found = server.local().workers().get(worker);
        return found == null || found.beat() != beat
                ? unchanged(server, false)
                : written(server, new Documents.DeleteWorker(worker), true);
    }

    /** Makes some changes at once, deletions among them. */
    static RemoteCall.Answer<Boolean> delete(Replica server, List<Documents.Change> changes) {
        return changes.isEmpty()
                ? unchanged(server, true)
                : new RemoteCall.Answer<>(true, server.append(List.copyOf(changes)), null);
    }
}
