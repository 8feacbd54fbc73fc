// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.observation.HandoffObserver.ReaderEnd;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;

/** The meters of the readers in one format. All of them exist from the first reader on. Thread-safe. */
final class ReaderMeters {

    private final AtomicLong open;
    private final Timer firstEvent;
    /** One for each {@link ReaderEnd}, at the index of its ordinal. */
    private final List<Timer> connected = new ArrayList<>();

    private final DistributionSummary received;

    ReaderMeters(MeterRegistry registry, String format) {
        open = Metric.READERS_OPEN.gauge(registry, "format", format);
        firstEvent = Metric.READERS_FIRST_EVENT.timer(registry, "format", format);
        for (ReaderEnd end : ReaderEnd.values()) {
            String reason = end.name().toLowerCase(Locale.ROOT);
            connected.add(Metric.READERS_CONNECTED.timer(registry, "format", format, "reason", reason));
        }
        received = Metric.READERS_RECEIVED.summary(registry, "format", format);
    }

    void opened() {
        open.incrementAndGet();
    }

    void firstBytes(Duration sinceOpened) {
        firstEvent.record(sinceOpened);
    }

    void closed(ReaderEnd end, Duration time, long bytes) {
        open.decrementAndGet();
        connected.get(end.ordinal()).record(time);
        received.record(bytes);
    }
}
