// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StreamId;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps streams in the memory of this process. It serves a JVM that is application, worker and streaming server at once, and
 * tests. An append is durable as long as the process lives.
 *
 * <pre>{@code
 * InMemoryEventStore store = InMemoryEventStore.builder()
 *         .retention(Duration.ofMinutes(10))
 *         .maxBytes(256L << 20)
 *         .build();
 * }</pre>
 *
 * <p>The store is bounded in bytes. It keeps a stream for the retention time after its end and then drops it. When the store
 * is full, it drops the streams that ended first before their retention time is over. It never drops a stream that has not ended.
 * If dropping makes no room, or if a single stream grows too large, the store refuses the append. A stream takes room from its
 * first appender on; opening it for reading takes none.
 *
 * <p>The store counts the bytes that its objects take on the heap, as heap histograms of 64-bit JVMs show them. A stream counts
 * 896 bytes, an event 48, and a text 56 bytes and two bytes for each character. These are upper limits: a text of Latin-1
 * characters takes half of that, and references are smaller in a heap below 32 GB. Texts are the data of an event, its type if
 * it differs from the type of the event before, a result, and the code and detail of a problem.
 *
 * <p>Thread-safe. Reading takes no lock. A writer waits only for other writers, and for the hints that its append runs.
 */
public final class InMemoryEventStore implements EventStore {

    private final StoreSpace space;
    private final StreamLog.Shared shared;

    private InMemoryEventStore(Builder builder) {
        this.space = new StoreSpace(builder.maxBytes, Durations.saturatedNanos(builder.retention), builder.ticker);
        this.shared = new StreamLog.Shared(
                new ConcurrentHashMap<>(), space, builder.ticker, builder.maxStreamBytes, builder.maxBytes);
    }

    /** Returns a store with the defaults that {@link Builder} names. */
    public static InMemoryEventStore create() {
        return builder().build();
    }

    /** Returns a builder of a store with other bounds. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public EventStream open(String streamId) {
        StreamId.require(streamId);
        space.dropExpired();
        return new MemoryStream(streamId, shared);
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        StreamId.require(streamId);
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch is less than 1: " + epoch);
        }
        space.dropExpired();
        StreamLog log;
        do {
            log = shared.logs().computeIfAbsent(streamId, id -> new StreamLog(id, shared));
        } while (!log.takeOver(epoch));
        return new MemoryAppender(log, epoch);
    }

    /** The settings of a store. */
    public static final class Builder {

        private Ticker ticker = Ticker.system();
        private Duration retention = Duration.ofHours(1);
        private long maxStreamBytes = 64L << 20;
        private long maxBytes = Runtime.getRuntime().maxMemory() / 4;

        private Builder() {}

        /** Sets the ticker that measures the retention time; that of this JVM by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /** Sets how long a stream is kept after its end; one hour by default. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /** Sets the most bytes of one stream, its result included; 64 MiB by default. */
        public Builder maxStreamBytes(long maxStreamBytes) {
            this.maxStreamBytes = Counts.requirePositive("maxStreamBytes", maxStreamBytes);
            return this;
        }

        /**
         * Sets the most bytes of all streams together; a quarter of the largest heap by default. The store takes an end even if
         * that exceeds the limit, so that every stream gets one.
         */
        public Builder maxBytes(long maxBytes) {
            this.maxBytes = Counts.requirePositive("maxBytes", maxBytes);
            return this;
        }

        /** Returns the store. */
        public InMemoryEventStore build() {
            return new InMemoryEventStore(this);
        }
    }
}
