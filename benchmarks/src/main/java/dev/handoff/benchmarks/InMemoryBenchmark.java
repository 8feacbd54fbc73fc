// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * Measures the time per event of appends and reads in memory. Each invocation writes a whole new stream, or reads a whole stream, because a
 * stream cannot grow without a limit.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class InMemoryBenchmark {

    private static final int EVENTS = 1024;

    /** The number of events that the servlet reads at a time. */
    private static final int BATCH = 64;

    private static final String ID = "0123456789abcdef0123456789abcdef";

    private final String data = "x".repeat(100);
    private final EventStream written = write(InMemoryEventStore.create());

    private EventStream write(EventStore store) {
        EventAppender appender = store.appender(ID, 1);
        for (int i = 0; i < EVENTS; i++) {
            appender.append(null, data);
        }
        return store.open(ID);
    }

    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public EventStream append() {
        return write(InMemoryEventStore.create());
    }

    /** Measures appends to a stream with a reader that reads each event when its hint runs. */
    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public EventStream appendWatched(Blackhole blackhole) {
        EventStore store = InMemoryEventStore.create();
        EventStream stream = store.open(ID);
        stream.watch(() -> blackhole.consume(stream.read(stream.last() - 1, BATCH)));
        return write(store);
    }

    @Benchmark
    @OperationsPerInvocation(EVENTS)
    public void read(Blackhole blackhole) {
        for (long after = EventStream.BEGINNING; after < EVENTS - 1; ) {
            EventStream.Batch batch = written.read(after, BATCH);
            batch.events().forEach(blackhole::consume);
            after = batch.last();
        }
    }
}
