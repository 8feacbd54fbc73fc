// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.EventFeed;
import dev.handoff.http.HandoffRequest;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.micrometer.HandoffMetrics;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Measures the time per event from the append to the bytes of the response, with metrics and without. An invocation opens a stream with
 * one reader, to which each event is delivered alone.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(3)
public class MetricsBenchmark {

    private static final int EVENTS = 1024;
    private static final Task TASK = Task.of(Storm.TASK_TYPE, "rate=1");

    /** An observer of the server. */
    public enum Observer {
        none {
            @Override
            HandoffObserver create() {
                return HandoffObserver.NONE;
            }
        },
        micrometer {
            @Override
            HandoffObserver create() {
                return HandoffMetrics.of(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT));
            }
        };

        abstract HandoffObserver create();
    }

    @Param
    private Observer observer = Observer.none;

    private final String data = "x".repeat(100);
    private final OutputStream out = OutputStream.nullOutputStream();
    private final TokenSealer sealer = TokenSealer.of("a secret that is only for this benchmark");
    private final String path = "/"
            + sealer.seal(new Grant(
                    TASK.id(),
                    Set.of(Grant.Right.READ),
                    "standard",
                    null,
                    Instant.now().plusSeconds(86_400)));
    private HandoffObserver observing = HandoffObserver.NONE;

    @Setup(Level.Trial)
    public void observe() {
        observing = observer.create();
    }

    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public long deliver() throws IOException {
        EventStore store = InMemoryEventStore.create();
        TaskDispatcher dispatcher = new BeatDispatcher(store, new Beat());
        dispatcher.dispatch(TASK);
        EventAppender appender = store.appender(TASK.id(), 2);
        appender.append(null, data);
        Handoff handoff =
                Handoff.builder(dispatcher, store, sealer).observer(observing).build();
        StreamEndpoint endpoint = StreamEndpoint.of(handoff);
        EventFeed feed = ((StreamEndpoint.Events) endpoint.answer(new Get(path), path)).feed();
        feed.open(() -> {});
        for (int i = 1; i < EVENTS; i++) {
            feed.produce(out);
            appender.append(null, data);
        }
        feed.produce(out);
        endpoint.reportReaders();
        feed.close();
        return feed.position();
    }

    /** A request for a stream. */
    private record Get(String path) implements HandoffRequest {

        @Override
        public String method() {
            return "GET";
        }

        @Override
        public @Nullable String query() {
            return null;
        }

        @Override
        public @Nullable String header(String name) {
            return null;
        }

        @Override
        public @Nullable String subject() {
            return null;
        }

        @Override
        public String body() {
            return "";
        }

        @Override
        public byte[] bodyBytes() {
            return new byte[0];
        }
    }
}
