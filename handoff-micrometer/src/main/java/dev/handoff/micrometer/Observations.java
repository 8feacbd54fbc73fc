// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.check.Errors;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.ReceiverContext;
import io.micrometer.observation.transport.SenderContext;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts observations that pass on a trace context in text fields, such as {@code traceparent}. Logs what observation handlers throw.
 * Thread-safe.
 */
final class Observations {

    private static final Logger logger = LoggerFactory.getLogger(Observations.class);

    private final ObservationRegistry registry;
    private volatile boolean failed;

    Observations(ObservationRegistry registry) {
        this.registry = registry;
    }

    /**
     * The names and the keys of an observation.
     *
     * @param name the name of the observation
     * @param spanName the name of its span
     * @param low the keys with few values
     * @param high the keys with many values
     */
    record Label(String name, String spanName, KeyValues low, KeyValues high) {}

    /** Returns whether the registry has no observation handler, so that an observation would have no effect. */
    boolean areOff() {
        return registry.isNoop();
    }

    /** Starts an observation that sends something, and lets the propagator of the tracer add its fields. */
    GuardedObservation send(Label label, Map<String, String> fields) {
        return start(label, () -> {
            SenderContext<Map<String, String>> context =
                    new SenderContext<>((carrier, name, value) -> fields.put(name, value), Kind.PRODUCER);
            context.setCarrier(fields);
            return context;
        });
    }

    /** Starts an observation that receives something. It continues the trace that the fields name. */
    GuardedObservation receive(Label label, Map<String, String> fields) {
        return start(label, () -> {
            ReceiverContext<Map<String, String>> context =
                    new ReceiverContext<>((carrier, name) -> fields.get(name), Kind.CONSUMER);
            context.setCarrier(fields);
            return context;
        });
    }

    private <C extends Observation.Context> GuardedObservation start(Label label, Supplier<C> context) {
        Observation observation = Observation.NOOP;
        try {
            observation = Observation.createNotStarted(label.name(), context, registry)
                    .contextualName(label.spanName())
                    .lowCardinalityKeyValues(label.low())
                    .highCardinalityKeyValues(label.high());
            observation.start();
        } catch (Throwable e) {
            log(e);
        }
        return new GuardedObservation(observation, this);
    }

    /** Ends the scope of an observation in this thread. Called after a handler threw while the scope was opened or closed. */
    void leaveScope(Observation observation) {
        Observation.Scope current = registry.getCurrentObservationScope();
        if (current != null && current.getCurrentObservation() == observation) {
            registry.setCurrentObservationScope(current.getPreviousObservationScope());
        }
    }

    /** Logs what a handler of observations threw. */
    void log(Throwable e) {
        Errors.rethrowFatal(e);
        if (failed) {
            logger.debug("a handler of observations threw an exception again", e);
        } else {
            failed = true;
            logger.warn("a handler of observations threw an exception; further ones are logged at debug level", e);
        }
    }
}
