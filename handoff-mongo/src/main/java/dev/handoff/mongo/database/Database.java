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
 * application sets another read concern. All times come from the clock of the server. Callers must not hold a lock during a call.
 *
 * <p>Thread-safe.
 */
public interface Database {

    // Events

    /**
     * Inserts each batch separately and returns the outcomes in the same order. The outcome is {@code DUPLICATE} if a batch with the same
     * id, or with the same stream and position, exists already.
     */
    List<InsertOutcome> insert(List<EventBatch> batches);

    /**
     * Returns the id of the batch that begins at each of these positions. A position is missing from the map if no batch begins there, or
     * if a majority of the servers has not stored that batch yet.
     */
    Map<Position, ObjectId> holders(Collection<Position> positions);

    /** Returns the batch with the highest position; empty if the stream has none. */
    Optional<EventBatch> last(String stream);

    /**
     * Returns the last batch like {@link #last}, but only after a majority has confirmed that the server is the primary. An unconfirmed
     * primary can return an older state than the primary before it returned. The confirmation costs a write. By default this only calls
     * {@link #last}.
     */
    default Optional<EventBatch> confirmedLast(String stream) {
        return last(stream);
    }

    /** Returns the last batch that begins before a position; empty if there is none. */
    Optional<EventBatch> lastBefore(String stream, long position);

    /**
     * Returns batches that begin at a position or later, in order. The last batch is the one with which the answer holds more than {@code
     * maxEvents} events or at least {@code maxBytes} bytes. The answer is empty only if the stream has no such batch.
     */
    List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes);

    /**
     * Returns the batches of several streams that begin at a position or later, ordered by stream and position.
     *
     * @param from the first position to return, for each stream
     * @param maxBytes the answer ends after the batch with which it holds at least this many bytes
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
     * Returns the latest task with this fingerprint and subject that was created within the given time before now, without payload and
     * attributes; empty if there is none.
     */
    Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within);

    /** Returns how many queued tasks were created before a time, at most {@code limit}. */
    long queuedBefore(Instant created, int limit);

    /** Returns how many tasks of each type are queued, at most {@code limit} of each. */
    Map<String, Long> queueLengths(Collection<String> types, int limit);

    /** Marks a task for cancellation, unless it has ended. Returns the task as it was before; empty if it has ended or is unknown. */
    Optional<HeldTask> requestCancel(String id);

    /**
     * Gives the oldest queued task of these types to an owner, and raises the epoch and the attempts of the task by one. Returns the task
     * with its payload and its new epoch; empty if no such task is queued.
     */
    Optional<TaskRecord> claim(Collection<String> types, String owner);

    /**
     * Gives a task to an owner and raises the epoch of the task by one, if its state, epoch, owner and lease still equal those of {@code
     * task}. Returns the task with its new epoch, without payload and attributes; empty if one of them differs.
     */
    Optional<TaskRecord> take(HeldTask task, String owner);

    /**
     * Queues a task again, if the task is running with this epoch. Returns whether it did.
     *
     * @param attempted whether the run counts as an attempt
     */
    boolean requeue(String id, int epoch, boolean attempted);

    /** Sets the final state of a task and drops its payload, if the task is running with this epoch. Returns whether it did. */
    boolean finish(String id, int epoch, TaskStatus.State state);

    /** Returns running tasks whose owner is not one of these, ordered by owner and id, at most {@code limit}. */
    List<HeldTask> runningExceptOf(Collection<String> owners, int limit);

    /** Returns the running tasks of an owner, at most {@code limit}. */
    List<HeldTask> runningOf(String owner, int limit);

    /** Records that these tasks have readers now. Leaves tasks in the background as they are. */
    void recordReaders(Collection<String> ids);

    /**
     * Returns the ids of queued and running tasks that are neither in the background nor marked for cancellation, and for which no reader
     * was recorded for a time, at most {@code limit}. The creation of a task counts as a reader.
     */
    List<String> unread(Duration time, int limit);

    /** Returns tasks that have been queued for longer than a time, at most {@code limit}. */
    List<HeldTask> queuedLongerThan(Duration time, int limit);

    // Workers

    /** Increases the beat of a worker, or creates the beat if the worker has none. */
    void beat(String worker);

    /**
     * Returns the beat of each worker. Fails if the server that answers has lost its majority. Such a server still answers other reads, but
     * no worker can write its beat to it.
     */
    Map<String, Long> beats();

    /** Deletes the beat of a worker, if the beat still has this value. */
    void forget(String worker, long beat);

    // Retention

    /**
     * Deletes expired events, tasks and workers that the database has not deleted itself. Limits the documents and the time of one call, so
     * a later call may have to delete the rest. Deletes no task while expired events are left.
     */
    void deleteExpired();
}
