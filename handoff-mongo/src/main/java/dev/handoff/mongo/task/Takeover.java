// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.HeldTask;
import dev.handoff.mongo.database.TaskRecord;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.task.TaskStatus;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a task from its owner or from the queue, and ends it or queues it again. First it raises the epoch. Then it writes a fence, after
 * which the earlier owner can no longer append. If this process dies in between, the task is running without a live owner, and a sweeper of
 * another process takes it.
 *
 * <p>Thread-safe. Blocks until the database answers.
 */
final class Takeover {

    /** Why a task is taken over. */
    enum Cause {
        /** The worker is lost, or the worker owns the task but does not run it. */
        LOST,
        /** The task is marked for cancellation and no worker runs it. */
        CANCELLED,
        /** The task was queued for too long. */
        EXPIRED
    }

    private static final Logger logger = LoggerFactory.getLogger(Takeover.class);
    private static final Problem WORKER_LOST =
            ProblemCode.WORKER_LOST.problem("The worker was lost before the task was done.");
    private static final Problem EXPIRED_IN_QUEUE =
            ProblemCode.EXPIRED_IN_QUEUE.problem("No worker took the task in time.");

    private final Database database;
    private final MongoEventStore streams;
    private final String name;
    private final int maxAttempts;
    private final Duration retryFor;

    /**
     * @param name the owner of tasks while they are taken over; unique to this process
     * @param retryFor how long to repeat the write of an end that the database does not acknowledge
     */
    Takeover(Database database, MongoEventStore streams, String name, int maxAttempts, Duration retryFor) {
        this.database = database;
        this.streams = streams;
        this.name = name;
        this.maxAttempts = maxAttempts;
        this.retryFor = retryFor;
    }

    /**
     * Takes a task and ends it or queues it again. Returns false if the task has changed since {@code held} was read; then this does
     * nothing.
     */
    boolean take(HeldTask held, Cause cause) {
        Optional<TaskRecord> taken = database.take(held, name);
        taken.ifPresent(task -> settle(task, cause));
        return taken.isPresent();
    }

    private void settle(TaskRecord task, Cause cause) {
        String id = task.id();
        EventStream stream = streams.open(id);
        try {
            if (stream.end().isEmpty()) {
                // This fences the earlier owner, which can no longer append.
                EventAppender writer = streams.appender(id, task.epoch(), retryFor);
                if (task.cancel() || cause == Cause.CANCELLED) {
                    writer.end(End.cancelled());
                } else if (cause == Cause.EXPIRED) {
                    logger.warn("task {} was queued for too long and is ended", id);
                    writer.end(End.failed(EXPIRED_IN_QUEUE));
                } else if (task.attempts() < maxAttempts && isUntouched(stream)) {
                    logger.info("task {} lost its worker before its first event and is queued again", id);
                    requeue(id, task.epoch(), true);
                    return;
                } else {
                    logger.warn("task {} lost its worker and is ended", id);
                    writer.end(End.failed(WORKER_LOST));
                }
            }
        } catch (StaleWriterException e) {
            // The earlier owner has ended the stream, or another process has taken the task.
            logger.debug("task {} needs no takeover", id, e);
        }
        finish(id, task.epoch());
    }

    private static boolean isUntouched(EventStream stream) {
        try {
            return stream.read(EventStream.BEGINNING, 1).events().isEmpty();
        } catch (ProblemException e) {
            if (e.problem().status() == 503) {
                throw e;
            }
            logger.debug("the beginning of stream {} is no longer kept", stream.id(), e);
            return false;
        }
    }

    /**
     * Queues a task again, or cancels it if it is marked for cancellation. Does nothing if the task is not running with this epoch.
     *
     * @param attempted whether the run counts as an attempt
     */
    void requeue(String id, int epoch, boolean attempted) {
        if (!database.requeue(id, epoch, attempted)) {
            return;
        }
        // A task that was marked for cancellation while it ran still needs an end.
        database.task(id)
                .filter(task -> task.state() == TaskStatus.State.QUEUED && task.epoch() == epoch && task.cancel())
                .ifPresent(task -> take(queued(task), Cause.CANCELLED));
    }

    /** Returns the {@link HeldTask} of a queued task. It equals the task in the database until another process changes that task. */
    private static HeldTask queued(TaskRecord task) {
        return HeldTask.of(task.id(), TaskStatus.State.QUEUED, task.epoch()).withCancel(task.cancel());
    }

    /**
     * Sets the state of a task from the end of its stream. Does nothing if the stream has no end, or if the task has another owner.
     *
     * @return whether the stream has an end
     */
    boolean finish(String id, int epoch) {
        Optional<End> end = streams.open(id).end();
        end.ifPresent(e -> database.finish(id, epoch, stateAfter(e)));
        return end.isPresent();
    }

    private static TaskStatus.State stateAfter(End end) {
        if (end instanceof End.Completed) {
            return TaskStatus.State.COMPLETED;
        }
        return end instanceof End.Failed ? TaskStatus.State.FAILED : TaskStatus.State.CANCELLED;
    }
}
