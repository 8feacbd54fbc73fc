// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.tracing.handler.DefaultTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingReceiverTracingObservationHandler;
import io.micrometer.tracing.handler.PropagatingSenderTracingObservationHandler;
import io.micrometer.tracing.otel.bridge.OtelCurrentTraceContext;
import io.micrometer.tracing.otel.bridge.OtelPropagator;
import io.micrometer.tracing.otel.bridge.OtelTracer;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.sdk.testing.exporter.InMemorySpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** A tracer of OpenTelemetry behind a registry of observations, as Spring Boot sets it up. It keeps the spans that have ended. */
final class Tracer implements AutoCloseable {

    private final InMemorySpanExporter exporter = InMemorySpanExporter.create();
    private final SdkTracerProvider provider = SdkTracerProvider.builder()
            .addSpanProcessor(SimpleSpanProcessor.create(exporter))
            .build();
    private final OtelTracer tracer;
    final ObservationRegistry registry = ObservationRegistry.create();

    Tracer() {
        io.opentelemetry.api.trace.Tracer spans = provider.get("test");
        tracer = new OtelTracer(spans, new OtelCurrentTraceContext(), event -> {});
        OtelPropagator propagator =
                new OtelPropagator(ContextPropagators.create(W3CTraceContextPropagator.getInstance()), spans);
        registry.observationConfig()
                .observationHandler(new ObservationHandler.FirstMatchingCompositeObservationHandler(
                        new PropagatingSenderTracingObservationHandler<>(tracer, propagator),
                        new PropagatingReceiverTracingObservationHandler<>(tracer, propagator),
                        new DefaultTracingObservationHandler(tracer)));
    }

    /** Returns the id of the trace of this thread; empty if it has none. */
    Optional<String> currentTraceId() {
        return Optional.ofNullable(tracer.currentSpan())
                .map(span -> span.context().traceId());
    }

    /** Returns the spans that have ended, in the order of their ends. */
    List<SpanData> ended() {
        return exporter.getFinishedSpanItems();
    }

    /** Returns the span with a name that has ended first. */
    Optional<SpanData> ended(String name) {
        return ended().stream().filter(span -> span.getName().equals(name)).findFirst();
    }

    /** Returns the value of a key of a span; {@code none} if it has no such key. */
    static String key(SpanData span, String name) {
        return Objects.requireNonNullElse(span.getAttributes().get(AttributeKey.stringKey(name)), "none");
    }

    /** Returns the {@code traceparent} of a span without its flags, which depend on the version of OpenTelemetry. */
    static String context(SpanData span) {
        return "00-" + span.getTraceId() + '-' + span.getSpanId() + '-';
    }

    @Override
    public void close() {
        provider.close();
    }
}
