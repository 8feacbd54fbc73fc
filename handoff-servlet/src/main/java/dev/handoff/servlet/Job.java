package dev.handoff.servlet;

import dev.handoff.check.Errors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work that the timer starts and another thread does, because it may block. The next run begins when the last one has ended.
 * If that one takes longer than {@link #PATIENCE_MILLIS}, another may begin beside it, up to a limit.
 */
final class Job {

    private static final Logger logger = LoggerFactory.getLogger(Job.class);
    private static final long PATIENCE_MILLIS = 1000;

    private final String name;
    private final int limit;
    private final Runnable work;
    private final AtomicInteger running = new AtomicInteger();
    /** Only on the timer. */
    private long startedAt;

    /**
     * A job that is not running.
     *
     * @param limit how many runs there may be at the same time
     */
    Job(String name, int limit, Runnable work) {
        this.name = name;
        this.limit = limit;
        this.work = work;
    }

    /**
     * Begins a run, unless it has to wait for the last one. Only the timer calls this.
     *
     * @param now the time in milliseconds
     * @param executor takes the run and returns whether it did
     */
    void start(long now, Predicate<Runnable> executor) {
        int before = running.get();
        if (before > 0 && (before >= limit || now - startedAt < PATIENCE_MILLIS)) {
            return;
        }
        running.incrementAndGet();
        startedAt = now;
        boolean taken = false;
        try {
            taken = executor.test(this::run);
        } finally {
            if (!taken) {
                running.decrementAndGet();
            }
        }
    }

    private void run() {
        try {
            work.run();
        } catch (Throwable e) {
            logger.error("{} failed, the next run goes on", name, e);
            Errors.rethrowFatal(e);
        } finally {
            running.decrementAndGet();
        }
    }
}
