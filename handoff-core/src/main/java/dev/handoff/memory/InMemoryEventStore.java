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
 * Keeps streams in the memory of this process. Use it in tests, and in a JVM that is application, worker and streaming server at once. An
 * append is durable as long as the process lives.
 *
 * <pre>{@code
 * InMemoryEventStore store = InMemoryEventStore.builder()
 *         .retention(Duration.ofMinutes(10))
 *         .maxBytes(256L << 20)
 *         .build();
 * }</pre>
 *
 * <p>The store has a limit of bytes. It keeps a stream for the retention time after its end and then drops it. When the store is full, it
 * drops ended streams earlier, first those that ended first. It never drops a stream that has not ended. If that does not make enough room,
 * or if a single stream grows too large, the store refuses the append. A stream takes room when its first appender is opened. A stream that
 * is only opened for reading takes none.
 *
 * <p>The store counts the bytes that its objects take on the heap, as heap histograms of 64-bit JVMs show them. A stream counts 896 bytes,
 * an event 48, and a text 56 bytes and two bytes for each character. These are upper limits: the characters of a Latin-1 text take half as
 * many bytes, and references are smaller in a heap below 32 GB. Texts are the data of an event, its type if it differs from the type of the
 * event before, a result, and the code and detail of a problem.
 *
 * <p>Thread-safe. A read takes no lock. A writer waits only for other writers and for the hints that its append runs.
 */
public final class InMemoryEventStore implements EventStore {

    private final StoreSpace space;
    private final StreamLog.Shared shared;

    private InMemoryEventStore(Builder builder) {
        this.space = new StoreSpace(builder.maxBytes, Durations.saturatedNanos(builder.retention), builder.ticker);
        this.shared = new StreamLog.Shared(
                new ConcurrentHashMap<>(), space, builder.ticker, builder.maxStreamBytes, builder.maxBytes);
    }

    /** Returns a store with the default settings, which {@link Builder} names. */
    public static InMemoryEventStore create() {
        return builder().build();
    }

    /** Returns a builder of a store with other settings. */
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

    /** Sets the options of a store. Not thread-safe. */
    public static final class Builder {

        private Ticker ticker = Ticker.system();
        private Duration retention = Duration.ofHours(1);
        private long maxStreamBytes = 64L << 20;
        private long maxBytes = Runtime.getRuntime().maxMemory() / 4;

        private Builder() {}

        /** Sets the ticker that measures the retention time; {@link Ticker#system} by default. */
        public Builder ticker(Ticker ticker) {
            this.ticker = ticker;
            return this;
        }

        /**
         * Sets how long a stream is kept after its end; one hour by default.
         *
         * @throws IllegalArgumentException if the time is not positive
         */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /**
         * Sets how many bytes one stream may take, including its result; 64 MiB by default.
         *
         * @throws IllegalArgumentException if the number is not positive
         */
        public Builder maxStreamBytes(long maxStreamBytes) {
            this.maxStreamBytes = Counts.requirePositive("maxStreamBytes", maxStreamBytes);
            return this;
        }

        /**
         * Sets how many bytes all streams may take together; a quarter of the maximum heap by default. The store opens the first appender
         * of a stream and stores its end even if that exceeds the limit, so that every stream gets an end. It refuses only a result with
         * which the stream alone exceeds the limit.
         *
         * @throws IllegalArgumentException if the number is not positive
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
