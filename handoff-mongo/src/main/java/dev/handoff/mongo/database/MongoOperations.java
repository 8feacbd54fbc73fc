// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.ReadPreference;
import com.mongodb.client.MongoDatabase;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/** Implements {@link Database} with the driver of MongoDB. Thread-safe. */
public final class MongoOperations implements Database {

    /** The collection of events. */
    public static final String EVENTS = "handoff_events";
    /** The collection of tasks. */
    public static final String TASKS = "handoff_tasks";
    /** The collection of workers. */
    public static final String WORKERS = "handoff_workers";

    private final MongoCollections collections;
    private final DatabaseSettings settings;
    private final ServerTime time;
    private final EventOperations events;
    private final TaskOperations tasks;
    private final WorkerOperations workers;

    /**
     * Creates the operations. Does not block and does not connect; the first operation connects.
     *
     * @throws IllegalArgumentException if the write concern of events is {@code w=0}, with which the server acknowledges no writes
     */
    public MongoOperations(MongoDatabase database, DatabaseSettings settings) {
        MongoDatabase limited = database.withTimeout(settings.timeout().toMillis(), TimeUnit.MILLISECONDS)
                .withReadPreference(ReadPreference.primary());
        RequiredIndex indexes = new RequiredIndex(limited);
        this.settings = settings;
        this.time = new ServerTime(limited, settings.ticker());
        this.collections = new MongoCollections(limited, settings, time);
        this.events = new EventOperations(collections, time, indexes, settings);
        this.tasks = new TaskOperations(collections, time, indexes, settings.taskRetention());
        this.workers = new WorkerOperations(collections, time, indexes);
    }

    // Events

    @Override
    public List<InsertOutcome> insert(List<EventBatch> batches) {
        return events.insert(batches);
    }

    @Override
    public Map<Position, ObjectId> holders(Collection<Position> positions) {
        return events.holders(positions);
    }

    @Override
    public Optional<EventBatch> last(String stream) {
        return events.last(stream);
    }

    @Override
    public Optional<EventBatch> confirmedLast(String stream) {
        return events.confirmedLast(stream);
    }

    @Override
    public Optional<EventBatch> lastBefore(String stream, long position) {
        return events.lastBefore(stream, position);
    }

    @Override
    public List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes) {
        return events.read(stream, from, maxEvents, maxBytes);
    }

    @Override
    public TailFetch tails(Map<String, Long> from, long maxBytes) {
        return events.tails(from, maxBytes);
    }

    @Override
    public long fences(String stream) {
        return events.fences(stream);
    }

    // Tasks

    @Override
    public InsertOutcome insertTask(TaskRecord task) {
        return tasks.insertTask(task);
    }

    @Override
    public Optional<TaskRecord> task(String id) {
        return tasks.task(id);
    }

    @Override
    public Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within) {
        return tasks.latestLike(fingerprint, subject, within);
    }

    @Override
    public long queuedBefore(Instant created, int limit) {
        return tasks.queuedBefore(created, limit);
    }

    @Override
    public Map<String, Long> queueLengths(Collection<String> types, int limit) {
        return tasks.queueLengths(types, limit);
    }

    @Override
    public Optional<HeldTask> requestCancel(String id) {
        return tasks.requestCancel(id);
    }

    @Override
    public Optional<TaskRecord> claim(Collection<String> types, String owner) {
        return tasks.claim(types, owner);
    }

    @Override
    public Optional<TaskRecord> take(HeldTask task, String owner) {
        return tasks.take(task, owner);
    }

    @Override
    public boolean requeue(String id, int epoch, boolean attempted) {
        return tasks.requeue(id, epoch, attempted);
    }

    @Override
    public boolean finish(String id, int epoch, TaskStatus.State state) {
        return tasks.finish(id, epoch, state);
    }

    @Override
    public List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
        return tasks.runningExceptOf(owners, limit);
    }

    @Override
    public List<HeldTask> runningOf(String owner, int limit) {
        return tasks.runningOf(owner, limit);
    }

    @Override
    public void recordReaders(Collection<String> ids) {
        tasks.recordReaders(ids);
    }

    @Override
    public List<String> unread(Duration duration, int limit) {
        return tasks.unread(duration, limit);
    }

    @Override
    public List<HeldTask> queuedLongerThan(Duration duration, int limit) {
        return tasks.queuedLongerThan(duration, limit);
    }

    // Workers

    @Override
    public void beat(String worker) {
        workers.beat(worker);
    }

    @Override
    public Map<String, Long> beats() {
        return workers.beats();
    }

    @Override
    public void forget(String worker, long beat) {
        workers.forget(worker, beat);
    }

    // Retention

    @Override
    public void deleteExpired() {
        DriverCalls.call(() -> {
            Instant now = time.now();
            Expiry expiry = new Expiry(now, settings.timeout(), settings.ticker());
            // A task must be kept longer than its events.
            if (expiry.delete(collections.events())) {
                expiry.delete(collections.tasks());
            }
            expiry.delete(collections.workers());
            return null;
        });
    }
}
