// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.BaseUnits;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** The metrics with their names, units and descriptions. A test compares them with the table in {@code docs/observing.md}. */
enum Metric {
    TASKS_ACCEPTED("handoff.tasks.accepted", "New tasks that a dispatcher accepted"),
    TASKS_JOINED("handoff.tasks.joined", "Requests that were led to the stream of an earlier task"),
    REQUESTS_RESUMED("handoff.requests.resumed", "Requests with Last-Event-ID that were led back to their stream"),
    REQUESTS_REFUSED("handoff.requests.refused", "Requests for a task or a stream that were refused"),

    TASKS_WAIT(
            "handoff.tasks.wait",
            "Time from the acceptance of a task by this process, or its claim, to the call of its handler"),
    TASKS_FIRST_EVENT("handoff.tasks.first.event", "Time from the call of a handler to the first event that it emits"),
    TASKS_RUN("handoff.tasks.run", "Time from the call of a handler to the end of its run"),
    TASKS_ENDED("handoff.tasks.ended", "Runs that ended, also those whose handler was never called"),
    TASKS_EVENTS("handoff.tasks.events", "Events that runs emitted, counted when the run ends"),
    TASKS_BYTES("handoff.tasks.bytes", BaseUnits.BYTES, "Data of these events in UTF-8"),

    READERS_OPEN("handoff.readers.open", "Readers that are connected"),
    READERS_FIRST_EVENT(
            "handoff.readers.first.event", "Time from the connection of a reader to the first bytes of its stream"),
    READERS_CONNECTED("handoff.readers.connected", "Time for which a reader was connected"),
    READERS_RECEIVED("handoff.readers.received", BaseUnits.BYTES, "Bytes of its stream that one reader was sent"),
    DELIVERY_EVENTS("handoff.delivery.events", "Events that readers were sent; the end of a stream counts as one"),
    DELIVERY_BYTES("handoff.delivery.bytes", BaseUnits.BYTES, "Bytes of their streams that readers were sent"),
    DELIVERY_HEARTBEATS("handoff.delivery.heartbeats", "Heartbeats that readers were sent"),

    STORE_COMMIT("handoff.store.commit", "Time from the first write of a group of batches to its acknowledgement"),
    STORE_COMMIT_BATCHES("handoff.store.commit.batches", "Batches in such a group, each of one stream"),
    STORE_COMMIT_EVENTS("handoff.store.commit.events", "Events in such a group"),
    STORE_COMMIT_BYTES("handoff.store.commit.bytes", BaseUnits.BYTES, "Bytes in such a group"),
    STORE_RETRIES("handoff.store.retries", "Batches that were written again because a write was not acknowledged"),
    STORE_PENDING(
            "handoff.store.pending",
            BaseUnits.BYTES,
            "Bytes that writers gave to the store and it has not acknowledged"),
    STORE_FENCED("handoff.store.fenced", "Writers that found that another writer has taken their stream over"),

    TAIL_FETCH("handoff.tail.fetch", "Time for which the database fetched the tails of streams with readers"),
    TAIL_FETCH_STREAMS("handoff.tail.fetch.streams", "Streams in such a fetch"),
    TAIL_FETCH_BATCHES("handoff.tail.fetch.batches", "Batches that such a fetch found"),
    TAIL_FETCH_BYTES("handoff.tail.fetch.bytes", BaseUnits.BYTES, "Bytes that such a fetch found"),
    TAIL_LAG("handoff.tail.lag", "Time from the write of a batch in another process to its arrival in this one"),

    QUEUE_WAIT("handoff.queue.wait", "Time for which a task was queued before a worker claimed it"),
    QUEUE_LENGTH("handoff.queue.length", "Tasks that are queued, counted up to 10000"),
    SWEEP("handoff.sweep", "Time that a sweep took"),
    TASKS_LOST("handoff.tasks.lost", "Tasks that sweeps took from lost workers"),
    LEASE_AGE("handoff.lease.age", "Age of the lease of this worker when the worker begins to renew it");

    private final String meterName;
    private final @Nullable String unit;
    private final String description;

    Metric(String meterName, String description) {
        this(meterName, null, description);
    }

    Metric(String meterName, @Nullable String unit, String description) {
        this.meterName = meterName;
        this.unit = unit;
        this.description = description;
    }

    /** Returns the name of the meters. */
    String meterName() {
        return meterName;
    }

    /** Returns the counter with some tags. */
    Counter counter(MeterRegistry registry, String... tags) {
        return Counter.builder(meterName)
                .baseUnit(unit)
                .description(description)
                .tags(tags)
                .register(registry);
    }

    /** Returns the timer with some tags. */
    Timer timer(MeterRegistry registry, String... tags) {
        return Timer.builder(meterName).description(description).tags(tags).register(registry);
    }

    /** Returns the distribution with some tags. */
    DistributionSummary summary(MeterRegistry registry, String... tags) {
        return DistributionSummary.builder(meterName)
                .baseUnit(unit)
                .description(description)
                .tags(tags)
                .register(registry);
    }

    /** Returns the value of a new gauge with some tags. The registry holds it, so it lives as long as the gauge. */
    AtomicLong gauge(MeterRegistry registry, String... tags) {
        AtomicLong value = new AtomicLong();
        Gauge.builder(meterName, value, AtomicLong::doubleValue)
                .baseUnit(unit)
                .description(description)
                .tags(tags)
                .strongReference(true)
                .register(registry);
        return value;
    }
}
