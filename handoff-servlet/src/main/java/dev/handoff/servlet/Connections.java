package dev.handoff.servlet;

import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.Feed;
import dev.handoff.http.ProblemException;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open connections of a streaming server, and what is done about once a second for all of them: deadlines and heartbeats, a look for
 * more in case a hint was lost, the check of streams that are idle, and the report of which streams are read.
 *
 * <p>Thread-safe.
 */
final class Connections implements StreamingServer {

    static final long MAX_TICK_MILLIS = 1000;

    private static final Logger logger = LoggerFactory.getLogger(Connections.class);
    /** After how much time without an event the stream of a reader is checked. */
    private static final long IDLE_MILLIS = 5000;
    /** The most looks at the same time, if a store hangs on some streams. */
    private static final int MAX_LOOKS = 8;
    /** As many for the check of idle streams, which costs a store more. */
    private static final int MAX_CHECKS = 2;
    /** The most reports of readers at the same time, if some wait for cancel actions. */
    private static final int MAX_REPORTS = 4;

    private final StreamEndpoint endpoint;
    private final ScheduledExecutorService timer;
    private final @Nullable Executor executor;
    private final long writeDeadlineMillis;
    private final long drainMillis;

    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private final Job look = new Job("the second look", MAX_LOOKS, this::look);
    private final Job idleCheck = new Job("the check of idle streams", MAX_CHECKS, this::checkIdle);
    private final Job report;
    private final CompletableFuture<Void> drained = new CompletableFuture<>();
    private final AtomicBoolean draining = new AtomicBoolean();
    private final AtomicBoolean asyncMissing = new AtomicBoolean();
    private volatile Container container = Container.OTHER;
    private volatile @Nullable ScheduledFuture<?> ticking;

    /** @param executor makes the calls that may block; null for threads of the container */
    Connections(
            StreamEndpoint endpoint,
            ScheduledExecutorService timer,
            @Nullable Executor executor,
            Duration writeDeadline,
            Duration drainWindow) {
        this.endpoint = endpoint;
        this.timer = timer;
        this.executor = executor;
        this.writeDeadlineMillis = writeDeadline.toMillis();
        this.drainMillis = drainWindow.toMillis();
        this.report = new Job("the report of readers", MAX_REPORTS, endpoint::reportReaders);
    }

    /** Begins to tick. */
    void start(Container container) {
        this.container = container;
        long shortest = Math.min(endpoint.heartbeat().toMillis(), writeDeadlineMillis);
        long period = Math.max(1, Math.min(MAX_TICK_MILLIS, shortest / 2));
        ticking = timer.scheduleWithFixedDelay(this::tick, period, period, TimeUnit.MILLISECONDS);
    }

    /** Stops to tick. */
    void stop() {
        ScheduledFuture<?> job = ticking;
        if (job != null) {
            job.cancel(false);
        }
    }

    /**
     * Checks that a request can be answered later.
     *
     * @throws ProblemException with status 500 if it cannot; it says what to do, and is logged once
     */
    void requireAsync(HttpServletRequest request, String servlet) {
        if (!request.isAsyncSupported()) {
            String detail = "The servlet \"" + servlet + "\" needs async support: set asyncSupported=true on it"
                    + " and on every filter that the request passes before it.";
            if (asyncMissing.compareAndSet(false, true)) {
                logger.error(detail);
            }
            throw new ProblemException(500, "async_not_supported", detail);
        }
    }

    /** Runs about once a second on the timer. Other threads make the calls of the application and of the store. */
    private void tick() {
        try {
            long now = now();
            for (Connection connection : open) {
                connection.onTick(now);
            }
            look.start(now, this::execute);
            idleCheck.start(now, this::execute);
            report.start(now, this::executeAnywhere);
        } catch (Throwable e) {
            // A timer drops a job that throws, and then no client would get a heartbeat any more.
            logger.error("the tick failed, the next one goes on", e);
        }
    }

    /** Runs a job on the executor, or on a thread of the container. Returns whether one took it. */
    private boolean execute(Runnable job) {
        if (executor != null) {
            try {
                executor.execute(job);
                return true;
            } catch (RejectedExecutionException e) {
                logger.debug("the executor did not take a job, the next tick tries again", e);
                return false;
            }
        }
        for (Connection connection : open) {
            if (connection.lendThread(job)) {
                return true;
            }
        }
        return false;
    }

    /**
     * As {@link #execute}, but while no stream has readers, so that no heartbeat can be late, the timer runs the job. A reader
     * that is being opened offers a thread soon.
     */
    private boolean executeAnywhere(Runnable job) {
        if (executor == null && !endpoint.hasReaders()) {
            job.run();
            return true;
        }
        return execute(job);
    }

    private void look() {
        Object run = new Object();
        for (Connection connection : open) {
            connection.look(run);
        }
    }

    private void checkIdle() {
        Object run = new Object();
        long now = now();
        for (Connection connection : open) {
            connection.checkKept(run, now, IDLE_MILLIS);
        }
    }

    /** Interrupts the connections one after the other, and gives up those that do not read. See {@link EventStreamServlet#drain}. */
    CompletableFuture<Void> drain() {
        if (draining.compareAndSet(false, true)) {
            endpoint.drain();
            List<Connection> all = new ArrayList<>(open);
            Collections.shuffle(all);
            for (int i = 0; i < all.size(); i++) {
                Connection connection = all.get(i);
                later(drainMillis * i / all.size(), () -> connection.interrupt(Feed.INTERRUPTED));
            }
            later(drainMillis + MAX_TICK_MILLIS, () -> open.forEach(Connection::giveUp));
            later(drainMillis + 2 * MAX_TICK_MILLIS, () -> drained.complete(null));
            completeIfDrained();
        }
        return drained;
    }

    /** Returns the longest time that a drain takes, in milliseconds. */
    long drainLimitMillis() {
        return drainMillis + 3 * MAX_TICK_MILLIS;
    }

    int size() {
        return open.size();
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored")
    public void later(long millis, Runnable action) {
        try {
            timer.schedule(action, millis, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            // The timer was shut down before the servlet, so there is no later.
            action.run();
        }
    }

    @Override
    public void opened(Connection connection) {
        open.add(connection);
        if (endpoint.isDraining()) {
            connection.interruptAtOnce(Feed.INTERRUPTED);
        }
    }

    @Override
    public void closed(Connection connection) {
        open.remove(connection);
        completeIfDrained();
    }

    private void completeIfDrained() {
        if (endpoint.isDraining() && open.isEmpty()) {
            drained.complete(null);
        }
    }

    @Override
    public long now() {
        return endpoint.now();
    }

    @Override
    public long writeDeadlineMillis() {
        return writeDeadlineMillis;
    }

    @Override
    public Container container() {
        return container;
    }
}
