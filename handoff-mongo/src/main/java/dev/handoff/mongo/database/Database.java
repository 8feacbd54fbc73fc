// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/**
 * Defines the operations on the database that the store, the queue and the workers use.
 *
 * <p>Each method blocks until the database answers or the time limit of the operation is over. A method that fails throws a {@link
 * DatabaseException}. If {@link DatabaseException#refused} returns true, the operation changed nothing. Otherwise its outcome is unknown:
 * the database may have applied it, or may still apply it. Reads return only data that a majority of the servers has stored, unless the
 * application sets another read concern. All times are times of the server. Callers must not hold a lock during a call.
 *
 * <p>Thread-safe.
 */
public interface Database {

    // Events

    /**
     * Inserts each batch separately and returns the outcomes in the same order. The outcome is {@code DUPLICATE} if the id or the (stream,
     * position) of the batch exists.
     */
    List<InsertOutcome> insert(List<EventBatch> batches);

    /**
     * Returns the id of the batch that begins at each of these positions. The map has no entry for a position at which no batch begins, or
     * whose batch a majority has not stored yet.
     */
    Map<Position, ObjectId> holders(Collection<Position> positions);

    /** Returns the batch with the highest position; empty if the stream has none. */
    Optional<EventBatch> last(String stream);

    /**
     * Returns the last batch like {@link #last}, but only after a majority has confirmed that the server is the primary. Until then a new
     * primary can return an older state than its predecessor. Costs a write.
     */
    default Optional<EventBatch> confirmedLast(String stream) {
        return last(stream);
    }

    /** Returns the last batch that begins before a position; empty if there is none. */
    Optional<EventBatch> lastBefore(String stream, long position);

    /**
     * Returns batches that begin at a position or later, in order. Stops after the batch with which they hold more than {@code maxEvents}
     * events, or at least {@code maxBytes}. Returns at least one batch unless there is none.
     */
    List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes);

    /**
     * Returns the batches of several streams that begin at a position or later, ordered by stream and position.
     *
     * @param from the first position to return, for each stream
     * @param maxBytes the answer ends after the batch that reaches this many bytes
     */
    TailFetch tails(Map<String, Long> from, long maxBytes);

    /** Returns how many fences a stream has. */
    long fences(String stream);

    // Tasks

    /** Inserts a task in the state queued. Ignores the times, the epoch and the attempts of the record. */
    InsertOutcome insertTask(TaskRecord task);

    /** Returns a task without its payload and attributes; empty if it is unknown. */
    Optional<TaskRecord> task(String id);

    /**
     * Returns the latest task with this fingerprint and subject that was created at most a time ago, without payload and attributes; empty
     * if there is none.
     */
    Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within);

    /** Returns how many queued tasks were created before a time, at most {@code limit}. */
    long queuedBefore(Instant created, int limit);

    /** Returns how many tasks of each type are queued, at most {@code limit} of each. */
    Map<String, Long> queueLengths(Collection<String> types, int limit);

    /** Marks a task for cancellation, unless it has ended. Returns its value from before; empty if it has ended or is unknown. */
    Optional<HeldTask> requestCancel(String id);

    /**
     * Gives the oldest queued task of these types to an owner, and raises its epoch and its attempts by one. Returns it with its payload
     * and its new epoch; empty if no such task is queued.
     */
    Optional<TaskRecord> claim(Collection<String> types, String owner);

    /**
     * Gives a task to an owner and raises its epoch by one, if it still has this value. Returns it with its new epoch, without payload and
     * attributes; empty if it has another value.
     */
    Optional<TaskRecord> take(HeldTask task, String owner);

    /**
     * Queues a running task again, if it still has this epoch. Returns whether it did.
     *
     * @param attempted whether the run counts as an attempt
     */
    boolean requeue(String id, int epoch, boolean attempted);

    /** Sets the final state of a task, if it still has this epoch and has not ended, and drops its payload. Returns whether it did. */
    boolean finish(String id, int epoch, TaskStatus.State state);

    /** Returns running tasks whose owner is not one of these, ordered by owner and id, at most {@code limit}. */
    List<HeldTask> runningExceptOf(Collection<String> owners, int limit);

    /** Returns the running tasks of an owner, at most {@code limit}. */
    List<HeldTask> runningOf(String owner, int limit);

    /** Records that these tasks have readers now. */
    void recordReaders(Collection<String> ids);

    /**
     * Returns the ids of queued and running tasks that are not marked for cancellation and have had no reader for a time, at most {@code
     * limit}.
     */
    List<String> unread(Duration time, int limit);

    /** Returns tasks that have been queued for longer than a time, at most {@code limit}. */
    List<HeldTask> queuedLongerThan(Duration time, int limit);

    // Workers

    /** Increments the beat of a worker, or creates it. */
    void beat(String worker);

    /**
     * Returns the beat of each worker. Fails if the server that answers is not the primary of a majority. No worker could write its beat to
     * such a server, although other reads from it succeed.
     */
    Map<String, Long> beats();

    /** Deletes the beat of a worker, if it still has this value. */
    void forget(String worker, long beat);

    // Retention

    /** Deletes expired events and then expired tasks that the database has not deleted itself. */
    void deleteExpired();
}
