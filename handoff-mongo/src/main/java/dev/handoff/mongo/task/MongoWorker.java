package dev.handoff.mongo.task;

import dev.handoff.Problem;
import dev.handoff.Task;
import dev.handoff.TaskHandler;
import dev.handoff.TaskRun;
import dev.handoff.Ticker;
import dev.handoff.mongo.database.Failures;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;
import org.bson.Document;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes tasks from a {@link MongoTaskQueue} and does them, so many at a time. It owns no thread: somebody calls {@link #tick}
 * every 20 ms or so, and the handlers run on the executor.
 *
 * <p>Thread-safe.
 */
public final class MongoWorker {

    private static final Logger logger = LoggerFactory.getLogger(MongoWorker.class);
    private static final long CANCEL_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long SHORTEST_CLAIM_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
    private static final long LONGEST_CLAIM_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
    private static final long PAUSE_AFTER_FAILURE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
    private static final Problem WORKER_STOPPED =
            new Problem(503, "worker_lost", "The worker was stopped before the task was done.");

    private final MongoTaskQueue queue;
    private final Executor executor;
    private final Map<String, TaskHandler> handlers;
    private final int maxRunning;
    private final Ticker ticker;
    private final String name = UUID.randomUUID().toString();
    private final ConcurrentMap<String, Held> running = new ConcurrentHashMap<>();
    private final CompletableFuture<Void> idle = new CompletableFuture<>();
    private volatile boolean stopping;

    // Only under the lock, which is only tried: a tick that comes while another is at work does nothing.
    private final ReentrantLock ticking = new ReentrantLock();
    private long nextClaim;
    private long claimPause;
    private long nextRenewal;
    private long nextLook;

    private MongoWorker(Builder builder) {
        this.queue = builder.queue;
        this.executor = builder.executor;
        this.handlers = Map.copyOf(builder.handlers);
        this.maxRunning = builder.maxRunning;
        this.ticker = builder.queue.ticker();
        this.nextClaim = ticker.read();
        this.nextRenewal = nextClaim;
        this.nextLook = nextClaim;
    }

    /** For a worker that does tasks of this queue on this executor, which needs a thread for each that runs at a time. */
    public static Builder builder(MongoTaskQueue queue, Executor executor) {
        return new Builder(queue, executor);
    }

    /**
     * Does what is due: takes tasks, renews leases, looks for cancellations, and sets a sweep going. Blocks for as long as the server
     * takes. Throws nothing: what fails is logged, and tried again in a later tick.
     */
    public void tick() {
        if (!ticking.tryLock()) {
            return;
        }
        long now = ticker.read();
        try {
            if (now - nextRenewal >= 0) {
                // Tried again in the next tick if it fails.
                check(true);
                nextRenewal = now + queue.lease().toNanos() / 3;
            } else if (now - nextLook >= 0) {
                check(false);
            }
            queue.sweepIfDue();
            if (now - nextClaim >= 0) {
                claim(now);
            }
        } catch (RuntimeException | Error e) {
            // Of whatever kind: a timer drops a job that throws, and then all leases would run out.
            nextClaim = now + PAUSE_AFTER_FAILURE_NANOS;
            Failures.log(logger, e, "the worker could not go on, and tries again: {}");
        } finally {
            ticking.unlock();
        }
    }

    private void check(boolean renew) {
        nextLook = ticker.read() + CANCEL_CHECK_NANOS;
        if (running.isEmpty()) {
            return;
        }
        Map<String, Integer> epochs = new HashMap<>();
        running.forEach((id, held) -> epochs.put(id, held.epoch));
        Map<String, Boolean> own = renew ? queue.renew(epochs, name) : queue.look(epochs, name);
        epochs.forEach((id, epoch) -> {
            Held held = running.get(id);
            Boolean cancel = own.get(id);
            if (held == null || held.epoch != epoch) {
                return;
            }
            if (held.stopping) {
                return;
            }
            // On the executor of the queue: cancel actions may block, leases must not wait for them, and all threads of
            // handlers may be busy. If the executor refuses, the next look tries again.
            if (cancel == null) {
                logger.info("task {} was taken from this worker", id);
                held.stopping = queue.onExecutor(held.run::release);
            } else if (cancel) {
                held.stopping = queue.onExecutor(held.run::cancel);
            }
        });
    }

    private void claim(long now) {
        // On a slow store many claims may take longer than a lease, within which those at hand need a look.
        while (!stopping
                && running.size() < maxRunning
                && ticker.read() - nextLook < 0
                && ticker.read() - nextRenewal < 0) {
            var claimed = queue.claim(handlers.keySet(), name);
            if (claimed.isEmpty()) {
                claimPause = Math.min(Math.max(SHORTEST_CLAIM_PAUSE_NANOS, 2 * claimPause), LONGEST_CLAIM_PAUSE_NANOS);
                nextClaim = now + claimPause;
                return;
            }
            claimPause = 0;
            begin(claimed.get());
        }
    }

    private void begin(Document claimed) {
        Task task = MongoTaskQueue.task(claimed);
        int epoch = claimed.getInteger("epoch");
        TaskHandler handler = handlers.get(task.type());
        if (handler == null) {
            throw new IllegalStateException("a task was claimed that nobody does: " + task);
        }
        // Zero, because appenders retry by themselves. The sweep ends streams that have no end after that.
        TaskRun run = new TaskRun(task, handler, () -> queue.store().appender(task.id(), epoch), Duration.ZERO);
        Held held = new Held(run, epoch);
        running.put(task.id(), held);
        // After the put: either this sees that it is over, or the one who stops sees the task.
        if (stopping) {
            letGo(task.id(), held);
            return;
        }
        boolean begun = false;
        try {
            executor.execute(() -> work(task.id(), held));
            begun = true;
        } finally {
            if (!begun) {
                letGo(task.id(), held);
            }
        }
    }

    private void letGo(String id, Held held) {
        try {
            queue.handBack(id, held.epoch);
        } finally {
            running.remove(id, held);
            completeIfIdle();
        }
    }

    private void work(String id, Held held) {
        try {
            held.run.run();
        } finally {
            // The driver does not work in a thread that a handler has left interrupted.
            boolean interrupted = Thread.interrupted();
            try {
                // What has no end in the store by now is left to the sweep.
                queue.noteEnd(id, held.epoch);
            } catch (RuntimeException e) {
                logger.warn("the end of task {} could not be noted, which is left to the sweep: {}", id, e.toString());
            } finally {
                running.remove(id, held);
                completeIfIdle();
                if (interrupted) {
                    Thread.currentThread().interrupt();
                }
            }
        }
    }

    private void completeIfIdle() {
        if (stopping && running.isEmpty()) {
            idle.complete(null);
        }
    }

    /** How many tasks it is at. */
    public int running() {
        return running.size();
    }

    /**
     * Takes no more tasks, and waits for those at hand. What is left when the time is over is handed back to the queue, if it
     * has not emitted anything, else ended with {@code worker_lost}. {@link #tick} has to go on meanwhile, to keep the leases.
     * Blocks until then, and while the store is away for the time of one lease more: what could not be given back is left
     * to the sweep. Being interrupted ends the waiting for the tasks.
     *
     * @return whether all tasks were done in time
     */
    public boolean stop(Duration deadline) {
        stopping = true;
        completeIfIdle();
        try {
            idle.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException e) {
            giveBack();
            return false;
        } catch (InterruptedException e) {
            giveBack();
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e);
        }
    }

    /** All at once, since each may wait for a store that is away. */
    private void giveBack() {
        List<CompletableFuture<Void>> all = new ArrayList<>();
        running.forEach((id, held) -> {
            CompletableFuture<Void> one = new CompletableFuture<>();
            queue.onExecutor(() -> {
                giveBack(id, held);
                one.complete(null);
            });
            all.add(one);
        });
        try {
            CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
                    .get(queue.lease().toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException | ExecutionException e) {
            logger.warn("not all tasks could be given back, the rest is left to the sweep");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void giveBack(String id, Held held) {
        try {
            if (held.run.releaseIfUntouched()) {
                queue.handBack(id, held.epoch);
            } else {
                held.run.abandon(WORKER_STOPPED);
                queue.noteEnd(id, held.epoch);
            }
        } catch (RuntimeException e) {
            logger.warn("task {} could not be given back, which is left to the sweep: {}", id, e.toString());
        }
    }

    /** A task that this worker has. */
    private static final class Held {

        private final TaskRun run;
        private final int epoch;
        // Only by the thread that ticks.
        private boolean stopping;

        Held(TaskRun run, int epoch) {
            this.run = run;
            this.epoch = epoch;
        }
    }

    /** The settings of a worker. */
    public static final class Builder {

        private final MongoTaskQueue queue;
        private final Executor executor;
        private final Map<String, TaskHandler> handlers = new HashMap<>();
        private int maxRunning = 100;

        private Builder(MongoTaskQueue queue, Executor executor) {
            this.queue = queue;
            this.executor = executor;
        }

        /**
         * Who does the tasks of a type.
         *
         * @throws IllegalArgumentException if the type has a handler already
         */
        public Builder handler(String type, TaskHandler handler) {
            if (handlers.putIfAbsent(type, handler) != null) {
                throw new IllegalArgumentException("tasks of type " + type + " have a handler already");
            }
            return this;
        }

        /**
         * How many tasks are done at the same time; 100 by default.
         *
         * @throws IllegalArgumentException if it is not positive
         */
        public Builder maxRunning(int maxRunning) {
            if (maxRunning < 1) {
                throw new IllegalArgumentException("maxRunning is not positive: " + maxRunning);
            }
            this.maxRunning = maxRunning;
            return this;
        }

        /** The worker. */
        public MongoWorker build() {
            return new MongoWorker(this);
        }
    }
}
