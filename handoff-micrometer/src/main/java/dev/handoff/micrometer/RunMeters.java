// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.observation.HandoffObserver.RunEnd;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The meters of the runs of one type of tasks. All of them exist from the first run on. Thread-safe. */
final class RunMeters {

    private final Timer wait;
    private final Timer firstEvent;
    /** One for each {@link RunEnd}, at the index of its ordinal. */
    private final List<Timer> run = new ArrayList<>();
    /** One for each {@link RunEnd}, at the index of its ordinal. */
    private final List<Counter> ended = new ArrayList<>();

    private final Counter events;
    private final Counter bytes;

    RunMeters(MeterRegistry registry, String type) {
        wait = Metric.TASKS_WAIT.timer(registry, "type", type);
        firstEvent = Metric.TASKS_FIRST_EVENT.timer(registry, "type", type);
        for (RunEnd end : RunEnd.values()) {
            String outcome = end.name().toLowerCase(Locale.ROOT);
            run.add(Metric.TASKS_RUN.timer(registry, "type", type, "outcome", outcome));
            ended.add(Metric.TASKS_ENDED.counter(registry, "type", type, "outcome", outcome));
        }
        events = Metric.TASKS_EVENTS.counter(registry, "type", type);
        bytes = Metric.TASKS_BYTES.counter(registry, "type", type);
    }

    void started(Duration waited) {
        wait.record(waited);
    }

    void firstEvent(Duration sinceStart) {
        firstEvent.record(sinceStart);
    }

    void ended(RunEnd end, Duration took, long newEvents, long newBytes) {
        ended.get(end.ordinal()).increment();
        if (!took.isZero()) {
            // It is zero if the handler was not called.
            run.get(end.ordinal()).record(took);
        }
        events.increment(newEvents);
        bytes.increment(newBytes);
    }
}
