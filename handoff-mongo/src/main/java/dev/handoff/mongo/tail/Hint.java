package dev.handoff.mongo.tail;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the hint of one reader on an executor, because the hint formats events, writes to the client and may block. The executor has at most one job
 * for it, waiting or running, however often {@link #tell} is called. Thread-safe.
 */
final class Hint implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(Hint.class);

    private final Executor executor;
    private final AtomicInteger wanted = new AtomicInteger();
    /** Null once it is closed, so that nothing here refers to the reader. */
    private volatile @Nullable Runnable action;

    /** Returns a hint that has not run. */
    Hint(Runnable action, Executor executor) {
        this.action = action;
        this.executor = executor;
    }

    /**
     * Submits the hint to the executor, and returns at once. If the executor refuses it, the reader reads again by
     * itself.
     */
    void tell() {
        if (action == null || wanted.getAndIncrement() != 0) {
            return;
        }
        try {
            executor.execute(this);
        } catch (RuntimeException | Error e) {
            wanted.set(0);
            logger.debug("the executor does not take a reader's hint", e);
        }
    }

    /** Runs the hint again if it was wanted meanwhile. */
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
            // The hint belongs to one reader: no other reader may be affected.
            logger.warn("a reader's hint threw", e);
        }
    }

    /** Runs nothing more. */
    void close() {
        action = null;
    }
}
