// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.time.Ticker;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tries again, on the executor, to end the streams whose ends the store has refused. Does so at most once a second. */
final class EndRetries {

    private static final Logger logger = LoggerFactory.getLogger(InProcessTaskDispatcher.class);
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final PendingTasks pending;
    private final Executor executor;
    private final Ticker ticker;
    private final Consumer<LocalTask> afterRetry;
    private final AtomicLong due;

    EndRetries(PendingTasks pending, Executor executor, Ticker ticker, Consumer<LocalTask> afterRetry) {
        this.pending = pending;
        this.executor = executor;
        this.ticker = ticker;
        this.afterRetry = afterRetry;
        this.due = new AtomicLong(ticker.read());
    }

    /** Submits the retries if they are due. Does not wait for them. */
    void submitIfDue() {
        long now = ticker.read();
        long planned = due.get();
        if (now - planned >= 0 && due.compareAndSet(planned, now + INTERVAL_NANOS)) {
            pending.forEach(this::submit);
        }
    }

    private void submit(LocalTask task) {
        if (!task.beginRetry()) {
            return;
        }
        try {
            executor.execute(() -> {
                task.retryEnd();
                afterRetry.accept(task);
            });
        } catch (Throwable e) {
            task.retryRejected();
            logger.debug("the executor rejected the retry of the end of task {}, trying again later", task.id, e);
        }
    }
}
