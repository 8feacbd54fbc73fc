// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.ReaderObserver;
import dev.handoff.http.HandoffRequest;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.token.Grant;
import io.micrometer.common.KeyValues;
import io.micrometer.observation.ObservationRegistry;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/**
 * Makes one trace of a request, the run of its task, and the delivery of the first event, through the Observation API of Micrometer. The
 * application brings the tracer. {@code docs/observing.md} lists the observations.
 *
 * <pre>{@code
 * HandoffTracing tracing = HandoffTracing.of(observationRegistry);
 * TaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
 *         .handler("report", tracing.handler((task, output) -> output.emit("a page about " + task.payload())))
 *         .build();
 * Handoff handoff = Handoff.builder(tracing.dispatcher(dispatcher), store, TokenSealer.of(secret))
 *         .claims(tracing.claims(request -> Map.of()))
 *         .build();
 * StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
 *         .readerObserver(tracing::reader)
 *         .build();
 * }</pre>
 *
 * <p>The trace context travels in two ways: to the worker in the attributes of the task, and to the streaming server in the claims of the
 * token. The propagator of the tracer decides which fields these are, such as {@code traceparent} and {@code tracestate} of W3C Trace
 * Context. This class does not observe the request itself, because servers and frameworks do. The dispatch is a child of the observation
 * that is current in the calling thread.
 *
 * <p>Thread-safe. The methods call the observation handlers of the registry, which should not block. If such a handler throws, this class
 * logs the exception, and tasks and readers go on.
 */
public final class HandoffTracing {

    private final Observations observations;
    private final TaskLabels labels = new TaskLabels();
    private final Capped<String> formats = new Capped<>(format -> format);

    private HandoffTracing(ObservationRegistry registry) {
        this.observations = new Observations(registry);
    }

    /** Returns the tracing that reports to a registry. */
    public static HandoffTracing of(ObservationRegistry registry) {
        return new HandoffTracing(registry);
    }

    /**
     * Returns a dispatcher that observes each dispatch and adds the trace context to the {@linkplain Task#attributes attributes} of the
     * task. It replaces attributes that have the names of these fields. A retry that joins an earlier task does not change the trace of
     * that task.
     */
    public TaskDispatcher dispatcher(TaskDispatcher dispatcher) {
        return new ObservedDispatcher(dispatcher, observations, labels);
    }

    /**
     * Returns a handler that continues the trace of the task. The observation is the current one of the thread in which the handler is
     * called. It stops when the handler returns, and for {@link TaskHandler#async} when the stage completes or the run is cancelled. It has
     * an error if the handler fails, but not if the run was cancelled.
     */
    public TaskHandler handler(TaskHandler handler) {
        return new ObservedHandler(handler, observations, labels);
    }

    /**
     * Returns a function for {@link Handoff.Builder#claims} that adds the trace context to the claims that another function returns. It
     * adds at most 256 bytes, and only the fields for which a {@link Grant} has room. It does not replace claims.
     */
    public Function<HandoffRequest, Map<String, String>> claims(Function<HandoffRequest, Map<String, String>> claims) {
        return request -> {
            Map<String, String> own =
                    Objects.requireNonNull(claims.apply(request), "the function that sets claims returned null");
            return observations.areOff() ? own : TraceClaims.with(own, currentContext());
        };
    }

    /** Returns the fields of a child of the current observation. The tracer writes them only for an observation that sends something. */
    private Map<String, String> currentContext() {
        Map<String, String> fields = new LinkedHashMap<>();
        observations
                .send(
                        new Observations.Label(
                                "handoff.stream.grant", "grant stream", KeyValues.empty(), KeyValues.empty()),
                        fields)
                .stop(null, null);
        return fields;
    }

    /**
     * Starts the observation of a reader and returns its observer, for {@link StreamEndpoint.Builder#readerObserver}. The observation stops
     * when the reader is sent the first bytes of its stream, or when its response ends before that. It continues the trace of the request
     * that led this client to the stream.
     *
     * @param grant the grant of the token of the reader
     */
    public ReaderObserver reader(Grant grant) {
        if (observations.areOff()) {
            return ReaderObserver.NONE;
        }
        Observations.Label label = new Observations.Label(
                "handoff.stream.deliver",
                "deliver stream",
                KeyValues.of("handoff.stream.format", formats.get(grant.format())),
                KeyValues.of(TaskLabels.TASK_ID, grant.streamId()));
        return new ObservedDelivery(grant.streamId(), observations.receive(label, grant.claims()));
    }
}
