// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import io.micrometer.context.ContextSnapshot;
import io.micrometer.context.ContextSnapshotFactory;
import java.util.Map;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.MDC;

/**
 * Passes the context of the thread that submits a job to the thread that runs it. The context has the values of all registered {@code
 * ThreadLocalAccessor}s, such as the observation of Micrometer and the security context of Spring Security. It also has the MDC, for which
 * no accessor is registered by default.
 */
final class ContextCapture implements ExecutorDecorator {

    private final ContextSnapshotFactory snapshots =
            ContextSnapshotFactory.builder().build();

    @Override
    public Executor decorate(Executor executor) {
        return job -> {
            ContextSnapshot snapshot = snapshots.captureAll();
            Map<String, String> mdc = MDC.getCopyOfContextMap();
            executor.execute(() -> run(job, snapshot, mdc));
        };
    }

    private static void run(Runnable job, ContextSnapshot snapshot, @Nullable Map<String, String> mdc) {
        Map<String, String> before = MDC.getCopyOfContextMap();
        set(mdc);
        try (ContextSnapshot.Scope scope = snapshot.setThreadLocals()) {
            job.run();
        } finally {
            set(before);
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
