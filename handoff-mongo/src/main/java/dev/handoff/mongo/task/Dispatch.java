// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.InsertOutcome;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.task.Task;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.Lock;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Dispatches and cancels tasks and returns their status. Repeats each operation for a time while its outcome is unknown, and then fails
 * with 503. When a dispatch knows that its task is inserted, no later failure makes the dispatch fail.
 *
 * <p>Thread-safe. Blocks until the database answers or the time is over.
 */
final class Dispatch {

    private static final Logger logger = LoggerFactory.getLogger(Dispatch.class);
    private static final int MAX_PAYLOAD_CHARS = 4 << 20;

    private final Database database;
    private final Takeover takeover;
    private final QueueSettings settings;
    private final HandoffObserver observer;

    Dispatch(Database database, Takeover takeover, QueueSettings settings, HandoffObserver observer) {
        this.database = database;
        this.takeover = takeover;
        this.settings = settings;
        this.observer = observer;
    }

    TaskStatus dispatch(Task task) {
        requireAcceptable(task);
        return reaching(retry -> status(insertOrJoin(task, retry).orElseGet(() -> inserted(task))));
    }

    /** Dispatches a task without the queries that only its status needs. */
    void accept(Task task) {
        requireAcceptable(task);
        reaching(retry -> insertOrJoin(task, retry));
    }

    private void requireAcceptable(Task task) {
        if (!settings.types().contains(task.type())) {
            throw ProblemCode.UNKNOWN_TASK_TYPE.exception("No handler does tasks of type " + task.type() + '.');
        }
        if (task.payload().length() > MAX_PAYLOAD_CHARS) {
            throw ProblemCode.CONTENT_TOO_LARGE.exception(
                    "The payload of a task may have at most " + MAX_PAYLOAD_CHARS + " characters.");
        }
    }

    /** Inserts a task, or joins it if an earlier request has inserted it. Returns the record that the database had; empty after an insert. */
    private Optional<TaskRecord> insertOrJoin(Task task, Retry retry) {
        TaskRecord record = TaskRecord.queued(task);
        // An insert of an id that exists is slow on a replica set. If the task may exist, this therefore queries it
        // first.
        boolean mayExist = task.idempotencyKey() != null;
        if (mayExist) {
            Optional<TaskRecord> known = retry.call(() -> known(task));
            if (known.isPresent()) {
                TaskRecord joined = join(task, known.get());
                observer.joined(task.type());
                return Optional.of(joined);
            }
        }
        while (true) {
            @Nullable DatabaseException failure = tryToInsert(record);
            if (failure == null) {
                observer.accepted(task.type());
                return Optional.empty();
            }
            if (failure.refused()) {
                throw failure;
            }
            logger.debug("the insert of task {} has an unknown outcome", task.id(), failure);
            // If an earlier insert succeeded after all, this query finds the task, or the next insert fails as a
            // duplicate.
            Optional<TaskRecord> known = retry.call(() -> database.task(task.id()));
            if (known.isPresent()) {
                TaskRecord accepted = join(task, known.get());
                observer.accepted(task.type());
                return Optional.of(accepted);
            }
            if (!retry.pause()) {
                throw failure;
            }
        }
    }

    /** Inserts a task. Returns null if it is stored, else the failure. */
    private @Nullable DatabaseException tryToInsert(TaskRecord record) {
        try {
            InsertOutcome outcome = database.insertTask(record);
            return switch (outcome.kind()) {
                case STORED -> null;
                case REFUSED -> DatabaseException.refused(outcome.detail(), null);
                case DUPLICATE, UNKNOWN -> DatabaseException.unknown(outcome.detail(), null);
            };
        } catch (DatabaseException e) {
            return e;
        }
    }

    /**
     * Returns the task with this id. Throws if the task is no longer kept but its events are, because readers would take them for events of
     * the new task.
     */
    private Optional<TaskRecord> known(Task task) {
        Optional<TaskRecord> known = database.task(task.id());
        if (known.isPresent() || database.last(task.id()).isEmpty()) {
            return known;
        }
        // Another server may have accepted the task in between.
        known = database.task(task.id());
        if (known.isEmpty()) {
            throw ProblemCode.IDEMPOTENCY_KEY_EXPIRED.exception("The idempotency key \"" + task.idempotencyKey()
                    + "\" was used for a request that is no longer known but whose events are still kept.");
        }
        return known;
    }

    private static TaskRecord join(Task task, TaskRecord known) {
        if (!task.fingerprint().equals(known.fingerprint())) {
            throw ProblemCode.IDEMPOTENCY_KEY_REUSED.exception(
                    "The idempotency key \"" + task.idempotencyKey() + "\" was used before with another request.");
        }
        return known;
    }

    /** Returns the record of an inserted task, which has times of the database unless the database does not answer. */
    private TaskRecord inserted(Task task) {
        try {
            return database.task(task.id()).orElseGet(() -> TaskRecord.queued(task));
        } catch (DatabaseException e) {
            logger.debug("task {} was accepted but could not be read", task.id(), e);
            return TaskRecord.queued(task);
        }
    }

    Optional<TaskStatus> status(String taskId) {
        return reaching(retry -> retry.call(() -> database.task(taskId))).map(this::status);
    }

    Optional<TaskStatus> latestLike(Task task, Duration within) {
        return reaching(retry -> retry.call(() -> database.latestLike(task.fingerprint(), task.subject(), within)))
                .map(this::status);
    }

    private TaskStatus status(TaskRecord record) {
        return record.status(record.state() == TaskStatus.State.QUEUED ? queuedBefore(record) : 0);
    }

    /** Returns how many tasks are queued before a task, or 0 if the database does not answer. */
    private int queuedBefore(TaskRecord record) {
        try {
            return (int) database.queuedBefore(record.created(), TaskStatus.MAX_QUEUE_POSITION);
        } catch (DatabaseException e) {
            logger.debug("the queue position of task {} could not be counted", record.id(), e);
            return 0;
        }
    }

    boolean cancel(String taskId) {
        Optional<HeldTask> open = reaching(retry -> retry.call(() -> database.requestCancel(taskId)));
        if (open.isEmpty()) {
            return reaching(retry -> retry.call(() -> database.task(taskId)))
                    .filter(task -> task.state() == TaskStatus.State.CANCELLED)
                    .isPresent();
        }
        if (open.get().state() == TaskStatus.State.QUEUED) {
            end(open.get());
        }
        return true;
    }

    /** Ends a queued task that is marked for cancellation. If this fails, a sweeper or a worker that claims the task ends it. */
    private void end(HeldTask marked) {
        try {
            takeover.take(marked, Takeover.Cause.CANCELLED);
        } catch (DatabaseException | ProblemException e) {
            logger.warn(
                    "queued task {} is marked for cancellation, but its stream could not be ended yet: {}",
                    marked.id(),
                    e.toString());
        }
    }

    private <T> T reaching(Function<Retry, T> operation) {
        Lock lock = settings.locks().get();
        try {
            return operation.apply(new Retry(settings.ticker(), lock, settings.retryFor()));
        } catch (DatabaseException e) {
            throw ProblemCode.STORE_UNREACHABLE.exception("The task store cannot be reached at the moment.", e);
        }
    }
}
