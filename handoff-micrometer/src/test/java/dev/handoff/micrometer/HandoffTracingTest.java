// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.delivery.ReaderObserver;
import dev.handoff.execution.TaskRun;
import dev.handoff.http.HandoffRequest;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.stream.End;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.Grant;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.opentelemetry.api.trace.SpanId;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.sdk.trace.data.SpanData;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class HandoffTracingTest {

    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String PARENT = "00-" + TRACE + "-b7ad6b7169203331-01";
    private static final HandoffRequest REQUEST = (HandoffRequest) Proxy.newProxyInstance(
            HandoffRequest.class.getClassLoader(), new Class<?>[] {HandoffRequest.class}, (proxy, method, args) -> {
                throw new UnsupportedOperationException();
            });

    private final Tracer tracer = new Tracer();
    private final HandoffTracing tracing = HandoffTracing.of(tracer.registry);
    private final HandoffTracing off = HandoffTracing.of(ObservationRegistry.NOOP);
    private final InMemoryEventStore store = InMemoryEventStore.create();

    @AfterEach
    void close() {
        tracer.close();
    }

    /** Keeps the tasks that it is given. */
    private static final class Keeping implements TaskDispatcher {

        final List<Object> calls = new ArrayList<>();

        @Override
        public TaskStatus dispatch(Task task) {
            calls.add(task);
            return TaskStatus.of(task.id(), task.format(), TaskStatus.State.QUEUED, Instant.EPOCH);
        }

        @Override
        public Optional<TaskStatus> status(String taskId) {
            calls.add("status");
            return Optional.empty();
        }

        @Override
        public Optional<TaskStatus> latestLike(Task task, Duration within) {
            calls.add("latestLike");
            return Optional.empty();
        }

        @Override
        public boolean cancel(String taskId) {
            calls.add("cancel");
            return true;
        }

        @Override
        public void reportReaders(Collection<String> taskIds) {
            calls.add("reportReaders");
        }
    }

    private Optional<End> run(Task task, TaskHandler handler) {
        TaskRun run = new TaskRun(task, handler, () -> store.appender(task.id(), 1));
        run.start(Runnable::run, () -> {});
        return store.open(task.id()).end();
    }

    private static Grant grant(Map<String, String> claims) {
        Instant expires = Instant.now().plusSeconds(60);
        return new Grant(Task.of("a", "").id(), Set.of(Grant.Right.READ), "standard", null, expires, claims);
    }

    @Test
    @DisplayName("a dispatched task has its own attributes and the trace context, which replaces one that it had")
    void dispatch() {
        Keeping keeping = new Keeping();
        Task task = Task.of("report", "x").withAttributes(Map.of("language", "en", "traceparent", PARENT));
        tracing.dispatcher(keeping).dispatch(task);
        Task dispatched = (Task) keeping.calls.get(0);
        SpanData span = tracer.ended("dispatch report").orElseThrow();
        assertThat(dispatched.attributes())
                .containsOnlyKeys("language", "traceparent")
                .containsEntry("language", "en");
        assertThat(dispatched.attributes().get("traceparent")).startsWith(Tracer.context(span));
        assertThat(dispatched.withAttributes(task.attributes())).isEqualTo(task);

        tracing.dispatcher(keeping).accept(task);
        assertThat(((Task) keeping.calls.get(1)).attributes()).containsOnlyKeys("language", "traceparent");
    }

    @Test
    @DisplayName("a dispatch that is refused marks its span as failed, and the caller sees the exception")
    void dispatchFails() {
        IllegalStateException refusal = new IllegalStateException("a test of a dispatcher that fails");
        TaskDispatcher refusing = (TaskDispatcher) Proxy.newProxyInstance(
                TaskDispatcher.class.getClassLoader(), new Class<?>[] {TaskDispatcher.class}, (proxy, method, args) -> {
                    throw refusal;
                });
        assertThatThrownBy(() -> tracing.dispatcher(refusing).dispatch(Task.of("report", "x")))
                .isSameAs(refusal);
        assertThat(tracer.ended("dispatch report").orElseThrow().getStatus().getStatusCode())
                .isEqualTo(StatusCode.ERROR);
        assertThat(tracer.currentTraceId()).isEmpty();
    }

    @Test
    @DisplayName("all other calls reach the dispatcher")
    void otherCalls() {
        Keeping keeping = new Keeping();
        TaskDispatcher dispatcher = tracing.dispatcher(keeping);
        Task task = Task.of("report", "x");
        assertThat(dispatcher.status(task.id())).isEmpty();
        assertThat(dispatcher.latestLike(task, Duration.ofSeconds(1))).isEmpty();
        assertThat(dispatcher.cancel(task.id())).isTrue();
        dispatcher.reportReaders(List.of());
        assertThat(keeping.calls).containsExactly("status", "latestLike", "cancel", "reportReaders");
    }

    @Test
    @DisplayName(
            "a task that another program has queued runs in the trace of its attribute traceparent; without one it begins a trace")
    void handlerOfForeignTask() {
        TaskHandler handler = tracing.handler(
                (task, output) -> output.emit(tracer.currentTraceId().orElse("none")));
        run(Task.of("report", "x").withAttributes(Map.of("traceparent", PARENT)), handler);
        SpanData span = tracer.ended("process report").orElseThrow();
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(span.getParentSpanId()).isEqualTo("b7ad6b7169203331");
        run(Task.of("report", "x").withAttributes(Map.of("traceparent", "not one")), handler);
        assertThat(tracer.ended()).hasSize(2);
        assertThat(tracer.ended().get(1).getParentSpanId()).isEqualTo(SpanId.getInvalid());
        assertThat(tracer.currentTraceId()).isEmpty();
    }

    @Test
    @DisplayName("a handler that is run without a stage is observed, too")
    void synchronousRun() {
        Task task = Task.of("report", "x").withAttributes(Map.of("traceparent", PARENT));
        TaskHandler handler = tracing.handler((t, output) -> {
            throw new IllegalStateException("a test of a handler that fails");
        });
        new TaskRun(task, handler, () -> store.appender(task.id(), 1)).run();
        SpanData span = tracer.ended("process report").orElseThrow();
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(span.getStatus().getStatusCode()).isEqualTo(StatusCode.ERROR);
    }

    @Test
    @DisplayName("a handler that returns no stage fails its task and its span")
    void noStage() {
        TaskHandler broken = TaskHandler.async((task, output) -> null);
        assertThat(run(Task.of("report", "x"), tracing.handler(broken)).orElseThrow())
                .isInstanceOf(End.Failed.class);
        assertThat(tracer.ended("process report").orElseThrow().getStatus().getStatusCode())
                .isEqualTo(StatusCode.ERROR);
    }

    @Test
    @DisplayName("the claims of the application stay, and the trace context is added")
    void claims() {
        Map<String, String> claims =
                tracing.claims(request -> Map.of("tenant", "t1")).apply(REQUEST);
        SpanData span = tracer.ended("grant stream").orElseThrow();
        assertThat(claims).containsOnlyKeys("tenant", "traceparent").containsEntry("tenant", "t1");
        assertThat(claims.get("traceparent")).startsWith(Tracer.context(span));
        assertThatThrownBy(() -> tracing.claims(request -> null).apply(REQUEST))
                .isInstanceOf(NullPointerException.class)
                .hasMessageContaining("claims returned null");
    }

    @Test
    @DisplayName("a trace context is left out as far as the claims of the application leave no room or have its name")
    void roomForClaims() {
        Map<String, String> many = new HashMap<>();
        for (int i = 0; i < 16; i++) {
            many.put("c" + i, "v");
        }
        Map<String, String> long1024 = Map.of("c", "x".repeat(1023));
        Map<String, String> sameName = Map.of("traceparent", "mine");
        for (Map<String, String> own : List.of(many, long1024, sameName)) {
            Map<String, String> all = tracing.claims(request -> own).apply(REQUEST);
            assertThat(all).isEqualTo(own);
            assertThat(grant(all).claims()).isEqualTo(own);
        }
        // traceparent has 11 characters and its value 55: one byte less would not do.
        Map<String, String> all =
                tracing.claims(request -> Map.of("c", "x".repeat(1023 - 66))).apply(REQUEST);
        assertThat(grant(all).claims()).hasSize(2).containsKey("traceparent");
        assertThat(tracing.claims(request -> Map.of("c", "x".repeat(1024 - 66))).apply(REQUEST))
                .hasSize(1);
    }

    @Test
    @DisplayName("of a long trace context the token has 256 bytes at most")
    void longContext() {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("traceparent", PARENT);
        fields.put("tracestate", "x".repeat(512));
        fields.put("small", "y");
        assertThat(TraceClaims.with(Map.of(), fields)).containsOnlyKeys("traceparent", "small");
        fields.put("tracestate", "x".repeat(256 - 66 - 10));
        assertThat(TraceClaims.with(Map.of(), fields)).containsOnlyKeys("traceparent", "tracestate");
    }

    @Test
    @DisplayName("a reader that leaves before its first event has the reason of its close as outcome")
    void readerLeaves() {
        ReaderObserver reader = tracing.reader(grant(Map.of("traceparent", PARENT)));
        assertThat(tracer.ended()).isEmpty();
        reader.closed(ReaderEnd.CLIENT_GONE);
        SpanData span = tracer.ended("deliver stream").orElseThrow();
        assertThat(span.getTraceId()).isEqualTo(TRACE);
        assertThat(Tracer.key(span, "handoff.outcome")).isEqualTo("client_gone");
        reader.firstBytes();
        reader.closed(ReaderEnd.COMPLETED);
        assertThat(tracer.ended()).hasSize(1);
    }

    @Test
    @DisplayName("without a handler of observations nothing is added to tasks and tokens, and readers are not observed")
    void switchedOff() {
        Keeping keeping = new Keeping();
        Task task = Task.of("report", "x");
        off.dispatcher(keeping).dispatch(task);
        assertThat(keeping.calls).containsExactly(task);
        assertThat(off.claims(request -> Map.of("tenant", "t1")).apply(REQUEST)).isEqualTo(Map.of("tenant", "t1"));
        assertThat(off.reader(grant(Map.of()))).isSameAs(ReaderObserver.NONE);
        assertThat(run(task, off.handler((t, output) -> {}))).isEqualTo(Optional.of(End.completed(null)));
    }

    @Test
    @DisplayName("R16 a handler of observations that throws harms neither dispatch nor run nor token nor reader")
    void observationHandlerThrows() {
        for (String method : List.of("onStart", "onScopeOpened", "onScopeClosed", "onError", "onStop")) {
            ObservationRegistry registry = ObservationRegistry.create();
            registry.observationConfig().observationHandler(throwingIn(method));
            HandoffTracing harmed = HandoffTracing.of(registry);
            Keeping keeping = new Keeping();
            Task task = Task.of("report", "x");
            harmed.dispatcher(keeping).dispatch(task);
            assertThat(keeping.calls).containsExactly(task);
            assertThat(harmed.claims(request -> Map.of("tenant", "t1")).apply(REQUEST))
                    .isEqualTo(Map.of("tenant", "t1"));
            assertThat(run(task, harmed.handler((t, output) -> output.emit("a"))))
                    .isEqualTo(Optional.of(End.completed(null)));
            Task failing = Task.of("report", "x");
            assertThat(run(failing, harmed.handler((t, output) -> {
                                throw new IllegalStateException("a test of a handler that fails");
                            }))
                            .orElseThrow())
                    .isInstanceOf(End.Failed.class);
            ReaderObserver reader = harmed.reader(grant(Map.of()));
            reader.firstBytes();
            reader.closed(ReaderEnd.COMPLETED);
            assertThat(registry.getCurrentObservationScope()).isNull();
        }
    }

    @SuppressWarnings("unchecked")
    private static ObservationHandler<Observation.Context> throwingIn(String throwing) {
        return (ObservationHandler<Observation.Context>) Proxy.newProxyInstance(
                ObservationHandler.class.getClassLoader(),
                new Class<?>[] {ObservationHandler.class},
                (proxy, method, args) -> switch (method.getName()) {
                    case "supportsContext" -> true;
                    case "hashCode" -> System.identityHashCode(proxy);
                    case "equals" -> proxy == args[0];
                    default -> {
                        if (method.getName().equals(throwing)) {
                            throw new IllegalStateException("a test of a handler of observations that fails");
                        }
                        yield null;
                    }
                });
    }
}
