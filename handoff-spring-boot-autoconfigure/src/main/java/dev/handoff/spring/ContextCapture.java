// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Passes the context of the thread that submits a job to the thread that runs it. The context has the values of all registered {@code
 * ThreadLocalAccessor}s, such as the observation of Micrometer and the security context of Spring Security. It also has the MDC, for which
 * no accessor is registered by default.
 */
final class ContextCapture implements ExecutorDecorator {

    private static final Logger logger = LoggerFactory.getLogger(ContextCapture.class);

    private final ContextSnapshotFactory snapshots =
            ContextSnapshotFactory.builder().build();

    @Override
    public Executor decorate(Executor executor) {
        return job -> {
            ContextSnapshot snapshot = capture();
            Map<String, String> mdc = MDC.getCopyOfContextMap();
            executor.execute(() -> run(job, snapshot, mdc));
        };
    }

    private @Nullable ContextSnapshot capture() {
        try {
            return snapshots.captureAll();
        } catch (RuntimeException e) {
            logger.warn("the context of a request could not be read, so its handler runs without it", e);
            return null;
        }
    }

    /** Runs the job, also if an accessor of the context fails. */
    private static void run(Runnable job, @Nullable ContextSnapshot snapshot, @Nullable Map<String, String> mdc) {
        Map<String, String> before = MDC.getCopyOfContextMap();
        set(mdc);
        ContextSnapshot.@Nullable Scope scope = open(snapshot);
        try {
            job.run();
        } finally {
            close(scope);
            set(before);
        }
    }

    private static ContextSnapshot.@Nullable Scope open(@Nullable ContextSnapshot snapshot) {
        try {
            return snapshot == null ? null : snapshot.setThreadLocals();
        } catch (RuntimeException e) {
            logger.warn("the context of a request could not be set, so its handler runs without it", e);
            return null;
        }
    }

    private static void close(ContextSnapshot.@Nullable Scope scope) {
        try {
            if (scope != null) {
                scope.close();
            }
        } catch (RuntimeException e) {
            logger.warn("the context of a request could not be removed from the thread of its handler", e);
        }
    }

    private static void set(@Nullable Map<String, String> mdc) {
        if (mdc == null) {
            MDC.clear();
        } else {
            MDC.setContextMap(mdc);
        }
    }
}
