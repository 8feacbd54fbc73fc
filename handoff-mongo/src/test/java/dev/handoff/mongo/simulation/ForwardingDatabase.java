// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.Position;
import dev.handoff.mongo.database.TailFetch;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/** A database that passes each operation on to another one. */
class ForwardingDatabase implements Database {

    private final Database database;

    ForwardingDatabase(Database database) {
        this.database = database;
    }

    @Override
    public List<InsertOutcome> insert(List<EventBatch> batches) {
        return database.insert(batches);
    }

    @Override
    public Map<Position, ObjectId> holders(Collection<Position> positions) {
        return database.holders(positions);
    }

    @Override
    public Optional<EventBatch> last(String stream) {
        return database.last(stream);
    }

    @Override
    public Optional<EventBatch> lastBefore(String stream, long position) {
        return database.lastBefore(stream, position);
    }

    @Override
    public List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes) {
        return database.read(stream, from, maxEvents, maxBytes);
    }

    @Override
    public TailFetch tails(Map<String, Long> from, long maxBytes) {
        return database.tails(from, maxBytes);
    }

    @Override
    public long fences(String stream) {
        return database.fences(stream);
    }

    @Override
    public InsertOutcome insertTask(TaskRecord task) {
        return database.insertTask(task);
    }

    @Override
    public Optional<TaskRecord> task(String id) {
        return database.task(id);
    }

    @Override
    public Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within) {
        return database.latestLike(fingerprint, subject, within);
    }

    @Override
    public long queuedBefore(Instant created, int limit) {
        return database.queuedBefore(created, limit);
    }

    @Override
    public Map<String, Long> queueLengths(Collection<String> types, int limit) {
        return database.queueLengths(types, limit);
    }

    @Override
    public Optional<HeldTask> requestCancel(String id) {
        return database.requestCancel(id);
    }

    @Override
    public Optional<TaskRecord> claim(Collection<String> types, String owner) {
        return database.claim(types, owner);
    }

    @Override
    public Optional<TaskRecord> take(HeldTask task, String owner) {
        return database.take(task, owner);
    }

    @Override
    public boolean requeue(String id, int epoch, boolean attempted) {
        return database.requeue(id, epoch, attempted);
    }

    @Override
    public boolean finish(String id, int epoch, TaskStatus.State state) {
        return database.finish(id, epoch, state);
    }

    @Override
    public List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
        return database.runningExceptOf(owners, limit);
    }

    @Override
    public List<HeldTask> runningOf(String owner, int limit) {
        return database.runningOf(owner, limit);
    }

    @Override
    public void recordReaders(Collection<String> ids) {
        database.recordReaders(ids);
    }

    @Override
    public List<String> unread(Duration time, int limit) {
        return database.unread(time, limit);
    }

    @Override
    public List<HeldTask> queuedLongerThan(Duration time, int limit) {
        return database.queuedLongerThan(time, limit);
    }

    @Override
    public void beat(String worker) {
        database.beat(worker);
    }

    @Override
    public Map<String, Long> beats() {
        return database.beats();
    }

    @Override
    public void forget(String worker, long beat) {
        database.forget(worker, beat);
    }

    @Override
    public void deleteExpired() {
        database.deleteExpired();
    }
}
