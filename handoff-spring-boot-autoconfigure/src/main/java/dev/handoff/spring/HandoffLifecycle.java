// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.StreamEndpoint;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;

/**
 * Starts the workers after the web server, and stops the streams and the workers before it. Spring Boot's graceful shutdown waits for open
 * responses, so the streams must have ended before it begins. A context that was stopped can start again.
 *
 * <p>Each context has a lifecycle of its own, with its own streams. The tasks of a parent context go on when a child context stops.
 */
final class HandoffLifecycle implements SmartLifecycle {

    /** Higher phases stop first. Spring Boot's graceful shutdown of the web server has {@code DEFAULT_PHASE - 1024}. */
    static final int PHASE = DEFAULT_PHASE - 512;

    private static final Logger logger = LoggerFactory.getLogger(HandoffLifecycle.class);
    /** The drain of the streams ends at most 2 seconds after the drain window. This is one second more. */
    private static final Duration GRACE = Duration.ofSeconds(3);

    private final StreamEndpoint endpoint;
    private final @Nullable TaskStore tasks;
    private final HandoffProperties properties;
    private final @Nullable StreamDrain streams;
    private volatile boolean running;

    /**
     * Creates a lifecycle.
     *
     * @param tasks the tasks of this context; null if they belong to its parent
     * @param streams the streaming server of this context; null if it has none
     */
    HandoffLifecycle(
            StreamEndpoint endpoint,
            @Nullable TaskStore tasks,
            HandoffProperties properties,
            @Nullable StreamDrain streams) {
        this.endpoint = endpoint;
        this.tasks = tasks;
        this.properties = properties;
        this.streams = streams;
    }

    @Override
    public void start() {
        running = true;
        if (tasks != null) {
            tasks.start();
        }
        // After the tasks, because an endpoint that drains shows that the process is not ready. Changes nothing at the
        // first start.
        endpoint.reopen();
        if (streams != null) {
            streams.reopen();
        }
    }

    /**
     * Interrupts the streams over the drain window. Meanwhile running tasks go on, so that readers that are still connected can receive the
     * end.
     */
    @Override
    public void stop() {
        if (!running) {
            return;
        }
        running = false;
        endpoint.drain();
        CompletableFuture<Void> drained = streams == null ? CompletableFuture.completedFuture(null) : streams.drain();
        if (tasks != null) {
            tasks.finish(properties.finishWithin());
        }
        await(drained);
    }

    private void await(CompletableFuture<Void> drained) {
        try {
            drained.get(properties.drainWindow().plus(GRACE).toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            logger.warn(
                    "some streams are still open after {}",
                    properties.drainWindow().plus(GRACE));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    /** Returns false, so that Spring 7 does not interrupt streams and tasks when it pauses a context between tests. */
    public boolean isPauseable() {
        return false;
    }
}
