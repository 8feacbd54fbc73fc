// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends or requeues the tasks that still run when the deadline of {@link MongoWorker#stop} is over. Leaves a task to a sweeper if the
 * database does not answer. Thread-safe.
 */
final class UnfinishedTasks {

    private static final Logger logger = LoggerFactory.getLogger(UnfinishedTasks.class);
    private static final Problem WORKER_STOPPED =
            ProblemCode.WORKER_LOST.problem("The worker was stopped before the task was done.");

    private final Takeover takeover;
    private final Predicate<Runnable> stops;
    private final RunChanges changes;

    /**
     * Creates the object and does nothing else.
     *
     * @param stops submits an action that may block, and returns whether it was accepted
     */
    UnfinishedTasks(Takeover takeover, Predicate<Runnable> stops, RunChanges changes) {
        this.takeover = takeover;
        this.stops = stops;
        this.changes = changes;
    }

    /**
     * Requeues the tasks that have emitted nothing and fails the others. Handles all tasks at the same time, because each may wait for a
     * database that does not answer. Blocks until all are handled or the time is over.
     */
    void requeueOrFail(Collection<RunningTask> tasks, Duration time) {
        AtomicInteger open = new AtomicInteger();
        for (RunningTask task : List.copyOf(tasks)) {
            open.incrementAndGet();
            boolean accepted = stops.test(() -> {
                try {
                    requeueOrFail(task);
                } finally {
                    open.decrementAndGet();
                    changes.signal();
                }
            });
            if (!accepted) {
                open.decrementAndGet();
                logger.warn("task {} could not be requeued or failed, and a sweeper will do it", task.id);
            }
        }
        boolean interrupted = Thread.interrupted();
        if (!changes.await(time, () -> open.get() == 0)) {
            logger.warn("{} tasks could not be requeued or failed in time, and a sweeper will do it", open.get());
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void requeueOrFail(RunningTask task) {
        try {
            if (task.run.releaseIfUntouched()) {
                takeover.requeue(task.id, task.epoch, false);
            } else {
                task.run.abandon(WORKER_STOPPED);
                takeover.finish(task.id, task.epoch);
            }
        } catch (RuntimeException e) {
            logger.warn("task {} could not be requeued or failed, and a sweeper will do it: {}", task.id, e.toString());
        }
    }
}
