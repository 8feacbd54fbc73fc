// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.execution.TaskRun;
import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.observation.GuardedObserver;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.time.Ticker;
import java.time.Clock;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Accepts tasks and gives each to the executor once, or refuses them. A retry gets the task of its first request. */
final class Admission {

    private static final int FIRST_EPOCH = 1;

    private final EventStore store;
    private final Executor executor;
    private final Map<String, TaskHandler> handlers;
    private final Clock clock;
    private final Ticker ticker;
    private final long maxTaskBytes;
    private final KnownTasks known;
    private final PendingTasks pending;
    private final ReportedTime reportedTime;
    private final Consumer<LocalTask> runner;
    private final HandoffObserver observer;
    private final AtomicLong created = new AtomicLong();
    private volatile boolean closed;

    /** Creates an admission. The executor runs each admitted task by calling the runner. */
    Admission(
            InProcessTaskDispatcher.Builder settings,
            KnownTasks known,
            PendingTasks pending,
            ReportedTime reportedTime,
            Consumer<LocalTask> runner) {
        this.store = settings.store;
        this.executor = settings.executor;
        this.handlers = Map.copyOf(settings.handlers);
        this.clock = settings.clock;
        this.ticker = settings.ticker;
        this.observer = GuardedObserver.of(settings.observer);
        this.maxTaskBytes = settings.maxPendingBytes;
        this.known = known;
        this.pending = pending;
        this.reportedTime = reportedTime;
        this.runner = runner;
    }

    /** Refuses all tasks from now on. A task that another thread is submitting is refused, too, or is pending already. */
    void close() {
        closed = true;
    }

    /** Accepts tasks again. */
    void open() {
        closed = false;
    }

    /**
     * Returns the accepted task, or the one of the first request if this is a retry. Blocks while the first request is being
     * submitted.
     *
     * @throws ProblemException if the task is refused; nothing is left of it then
     */
    LocalTask admit(Task task) {
        TaskHandler handler = handlers.get(task.type());
        if (handler == null) {
            throw ProblemCode.UNKNOWN_TASK_TYPE.exception("No handler does tasks of type " + task.type() + '.');
        }
        String id = task.id();
        TaskRun run = new TaskRun(task, handler, () -> store.appender(id, FIRST_EPOCH), ticker, observer);
        LocalTask local = new LocalTask(task, run, clock.instant(), ticker.read(), created.incrementAndGet());
        if (local.bytes > maxTaskBytes) {
            throw ProblemCode.CONTENT_TOO_LARGE.exception(
                    "The task takes " + local.bytes + " bytes, at most " + maxTaskBytes + " are accepted.");
        }
        LocalTask first = known.addIfAbsent(local);
        if (first == null) {
            submit(local, task);
            return local;
        }
        if (!first.hasSameContent(local)) {
            throw keyReused(task.idempotencyKey());
        }
        first.awaitSubmission();
        observer.joined(task.type());
        return first;
    }

    private void submit(LocalTask task, Task content) {
        try {
            requireOpen();
            if (content.idempotencyKey() != null) {
                requireUnused(task.id, content.idempotencyKey());
            }
            task.attendedAt = reportedTime.read();
            if (!pending.add(task)) {
                throw overloaded(null);
            }
            // Either this thread sees that the dispatcher is closed, or the thread that closes it sees the task.
            requireOpen();
            pending.enqueue(task);
            executor.execute(() -> runner.accept(task));
            known.makeLatest(task);
            task.accepted();
            observer.accepted(content.type());
        } catch (ProblemException e) {
            throw refused(task, e);
        } catch (Throwable e) {
            throw refused(task, overloaded(e));
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new RejectedExecutionException("the dispatcher is closed");
        }
    }

    /**
     * Refuses a key whose stream exists although its task is unknown. The store keeps the stream longer than the dispatcher
     * keeps the task, so the request cannot be compared with the first one.
     */
    private void requireUnused(String id, String idempotencyKey) {
        if (store.open(id).last() != EventStream.BEGINNING) {
            throw ProblemCode.IDEMPOTENCY_KEY_EXPIRED.exception("The idempotency key \"" + idempotencyKey
                    + "\" was used for a request that is no longer known but whose events are still kept.");
        }
    }

    private static ProblemException keyReused(@Nullable String key) {
        return ProblemCode.IDEMPOTENCY_KEY_REUSED.exception(
                "The idempotency key \"" + key + "\" was used before with another request.");
    }

    private static ProblemException overloaded(@Nullable Throwable cause) {
        return ProblemCode.OVERLOADED.exception("No more tasks can be taken at the moment.", cause);
    }

    /** Removes the task, and refuses the retries that wait for its submission. */
    private ProblemException refused(LocalTask task, ProblemException refusal) {
        pending.dequeue(task);
        known.remove(task);
        pending.remove(task);
        task.refused(refusal);
        return refusal;
    }
}
