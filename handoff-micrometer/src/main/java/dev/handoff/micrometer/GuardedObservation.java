// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import io.micrometer.observation.Observation;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * An observation that was started. If an observation handler throws, the methods log the exception and return, so that tasks and readers go
 * on. Thread-safe.
 */
final class GuardedObservation {

    /** The key of the outcome, which {@link #stop} sets. */
    static final String OUTCOME = "handoff.outcome";

    private final Observation observation;
    private final Observations observations;
    private final AtomicBoolean stopped = new AtomicBoolean();

    GuardedObservation(Observation observation, Observations observations) {
        this.observation = observation;
        this.observations = observations;
    }

    /** The time during which an observation is the current one of a thread. */
    interface Scope extends AutoCloseable {

        @Override
        void close();
    }

    /** Makes the observation the current one of this thread, until the same thread closes the scope. */
    Scope openScope() {
        try {
            Observation.Scope scope = observation.openScope();
            return () -> {
                try {
                    scope.close();
                } catch (Throwable e) {
                    observations.leaveScope(observation);
                    observations.log(e);
                }
            };
        } catch (Throwable e) {
            observations.leaveScope(observation);
            observations.log(e);
            return () -> {};
        }
    }

    boolean isStopped() {
        return stopped.get();
    }

    /**
     * Stops the observation. Does nothing if it was stopped before.
     *
     * @param outcome the outcome of the work; null if it has none
     * @param error why the work failed; null if it did not
     */
    void stop(@Nullable String outcome, @Nullable Throwable error) {
        if (stopped.compareAndSet(false, true)) {
            try {
                if (outcome != null) {
                    observation.lowCardinalityKeyValue(OUTCOME, outcome);
                }
                if (error != null) {
                    observation.error(error);
                }
            } catch (Throwable e) {
                observations.log(e);
            }
            try {
                observation.stop();
            } catch (Throwable e) {
                observations.log(e);
            }
        }
    }
}
