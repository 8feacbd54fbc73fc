// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The meters of a store that several processes share: of its writes, and of its reads of new events. They exist from the start.
 * Thread-safe.
 */
final class StoreMeters {

    private final Timer commit;
    private final DistributionSummary commitBatches;
    private final DistributionSummary commitEvents;
    private final DistributionSummary commitBytes;
    private final Counter retries;
    private final AtomicLong pending;
    private final Counter fenced;
    private final Timer fetch;
    private final DistributionSummary fetchStreams;
    private final DistributionSummary fetchBatches;
    private final DistributionSummary fetchBytes;
    private final Timer lag;

    StoreMeters(MeterRegistry registry) {
        commit = Metric.STORE_COMMIT.timer(registry);
        commitBatches = Metric.STORE_COMMIT_BATCHES.summary(registry);
        commitEvents = Metric.STORE_COMMIT_EVENTS.summary(registry);
        commitBytes = Metric.STORE_COMMIT_BYTES.summary(registry);
        retries = Metric.STORE_RETRIES.counter(registry);
        pending = Metric.STORE_PENDING.gauge(registry);
        fenced = Metric.STORE_FENCED.counter(registry);
        fetch = Metric.TAIL_FETCH.timer(registry);
        fetchStreams = Metric.TAIL_FETCH_STREAMS.summary(registry);
        fetchBatches = Metric.TAIL_FETCH_BATCHES.summary(registry);
        fetchBytes = Metric.TAIL_FETCH_BYTES.summary(registry);
        lag = Metric.TAIL_LAG.timer(registry);
    }

    void committed(int batches, int events, long bytes, Duration took) {
        commit.record(took);
        commitBatches.record(batches);
        commitEvents.record(events);
        commitBytes.record(bytes);
    }

    void retried(int batches) {
        retries.increment(batches);
    }

    void pending(long bytes) {
        pending.set(bytes);
    }

    void fenced() {
        fenced.increment();
    }

    void fetched(int streams, int batches, long bytes, Duration took) {
        fetch.record(took);
        fetchStreams.record(streams);
        fetchBatches.record(batches);
        fetchBytes.record(bytes);
    }

    void lag(Duration time) {
        lag.record(time);
    }
}
