// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.http.ProblemCode;
import dev.handoff.observation.HandoffObserver;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Records the metrics of application servers, streaming servers, stores and workers in a registry of Micrometer. {@code docs/observing.md}
 * lists them.
 *
 * <pre>{@code
 * HandoffMetrics metrics = HandoffMetrics.of(meterRegistry);
 * TaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
 *         .observer(metrics)
 *         .handler("report", (task, output) -> output.emit("a page about " + task.payload()))
 *         .build();
 * Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of(secret))
 *         .observer(metrics)
 *         .build();
 * }</pre>
 *
 * <p>Create one object for each registry and give it to all parts of the process. A registry does not show the gauges of a second object.
 *
 * <p>Meters without tags, and those whose tag is a code of {@link ProblemCode}, exist from the start. Meters with the type of a task or the
 * name of a format exist from the first use of that type or format, for all outcomes and reasons at once. A tag has at most 100 values; all
 * further values count as {@code other}. This class keeps its meters, so the methods do not search the registry for them.
 *
 * <p>Thread-safe. Never blocks.
 */
public final class HandoffMetrics implements HandoffObserver {

    private final Capped<Counter> accepted;
    private final Capped<Counter> joined;
    private final Capped<Counter> resumed;
    private final Capped<Counter> refused;
    private final Capped<RunMeters> runs;
    private final Capped<ReaderMeters> readers;
    private final Counter deliveredEvents;
    private final Counter deliveredBytes;
    private final Counter heartbeats;
    private final StoreMeters store;
    private final Capped<Timer> queueWait;
    private final Capped<AtomicLong> queueLength;
    private final Timer sweep;
    private final Counter lost;
    private final Timer leaseAge;

    private HandoffMetrics(MeterRegistry registry) {
        accepted = new Capped<>(type -> Metric.TASKS_ACCEPTED.counter(registry, "type", type));
        joined = new Capped<>(type -> Metric.TASKS_JOINED.counter(registry, "type", type));
        resumed = new Capped<>(format -> Metric.REQUESTS_RESUMED.counter(registry, "format", format));
        refused = new Capped<>(code -> Metric.REQUESTS_REFUSED.counter(registry, "code", code));
        for (ProblemCode code : ProblemCode.values()) {
            refused.get(code.code());
        }
        runs = new Capped<>(type -> new RunMeters(registry, type));
        readers = new Capped<>(format -> new ReaderMeters(registry, format));
        deliveredEvents = Metric.DELIVERY_EVENTS.counter(registry);
        deliveredBytes = Metric.DELIVERY_BYTES.counter(registry);
        heartbeats = Metric.DELIVERY_HEARTBEATS.counter(registry);
        store = new StoreMeters(registry);
        queueWait = new Capped<>(type -> Metric.QUEUE_WAIT.timer(registry, "type", type));
        queueLength = new Capped<>(type -> Metric.QUEUE_LENGTH.gauge(registry, "type", type));
        sweep = Metric.SWEEP.timer(registry);
        lost = Metric.TASKS_LOST.counter(registry);
        leaseAge = Metric.LEASE_AGE.timer(registry);
    }

    /** Returns an observer that records its metrics in a registry. */
    public static HandoffMetrics of(MeterRegistry registry) {
        return new HandoffMetrics(registry);
    }

    @Override
    public void accepted(String type) {
        accepted.get(type).increment();
    }

    @Override
    public void joined(String type) {
        joined.get(type).increment();
    }

    @Override
    public void resumed(String format) {
        resumed.get(format).increment();
    }

    @Override
    public void refused(int status, String code) {
        refused.get(code).increment();
    }

    @Override
    public void started(String type, Duration waited) {
        runs.get(type).started(waited);
    }

    @Override
    public void firstEvent(String type, Duration sinceStart) {
        runs.get(type).firstEvent(sinceStart);
    }

    @Override
    public void ended(String type, RunEnd end, Duration took, long events, long bytes) {
        runs.get(type).ended(end, took, events, bytes);
    }

    @Override
    public void readerOpened(String format) {
        readers.get(format).opened();
    }

    @Override
    public void firstBytes(String format, Duration sinceOpened) {
        readers.get(format).firstBytes(sinceOpened);
    }

    @Override
    public void readerClosed(String format, ReaderEnd end, Duration open, long bytes) {
        readers.get(format).closed(end, open, bytes);
    }

    @Override
    public void delivered(long entries, long bytes, long newHeartbeats) {
        deliveredEvents.increment(entries);
        deliveredBytes.increment(bytes);
        heartbeats.increment(newHeartbeats);
    }

    @Override
    public void committed(int batches, int events, long bytes, Duration took) {
        store.committed(batches, events, bytes, took);
    }

    @Override
    public void commitRetried(int batches) {
        store.retried(batches);
    }

    @Override
    public void pendingBytes(long bytes) {
        store.pending(bytes);
    }

    @Override
    public void fenced(String streamId) {
        store.fenced();
    }

    @Override
    public void fetched(int streams, int batches, long bytes, Duration took) {
        store.fetched(streams, batches, bytes, took);
    }

    @Override
    public void tailLag(Duration lag) {
        store.lag(notNegative(lag));
    }

    @Override
    public void claimed(String type, Duration queued) {
        queueWait.get(type).record(notNegative(queued));
    }

    @Override
    public void queueLength(String type, long tasks) {
        queueLength.get(type).set(tasks);
    }

    @Override
    public void swept(int lostTasks, Duration took) {
        sweep.record(took);
        lost.increment(lostTasks);
    }

    @Override
    public void leaseAge(Duration age) {
        leaseAge.record(age);
    }

    /**
     * Returns zero for a negative time. The clock of the database server can give one, of some milliseconds, and timers would ignore it.
     */
    private static Duration notNegative(Duration time) {
        return time.isNegative() ? Duration.ZERO : time;
    }
}
