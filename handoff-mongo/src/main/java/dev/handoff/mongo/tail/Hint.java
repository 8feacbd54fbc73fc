// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the hint of one reader on an executor, because a hint formats events, writes to the client and may block. The executor has at most
 * one job of this hint, waiting or running, regardless of the number of calls of {@link #tell}. Thread-safe.
 */
final class Hint implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(Hint.class);

    private final Executor executor;
    private final AtomicInteger wanted = new AtomicInteger();
    /** Null after {@link #close}, so that this object no longer refers to the reader. */
    private volatile @Nullable Runnable action;

    /** Creates a hint that has not run. */
    Hint(Runnable action, Executor executor) {
        this.action = action;
        this.executor = executor;
    }

    /**
     * Submits the hint to the executor. Does not block. If the executor rejects the hint, the reader reads again within a second without
     * it.
     */
    void tell() {
        if (action == null || wanted.getAndIncrement() != 0) {
            return;
        }
        try {
            executor.execute(this);
        } catch (RuntimeException | Error e) {
            wanted.set(0);
            logger.debug("the executor rejected a reader's hint", e);
        }
    }

    /** Runs the hint, and again if {@link #tell} was called meanwhile. */
    @Override
    public void run() {
        int seen;
        do {
            seen = wanted.get();
            runOnce();
        } while (wanted.addAndGet(-seen) != 0);
    }

    private void runOnce() {
        Runnable open = action;
        if (open == null) {
            return;
        }
        try {
            open.run();
        } catch (RuntimeException | Error e) {
            // An exception in the hint of one reader must not affect other readers.
            logger.warn("the hint of a reader threw an exception", e);
        }
    }

    boolean isOpen() {
        return action != null;
    }

    /** Prevents further runs. A run that has begun may continue. */
    void close() {
        action = null;
    }
}
