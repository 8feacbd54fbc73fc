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
 * responses, so the streams must have ended before it begins.
 */
final class HandoffLifecycle implements SmartLifecycle {

    /** Higher phases stop first. Spring Boot's graceful shutdown of the web server has {@code DEFAULT_PHASE - 1024}. */
    static final int PHASE = DEFAULT_PHASE - 512;

    private static final Logger logger = LoggerFactory.getLogger(HandoffLifecycle.class);
    /** The drain of the streams ends at most 2 seconds after the drain window. This is one second more. */
    private static final Duration GRACE = Duration.ofSeconds(3);

    private final StreamEndpoint endpoint;
    private final TaskStore tasks;
    private final HandoffProperties properties;
    private final @Nullable StreamDrain streams;
    private volatile boolean running;

    HandoffLifecycle(
            StreamEndpoint endpoint, TaskStore tasks, HandoffProperties properties, @Nullable StreamDrain streams) {
        this.endpoint = endpoint;
        this.tasks = tasks;
        this.properties = properties;
        this.streams = streams;
    }

    @Override
    public void start() {
        running = true;
        tasks.start();
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
        tasks.finish(properties.finishWithin());
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

    /** Returns false, so that Spring 7 does not stop the streams of a context that it pauses between tests. They could not start again. */
    public boolean isPauseable() {
        return false;
    }
}
