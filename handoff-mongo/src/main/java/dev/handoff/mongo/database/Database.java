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
 * The operations on the database that streams and tasks are built from.
 *
 * <p>Each method blocks until the database answers or its time limit is over. A method that fails throws a {@link DatabaseException}. Unless
 * {@link DatabaseException#refused} says that the database has refused the operation, its outcome is unknown: it may have been applied, or may
 * be applied yet. Reads show only data that a majority of the servers has stored, unless the application has configured it otherwise. All times
 * are the time of the server. Callers hold no lock during a call.
 *
 * <p>Thread-safe.
 */
public interface Database {

    // Events

    /**
     * Inserts each of the batches by itself and returns the outcome of each, in the same order. The database refuses a batch whose id or whose
     * (stream, position) exists.
     */
    List<InsertOutcome> insert(List<EventBatch> batches);

    /**
     * Returns the id of the batch that begins at each of these positions. A position that no batch begins at is missing from the answer, and so
     * is one whose batch a majority has not stored yet.
     */
    Map<Position, ObjectId> holders(Collection<Position> positions);

    /** Returns the batch with the highest position, if the stream has any. */
    Optional<EventBatch> last(String stream);

    /**
     * Returns the last batch as {@link #last} does, but only after a majority has confirmed that the server is still the primary. A server that
     * has just become the primary can show less than its predecessor until then. Costs a write.
     */
    default Optional<EventBatch> confirmedLast(String stream) {
        return last(stream);
    }

    /** Returns the last batch that begins before a position. */
    Optional<EventBatch> lastBefore(String stream, long position);

    /**
     * Returns batches that begin at a position or later, in order: until they hold more than {@code maxEvents} events, or until they have
     * {@code maxBytes} or more. Returns at least one, if there is any.
     */
    List<EventBatch> read(String stream, long from, int maxEvents, long maxBytes);

    /**
     * Returns the batches of several streams, of each from a position on, ordered by stream and position.
     *
     * @param from the position to begin at, for each stream
     * @param maxBytes how much to read: the answer is cut off after the batch that reaches it
     */
    TailFetch tails(Map<String, Long> from, long maxBytes);

    /** Returns how many fences a stream has. */
    long fences(String stream);

    // Tasks

    /** Inserts a task in the state queued. Its times, epoch and attempts do not count. */
    InsertOutcome insertTask(TaskRecord task);

    /** Returns a task without its payload and attributes. */
    Optional<TaskRecord> task(String id);

    /** Returns the latest task with this fingerprint and subject that was created within a time, without payload and attributes. */
    Optional<TaskRecord> latestLike(String fingerprint, @Nullable String subject, Duration within);

    /** Returns how many tasks were queued before a time and still are, at most {@code limit}. */
    long queuedBefore(Instant created, int limit);

    /** Returns how many tasks of each type are queued, at most {@code limit} of each. */
    Map<String, Long> queueLengths(Collection<String> types, int limit);

    /** Marks a task for cancellation, unless it has ended. Returns it as it was before, or nothing if it has ended or is unknown. */
    Optional<HeldTask> requestCancel(String id);

    /**
     * Gives the oldest queued task of these types to an owner: raises its epoch and its attempts by one. Returns it with its payload and its new
     * epoch.
     */
    Optional<TaskRecord> claim(Collection<String> types, String owner);

    /**
     * Gives a task to an owner, with its epoch raised by one, if it still has the state, owner and epoch given. Returns it with its new epoch,
     * without payload and attributes.
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

    /** Returns running tasks whose owner is not one of these, in the order of their owners and ids. */
    List<HeldTask> runningExceptOf(Collection<String> owners, int limit);

    /** Returns all running tasks of an owner. */
    List<HeldTask> runningOf(String owner, int limit);

    /** Records that these tasks have readers now. */
    void recordReaders(Collection<String> ids);

    /** Returns open tasks that are not marked for cancellation and that had no reader for a time. */
    List<String> unread(Duration time, int limit);

    /** Returns tasks that have been queued for longer than a time. */
    List<HeldTask> queuedLongerThan(Duration time, int limit);

    // Workers

    /** Raises the beat of a worker, or begins it. */
    void beat(String worker);

    /**
     * Returns the beat of each worker. Fails if no majority of the servers follows the one that answers, since no worker could write its beat there,
     * even if other reads succeed.
     */
    Map<String, Long> beats();

    /** Forgets the beat of a worker, if it still has this value. */
    void forget(String worker, long beat);

    // Retention

    /** Deletes expired events, then expired tasks, where the database does not do so itself. */
    void deleteExpired();
}
