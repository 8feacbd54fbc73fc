// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static dev.handoff.mongo.database.DriverCalls.call;

import com.mongodb.MongoCommandException;
import com.mongodb.MongoWriteException;
import com.mongodb.client.model.CountOptions;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.FindOneAndUpdateOptions;
import com.mongodb.client.model.Projections;
import com.mongodb.client.model.ReturnDocument;
import com.mongodb.client.model.Sorts;
import com.mongodb.client.model.Updates;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bson.BSONException;
import org.bson.Document;
import org.bson.conversions.Bson;
import org.jspecify.annotations.Nullable;

/** Implements the operations on the collection of tasks. Thread-safe. */
final class TaskOperations {

    /**
     * The time that is added to the retention of a task. A task must be kept longer than its events, and the TTL indexes of two collections
     * can delete minutes apart.
     */
    private static final Duration TASKS_OUTLIVE_EVENTS = Duration.ofHours(1);

    private static final int NOT_IMPLEMENTED = 238;

    private static final Bson HELD = Projections.include("state", "epoch", "worker", "cancel", "leaseUntil");
    private static final Bson WITHOUT_PAYLOAD = Projections.exclude("payload", "attributes");

    private final MongoCollections collections;
    private final ServerTime time;
    private final RequiredIndex indexes;
    private final Duration retention;
    private volatile boolean updateReturnsFields = true;

    /**
     * Creates the operations on the tasks of these collections.
     *
     * @param retention the shortest time for which a task is kept after its end
     */
    TaskOperations(MongoCollections collections, ServerTime time, RequiredIndex indexes, Duration retention) {
        this.collections = collections;
        this.time = time;
        this.indexes = indexes;
        this.retention = retention;
    }

    InsertOutcome insertTask(TaskRecord task) {
        return call(() -> {
            indexes.require();
            try {
                collections.tasks().insertOne(TaskDocuments.queued(task, time.now()));
                return InsertOutcome.STORED;
            } catch (BSONException e) {
                return InsertOutcome.unencodable(e);
            } catch (MongoWriteException e) {
                return InsertOutcome.of(e.getError());
            }
        });
    }

    Optional<TaskRecord> task(String id) {
        return call(() -> Optional.ofNullable(collections
                        .tasks()
                        .find(Filters.eq(id))
                        .projection(WITHOUT_PAYLOAD)
                        .first())
                .map(TaskDocuments::record));
    }

    Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within) {
        return call(() -> Optional.ofNullable(collections
                        .tasks()
                        .find(Filters.and(
                                Filters.eq("fingerprint", fingerprint),
                                Filters.gte("created", before(within)),
                                // In MongoDB a filter on null also matches a document without the field.
                                Filters.eq("subject", subject)))
                        .sort(Sorts.descending("created"))
                        .projection(WITHOUT_PAYLOAD)
                        .limit(1)
                        .first())
                .map(TaskDocuments::record));
    }

    long queuedBefore(Instant created, int limit) {
        return call(() -> collections
                .tasks()
                .countDocuments(
                        Filters.and(Filters.eq("state", "queued"), Filters.lt("created", Date.from(created))),
                        new CountOptions().limit(limit)));
    }

    Map<String, Long> queueLengths(Collection<String> types, int limit) {
        return call(() -> {
            Map<String, Long> lengths = new HashMap<>();
            for (String type : types) {
                lengths.put(
                        type,
                        collections
                                .tasks()
                                .countDocuments(
                                        Filters.and(Filters.eq("state", "queued"), Filters.eq("type", type)),
                                        new CountOptions().limit(limit)));
            }
            return lengths;
        });
    }

    Optional<HeldTask> requestCancel(String id) {
        return call(() -> Optional.ofNullable(update(
                        Filters.and(Filters.eq(id), Filters.in("state", "queued", "running")),
                        Updates.set("cancel", true),
                        HELD))
                .map(TaskDocuments::held));
    }

    Optional<TaskRecord> claim(Collection<String> types, String owner) {
        return call(() -> {
            Date now = Date.from(time.now());
            Document before = collections
                    .tasks()
                    .findOneAndUpdate(
                            Filters.and(Filters.eq("state", "queued"), Filters.in("type", types)),
                            Updates.combine(ownedBy(owner), Updates.inc("attempts", 1), Updates.set("started", now)),
                            // Returns the document from before the update, because the database of the tests returns
                            // its live document. With AFTER, two callers could read the same epoch from it.
                            new FindOneAndUpdateOptions()
                                    .sort(Sorts.ascending("created"))
                                    .returnDocument(ReturnDocument.BEFORE));
            return taken(before == null ? null : before.append("started", now));
        });
    }

    Optional<TaskRecord> take(HeldTask task, String owner) {
        return call(() -> taken(update(
                Filters.and(
                        Filters.eq(task.id()),
                        Filters.eq("state", TaskDocuments.name(task.state())),
                        Filters.eq("epoch", task.epoch()),
                        Filters.eq("worker", task.owner()),
                        Filters.eq("leaseUntil", task.lease() == null ? null : new Date(task.lease()))),
                ownedBy(owner),
                WITHOUT_PAYLOAD)));
    }

    /** Updates a task and returns the values that these fields had before. */
    private @Nullable Document update(Bson filter, Bson update, Bson fields) {
        FindOneAndUpdateOptions options = new FindOneAndUpdateOptions().returnDocument(ReturnDocument.BEFORE);
        if (updateReturnsFields) {
            try {
                return collections.tasks().findOneAndUpdate(filter, update, options.projection(fields));
            } catch (MongoCommandException e) {
                if (e.getErrorCode() != NOT_IMPLEMENTED) {
                    throw e;
                }
                // FerretDB 1 cannot return selected fields and has not applied the update, so this repeats it and
                // returns the whole document.
                updateReturnsFields = false;
            }
        }
        return collections.tasks().findOneAndUpdate(filter, update, options.projection(null));
    }

    private static Bson ownedBy(String owner) {
        return Updates.combine(
                Updates.inc("epoch", 1),
                Updates.set("state", "running"),
                Updates.set("worker", owner),
                Updates.unset("leaseUntil"));
    }

    private static Optional<TaskRecord> taken(@Nullable Document before) {
        return Optional.ofNullable(before)
                .map(b -> TaskDocuments.record(
                        b.append("epoch", b.getInteger("epoch") + 1).append("state", "running")));
    }

    boolean requeue(String id, int epoch, boolean attempted) {
        return call(() -> collections
                        .tasks()
                        .updateOne(
                                Filters.and(Filters.eq(id), Filters.eq("epoch", epoch), Filters.eq("state", "running")),
                                Updates.combine(
                                        Updates.set("state", "queued"),
                                        Updates.inc("attempts", attempted ? 0 : -1),
                                        Updates.unset("worker"),
                                        Updates.unset("leaseUntil")))
                        .getMatchedCount()
                == 1);
    }

    boolean finish(String id, int epoch, TaskStatus.State state) {
        return call(() -> {
            Instant now = time.now();
            Instant expireAt = now.plus(retention).plus(TASKS_OUTLIVE_EVENTS);
            return collections
                            .tasks()
                            .updateOne(
                                    Filters.and(
                                            Filters.eq(id), Filters.eq("epoch", epoch), Filters.eq("state", "running")),
                                    Updates.combine(
                                            Updates.set("state", TaskDocuments.name(state)),
                                            Updates.set("ended", Date.from(now)),
                                            Updates.set("expireAt", Date.from(expireAt)),
                                            Updates.unset("payload"),
                                            Updates.unset("leaseUntil")))
                            .getMatchedCount()
                    == 1;
        });
    }

    List<HeldTask> runningExceptOf(Collection<String> owners, int limit) {
        return held(
                Filters.and(Filters.eq("state", "running"), Filters.nin("worker", owners)),
                Sorts.ascending("worker", "_id"),
                limit);
    }

    List<HeldTask> runningOf(String owner, int limit) {
        return held(
                Filters.and(Filters.eq("state", "running"), Filters.eq("worker", owner)),
                Sorts.ascending("_id"),
                limit);
    }

    private List<HeldTask> held(Bson filter, Bson sort, int limit) {
        return call(() ->
                collections
                        .tasks()
                        .find(filter)
                        .projection(HELD)
                        .sort(sort)
                        .limit(limit)
                        .into(new ArrayList<>())
                        .stream()
                        .map(TaskDocuments::held)
                        .toList());
    }

    void recordReaders(Collection<String> ids) {
        // A task in the background has no such field, so that readers which come and go do not lead to its
        // cancellation.
        call(() -> collections
                .tasks()
                .updateMany(
                        Filters.and(Filters.in("_id", ids), Filters.exists("attended")),
                        Updates.set("attended", Date.from(time.now()))));
    }

    List<String> unread(Duration duration, int limit) {
        return call(() -> collections
                .tasks()
                .find(Filters.and(
                        Filters.in("state", "queued", "running"),
                        Filters.ne("cancel", true),
                        Filters.lt("attended", before(duration))))
                .projection(Projections.include("_id"))
                .limit(limit)
                .map(d -> d.getString("_id"))
                .into(new ArrayList<>()));
    }

    List<HeldTask> queuedLongerThan(Duration duration, int limit) {
        return call(() -> held(
                Filters.and(Filters.eq("state", "queued"), Filters.lt("created", before(duration))),
                Sorts.ascending("created"),
                limit));
    }

    private Date before(Duration duration) {
        return Date.from(time.now().minus(duration));
    }
}
