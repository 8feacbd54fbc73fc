// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.Feed;
import dev.handoff.http.ProblemCode;
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
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds the open connections of a streaming server and runs their periodic work. About once a second it checks deadlines, sends heartbeats,
 * reads streams again in case a hint was lost, checks idle streams, and reports which streams have readers.
 *
 * <p>Thread-safe.
 */
final class Connections implements StreamingServer {

    static final long MAX_TICK_MILLIS = 1000;

    private static final Logger logger = LoggerFactory.getLogger(Connections.class);
    /** How long a stream may be without an event before it is checked. */
    private static final long IDLE_MILLIS = 5000;
    /** How many threads may read streams again at the same time, in case the store blocks some of them. */
    private static final int MAX_LOOKS = 8;
    /** How many threads may check idle streams at the same time. The limit is lower because a check costs the store more than a read. */
    private static final int MAX_CHECKS = 2;
    /** How many threads may report readers at the same time, in case cancel actions block some of them. */
    private static final int MAX_REPORTS = 4;

    private final StreamEndpoint endpoint;
    private final ScheduledExecutorService timer;
    private final @Nullable Executor executor;
    private final long writeDeadlineMillis;
    private final long drainMillis;

    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private final Job look = new Job("the re-read of streams", MAX_LOOKS, this::look);
    private final Job idleCheck = new Job("the check of idle streams", MAX_CHECKS, this::checkIdle);
    private final Job report;
    /** Completes when the drain has ended; null if the server does not drain. */
    private final AtomicReference<@Nullable CompletableFuture<Void>> drained = new AtomicReference<>();

    private final AtomicBoolean asyncMissing = new AtomicBoolean();
    private volatile Container container = Container.OTHER;
    private volatile @Nullable ScheduledFuture<?> ticking;

    /** @param executor runs the calls that may block; null to run them on threads of the container */
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

    /** Starts the periodic work. */
    void start(Container container) {
        this.container = container;
        long shortest = Math.min(endpoint.heartbeat().toMillis(), writeDeadlineMillis);
        long period = Math.max(1, Math.min(MAX_TICK_MILLIS, shortest / 2));
        ticking = timer.scheduleWithFixedDelay(this::tick, period, period, TimeUnit.MILLISECONDS);
    }

    /** Stops the periodic work. */
    void stop() {
        ScheduledFuture<?> job = ticking;
        if (job != null) {
            job.cancel(false);
        }
    }

    /**
     * Checks that a request supports asynchronous processing.
     *
     * @throws ProblemException with status 500 if it does not. The problem names the setting to change. Only the first one is logged
     */
    void requireAsync(HttpServletRequest request, String servlet) {
        if (!request.isAsyncSupported()) {
            String detail = "The servlet \"" + servlet + "\" needs async support: set asyncSupported=true on it"
                    + " and on every filter that the request passes before it.";
            if (asyncMissing.compareAndSet(false, true)) {
                logger.error(detail);
            }
            throw ProblemCode.ASYNC_NOT_SUPPORTED.exception(detail);
        }
    }

    /** Runs on the timer. It hands calls that may block, to the application and to the store, to other threads. */
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
            // A timer cancels a periodic job that throws. Then no client would get another heartbeat.
            logger.error("the periodic work failed, the timer runs it again", e);
        }
    }

    /** Runs a job on the executor, or without one on a thread of the container. Returns false if no thread accepted the job. */
    private boolean execute(Runnable job) {
        if (executor != null) {
            try {
                executor.execute(job);
                return true;
            } catch (RejectedExecutionException e) {
                logger.debug("the executor rejected a job, the next tick tries again", e);
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
     * Runs a job like {@link #execute}. If there is neither an executor nor a reader, the timer runs the job. It may block then, because
     * there is no heartbeat that it could delay.
     *
     * <p>A reader that opens meanwhile soon provides a thread of the container.
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

    /** Interrupts the connections one after the other and aborts those whose clients do not read. See {@link EventStreamServlet#drain}. */
    CompletableFuture<Void> drain() {
        CompletableFuture<Void> end = new CompletableFuture<>();
        CompletableFuture<Void> other = drained.compareAndExchange(null, end);
        if (other != null) {
            return other;
        }
        endpoint.drain();
        List<Connection> all = new ArrayList<>(open);
        Collections.shuffle(all);
        for (int i = 0; i < all.size(); i++) {
            Connection connection = all.get(i);
            later(drainMillis * i / all.size(), () -> connection.interrupt(Feed.INTERRUPTED));
        }
        later(drainMillis + MAX_TICK_MILLIS, () -> {
            // Connections that opened after a reopen are not part of this drain.
            if (drained.get() == end) {
                open.forEach(Connection::giveUp);
            }
        });
        later(drainMillis + 2 * MAX_TICK_MILLIS, () -> end.complete(null));
        completeIfDrained();
        return end;
    }

    /** Opens new connections again after a drain. See {@link EventStreamServlet#reopen}. */
    void reopen() {
        drained.set(null);
        endpoint.reopen();
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
            // The timer was shut down before the servlet, so the action would never run.
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
        CompletableFuture<Void> end = drained.get();
        if (end != null && open.isEmpty()) {
            end.complete(null);
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
