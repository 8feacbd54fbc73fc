// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import dev.handoff.http.ProblemException;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.SseReader;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** One trace of a request, the run of its task and the delivery of the first event, over real HTTP. */
@Timeout(60)
class TraceTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";

    private final Tracer tracer = new Tracer();
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

    @AfterEach
    void close() {
        tracer.close();
    }

    private TracedServer server(TaskHandler handler) throws Exception {
        return new TracedServer(tracer, HandoffMetrics.of(meters), handler);
    }

    private SpanData span(String name) {
        await().until(() -> tracer.ended(name).isPresent());
        return tracer.ended(name).orElseThrow();
    }

    private static void assertSpan(SpanData span, SpanKind kind, String parentSpanId) {
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(span.getKind()).isEqualTo(kind);
        assertThat(span.getParentSpanId()).isEqualTo(parentSpanId);
        assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
    }

    @Test
    @DisplayName("request, dispatch, handler and delivery of the first event have the trace that the client began")
    void oneTrace() throws Exception {
        BlockingQueue<String> inHandler = new LinkedBlockingQueue<>();
        TaskHandler handler = (task, output) -> {
            inHandler.add(tracer.currentTraceId().orElse("none"));
            inHandler.add(task.attributes().get("traceparent"));
            output.emit("a page about " + task.payload());
        };
        try (TracedServer server = server(handler)) {
            String location = server.post("tea", "traceparent", PARENT);
            assertThat(new SseReader(server.get(location)).toEnd()).hasSize(2);

            SpanData request = span("http post");
            SpanData dispatch = span("dispatch report");
            SpanData process = span("process report");
            SpanData grant = span("grant stream");
            SpanData deliver = span("deliver stream");
            assertSpan(request, SpanKind.SERVER, "b7ad6b7169203331");
            assertSpan(dispatch, SpanKind.PRODUCER, request.getSpanId());
            assertSpan(process, SpanKind.CONSUMER, dispatch.getSpanId());
            assertSpan(grant, SpanKind.PRODUCER, request.getSpanId());
            assertSpan(deliver, SpanKind.CONSUMER, grant.getSpanId());

            assertThat(inHandler.take()).isEqualTo(TRACE);
            assertThat(inHandler.take()).startsWith(Tracer.context(dispatch));
            String taskId = Tracer.key(dispatch, "handoff.task.id");
            assertThat(taskId).hasSize(32);
            assertThat(List.of(process, deliver)).allMatch(s -> taskId.equals(Tracer.key(s, "handoff.task.id")));
            assertThat(List.of(dispatch, process)).allMatch(s -> "report".equals(Tracer.key(s, "handoff.task.type")));
            assertThat(Tracer.key(process, "handoff.outcome")).isEqualTo("completed");
            assertThat(Tracer.key(deliver, "handoff.outcome")).isEqualTo("delivered");
            assertThat(Tracer.key(deliver, "handoff.stream.format")).isEqualTo("standard");
            // The metrics of the same request.
            await().until(() -> meters.get("handoff.delivery.events").counter().count() == 2);
            assertThat(meters.get("handoff.tasks.accepted")
                            .tag("type", "report")
                            .counter()
                            .count())
                    .isEqualTo(1);
        }
    }

    @Test
    @DisplayName("a handler that fails marks its span, and the other spans of the trace are not failed")
    void failure() throws Exception {
        TaskHandler handler = (task, output) -> {
            throw new ProblemException(502, "upstream_failed", "The model did not answer.");
        };
        try (TracedServer server = server(handler)) {
            String location = server.post("tea", "traceparent", PARENT);
            assertThat(new SseReader(server.get(location)).toEnd())
                    .extracting(SseReader.Received::type)
                    .containsExactly("failed");
            SpanData process = span("process report");
            assertThat(process.getTraceId()).isEqualTo(TRACE);
            assertThat(process.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
            assertThat(process.getEvents()).hasSize(1);
            assertThat(Tracer.key(process, "handoff.outcome")).isEqualTo("failed");
            assertThat(List.of(span("dispatch report"), span("deliver stream")))
                    .allMatch(s -> s.getStatus().getStatusCode() == StatusCode.UNSET);
        }
    }

    @Test
    @DisplayName("the span of an asynchronous handler ends with its stage, before the reader has the end")
    void asynchronous() throws Exception {
        BlockingQueue<String> inHandler = new LinkedBlockingQueue<>();
        CompletableFuture<Void> stage = new CompletableFuture<>();
        TaskHandler handler = TaskHandler.async((task, output) -> {
            output.emit("first");
            inHandler.add(tracer.currentTraceId().orElse("none"));
            return stage;
        });
        try (TracedServer server = server(handler)) {
            SseReader reader = new SseReader(server.get(server.post("tea", "traceparent", PARENT)));
            assertThat(reader.next()).isPresent();
            assertThat(inHandler.take()).isEqualTo(TRACE);
            assertThat(tracer.ended("process report")).isEmpty();
            stage.completeExceptionally(new IllegalStateException("a test of a stage that fails"));
            assertThat(reader.toEnd()).hasSize(1);
            SpanData process = tracer.ended("process report").orElseThrow();
            assertThat(process.getTraceId()).isEqualTo(TRACE);
            assertThat(process.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
        }
    }

    @Test
    @DisplayName("the span of a run that is cancelled ends although its stage never completes, and has not failed")
    void cancelled() throws Exception {
        TaskHandler handler = TaskHandler.async((task, output) -> new CompletableFuture<>());
        try (TracedServer server = server(handler)) {
            String location = server.post("tea", "traceparent", PARENT);
            await().until(() -> meters.find("handoff.tasks.wait").timer() != null);
            assertThat(server.delete(location)).isEqualTo(202);
            SpanData process = span("process report");
            assertThat(process.getStatus().getStatusCode()).isEqualTo(StatusCode.UNSET);
            assertThat(Tracer.key(process, "handoff.outcome")).isEqualTo("cancelled");
        }
    }

    @Test
    @DisplayName(
            "a request that joins an earlier task has a delivery in its own trace, and the task runs in that of the first")
    void joined() throws Exception {
        BlockingQueue<String> inHandler = new LinkedBlockingQueue<>();
        TaskHandler handler =
                (task, output) -> inHandler.add(tracer.currentTraceId().orElse("none"));
        String otherTrace = TRACE.replace('0', '1');
        try (TracedServer server = server(handler)) {
            String key = "\"5f2c7a52-8f0e-4d0f-a8c0-3a3f6f6f8a11\"";
            server.post("tea", "traceparent", PARENT, "Idempotency-Key", key);
            String joined =
                    server.post("tea", "traceparent", PARENT.replace(TRACE, otherTrace), "Idempotency-Key", key);
            new SseReader(server.get(joined)).toEnd();
            assertThat(span("deliver stream").getTraceId()).isEqualTo(otherTrace);
            assertThat(inHandler.poll(20, TimeUnit.SECONDS)).isEqualTo(TRACE);
            assertThat(inHandler).isEmpty();
        }
    }

    @Test
    @DisplayName("the lines that are logged about a dispatch, a run and a reader are in the trace")
    void logged() throws Exception {
        Logger logger = (Logger) LoggerFactory.getLogger(HandoffTracing.class.getPackageName());
        List<String> lines = new CopyOnWriteArrayList<>();
        AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
            @Override
            protected void append(ILoggingEvent event) {
                lines.add(tracer.currentTraceId().orElse("none") + ' ' + event.getMessage());
            }
        };
        appender.start();
        Level level = logger.getLevel();
        logger.setLevel(Level.DEBUG);
        logger.addAppender(appender);
        try (TracedServer server = server((task, output) -> output.emit("a"))) {
            new SseReader(server.get(server.post("tea", "traceparent", PARENT))).toEnd();
            assertThat(lines)
                    .containsExactlyInAnyOrder(
                            TRACE + " task {} of type {} was dispatched",
                            TRACE + " a run of task {} of type {} begins",
                            TRACE + " a reader of stream {} is connected",
                            TRACE + " a reader of stream {} was sent its first event");
        } finally {
            logger.detachAppender(appender);
            logger.setLevel(level);
        }
    }
}
