package dev.handoff;

import java.time.Clock;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Streams in the memory of this process: for one JVM that is app, worker and streaming server at once, and for tests. An
 * append is durable as long as the process lives.
 *
 * <p>It is bounded. A stream that has ended is kept for the retention time and then dropped; when the store is full the
 * streams that ended first are dropped before their time. A stream that has not ended is never dropped. If that makes no
 * room, or if a single stream grows too large, the append is refused.
 *
 * <p>Sizes are reckoned as two bytes a character and 64 bytes an event; the few hundred bytes that a stream costs without
 * any event do not count. Reading takes no lock. Nothing here waits.
 */
public final class InMemoryEventStore implements EventStore {

    private static final Logger logger = LoggerFactory.getLogger(InMemoryEventStore.class);
    private static final int EVENT_OVERHEAD_BYTES = 64;
    private static final int BLOCK_SIZE = 32;
    private static final long SWEEP_INTERVAL_MILLIS = 1000;

    private final ConcurrentMap<String, StreamLog> logs = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();
    /** Of those bytes, what streams have that can be dropped, which are in the queue in the order in which they ended. */
    private final AtomicLong endedBytes = new AtomicLong();

    private final Queue<StreamLog> ended = new ConcurrentLinkedQueue<>();
    private final AtomicLong nextSweep = new AtomicLong(Long.MIN_VALUE);
    private final ReentrantLock eviction = new ReentrantLock();
    private final Clock clock;
    private final long retentionMillis;
    private final long maxStreamBytes;
    private final long maxBytes;

    private InMemoryEventStore(Builder builder) {
        this.clock = builder.clock;
        this.retentionMillis = builder.retention.toMillis();
        this.maxStreamBytes = builder.maxStreamBytes;
        this.maxBytes = builder.maxBytes;
    }

    /** A store with the defaults that {@link Builder} names. */
    public static InMemoryEventStore create() {
        return builder().build();
    }

    /** For a store with other bounds. */
    public static Builder builder() {
        return new Builder();
    }

    @Override
    public EventStream open(String streamId) {
        return log(streamId);
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch is less than 1: " + epoch);
        }
        EventAppender writer = null;
        while (writer == null) {
            writer = log(streamId).takeOver(epoch);
        }
        return writer;
    }

    private StreamLog log(String streamId) {
        TaskIds.require(streamId);
        sweep();
        // The sweep may not be due yet, and whoever asks now must not find what is over.
        StreamLog known = logs.get(streamId);
        if (known != null) {
            known.dropIfExpired(clock.millis());
        }
        return logs.computeIfAbsent(streamId, StreamLog::new);
    }

    /** Drops what has been kept long enough. Done in passing, at most once a second, since no thread is owned. */
    private void sweep() {
        long now = clock.millis();
        long due = nextSweep.get();
        if (now >= due && nextSweep.compareAndSet(due, now + SWEEP_INTERVAL_MILLIS)) {
            logs.values().forEach(l -> l.dropIfExpired(now));
            // They have expired in the same order.
            for (StreamLog first = ended.peek(); first != null && first.dropped; first = ended.peek()) {
                ended.remove(first);
            }
        }
    }

    private boolean makeRoom(long wanted) {
        if (bytes.get() + wanted <= maxBytes) {
            return true;
        }
        eviction.lock();
        try {
            // What cannot be made to fit is not worth dropping anything for.
            if (bytes.get() - endedBytes.get() + wanted > maxBytes) {
                return false;
            }
            while (bytes.get() + wanted > maxBytes) {
                StreamLog first = ended.poll();
                if (first == null) {
                    return false;
                }
                if (!first.dropped) {
                    logger.info("the store is full, dropping stream {} before its time", first.id);
                    first.drop();
                }
            }
            return true;
        } finally {
            eviction.unlock();
        }
    }

    /**
     * One stream. Written under its lock; read without, in this order: the writer publishes an event by raising {@code size}
     * and the end after the last event, so a reader that looks at {@code end} before {@code size} never takes a part for
     * the whole.
     *
     * <p>Events are kept in small blocks, since a collector has to look again at what is old and was written to: one array of
     * all events would be both.
     */
    private final class StreamLog implements EventStream {

        private final String id;
        private final long opened = clock.millis();
        private final ReentrantLock lock = new ReentrantLock();
        private final CopyOnWriteArrayList<Hint> hints = new CopyOnWriteArrayList<>();

        // Written under the lock, read by anyone; replaced when it grows, and its filled part never changes.
        private volatile Event[][] blocks = new Event[4][];
        private volatile int size;
        private volatile @Nullable End end;
        private volatile long endedAt;
        private volatile boolean dropped;

        /** Written under the lock; a look from outside is as good as any. */
        private volatile long streamBytes;

        // Only under the lock.
        private int epoch;

        StreamLog(String id) {
            this.id = id;
        }

        /** The new writer, or null if this log was dropped meanwhile and another has to be asked. */
        @Nullable
        EventAppender takeOver(int newEpoch) {
            lock.lock();
            try {
                if (dropped) {
                    return null;
                }
                if (newEpoch <= epoch) {
                    throw new StaleWriterException(
                            "stream " + id + " has a writer with epoch " + epoch + ", so none can have " + newEpoch);
                }
                epoch = newEpoch;
                return new Writer(this, newEpoch);
            } finally {
                lock.unlock();
            }
        }

        long append(int writerEpoch, @Nullable String type, String data) {
            long eventBytes = EVENT_OVERHEAD_BYTES + 2L * (data.length() + (type == null ? 0 : type.length()));
            long position;
            lock.lock();
            try {
                requireCurrent(writerEpoch);
                position = size;
                Event event = new Event(position, type, data);
                if (streamBytes + eventBytes > maxStreamBytes) {
                    throw new ProblemException(
                            507, "stream_full", "The stream has reached its limit of " + maxStreamBytes + " bytes.");
                }
                if (!makeRoom(eventBytes)) {
                    throw new ProblemException(503, "store_full", "There is no room for more streams at the moment.");
                }
                streamBytes += eventBytes;
                bytes.addAndGet(eventBytes);
                add(event);
            } finally {
                lock.unlock();
            }
            tellReaders();
            return position;
        }

        private void add(Event event) {
            int at = size;
            int block = at / BLOCK_SIZE;
            Event[][] all = blocks;
            if (block == all.length) {
                all = Arrays.copyOf(all, 2 * all.length);
                blocks = all;
            }
            if (all[block] == null) {
                all[block] = new Event[BLOCK_SIZE];
            }
            all[block][at % BLOCK_SIZE] = event;
            size = at + 1;
        }

        void end(int writerEpoch, End how) {
            lock.lock();
            try {
                requireCurrent(writerEpoch);
                endedAt = clock.millis();
                // Always taken, so that no stream is left without an end, but counted.
                long endBytes = bytesOf(how);
                streamBytes += endBytes;
                bytes.addAndGet(endBytes);
                endedBytes.addAndGet(streamBytes);
                end = how;
                ended.add(this);
            } finally {
                lock.unlock();
            }
            tellReaders();
        }

        private static long bytesOf(End end) {
            String result = end instanceof End.Completed completed ? completed.result() : null;
            return result == null ? 0 : 2L * result.length();
        }

        private void requireCurrent(int writerEpoch) {
            if (end != null) {
                throw new StaleWriterException("stream " + id + " has ended");
            }
            if (writerEpoch != epoch) {
                throw new StaleWriterException(
                        "stream " + id + " has a writer with epoch " + epoch + ", epoch " + writerEpoch + " is fenced");
            }
        }

        private void tellReaders() {
            for (Hint hint : hints) {
                hint.run();
            }
        }

        @Override
        public String id() {
            return id;
        }

        @Override
        public Batch read(long after, int limit) {
            if (after < BEGINNING) {
                throw new IllegalArgumentException("position is less than -1: " + after);
            }
            if (limit < 1) {
                throw new IllegalArgumentException("limit is less than 1: " + limit);
            }
            requireKept();
            End ended = end;
            int available = size;
            Event[][] all = blocks;
            int from = (int) (after >= available ? available : after + 1);
            int to = (int) Math.min((long) from + limit, available);
            Event[] part = new Event[to - from];
            for (int i = from; i < to; i++) {
                part[i - from] = all[i / BLOCK_SIZE][i % BLOCK_SIZE];
            }
            boolean whole = ended != null && to == available;
            return new Batch(
                    Collections.unmodifiableList(Arrays.asList(part)),
                    whole ? available : Math.max(after, to - 1L),
                    whole ? ended : null);
        }

        @Override
        public Watch watch(Runnable hint) {
            Hint entry = new Hint(hint, hints);
            hints.add(entry);
            return entry;
        }

        @Override
        public long last() {
            requireKept();
            boolean ended = end != null;
            return ended ? size : size - 1L;
        }

        @Override
        public Optional<End> end() {
            requireKept();
            return Optional.ofNullable(end);
        }

        /** Drops a stream whose time is over, or one that was opened for reading long ago and never written. */
        void dropIfExpired(long now) {
            lock.lock();
            try {
                boolean forgotten =
                        end != null ? endedAt + retentionMillis <= now : isUnused() && opened + retentionMillis <= now;
                if (forgotten) {
                    drop();
                }
            } finally {
                lock.unlock();
            }
        }

        private boolean isUnused() {
            return epoch == 0 && hints.isEmpty();
        }

        /** Readers are not told: this may run under the lock of another stream, and they look again by themselves. */
        void drop() {
            lock.lock();
            try {
                if (logs.remove(id, this)) {
                    dropped = true;
                    bytes.addAndGet(-streamBytes);
                    if (end != null) {
                        endedBytes.addAndGet(-streamBytes);
                    }
                }
            } finally {
                lock.unlock();
            }
        }

        private void requireKept() {
            if (dropped) {
                throw new ProblemException(410, "stream_gone", "The stream is no longer kept.");
            }
        }
    }

    /** A wish to be told; removed by identity, so that one Runnable may watch twice. */
    private static final class Hint implements EventStream.Watch {

        private final Runnable hint;
        private final CopyOnWriteArrayList<Hint> registered;

        Hint(Runnable hint, CopyOnWriteArrayList<Hint> registered) {
            this.hint = hint;
            this.registered = registered;
        }

        void run() {
            try {
                hint.run();
            } catch (RuntimeException | Error e) {
                // The hint belongs to a reader, and neither the writer nor other readers must suffer for it.
                logger.warn("a reader's hint threw", e);
            }
        }

        @Override
        public void close() {
            registered.remove(this);
        }
    }

    private record Writer(StreamLog stream, int epoch) implements EventAppender {

        @Override
        public long append(@Nullable String type, String data) {
            return stream.append(epoch, type, data);
        }

        @Override
        public void flush() {
            stream.lock.lock();
            try {
                if (epoch != stream.epoch) {
                    throw new StaleWriterException("stream " + stream.id + " has a writer with epoch " + stream.epoch);
                }
            } finally {
                stream.lock.unlock();
            }
        }

        @Override
        public void end(End end) {
            stream.end(epoch, end);
        }
    }

    /** The bounds of a store. */
    public static final class Builder {

        private Clock clock = Clock.systemUTC();
        private Duration retention = Duration.ofHours(1);
        private long maxStreamBytes = 64L << 20;
        private long maxBytes = Runtime.getRuntime().maxMemory() / 4;

        private Builder() {}

        /** The clock that retention goes by; the system's by default. */
        public Builder clock(Clock clock) {
            this.clock = clock;
            return this;
        }

        /** How long a stream is kept after its end; one hour by default. */
        public Builder retention(Duration retention) {
            this.retention = Durations.requirePositive("retention", retention);
            return this;
        }

        /** The most bytes of one stream; 64 MiB by default. */
        public Builder maxStreamBytes(long maxStreamBytes) {
            this.maxStreamBytes = requirePositive("maxStreamBytes", maxStreamBytes);
            return this;
        }

        /** The most bytes of all streams together; a quarter of the largest heap by default. */
        public Builder maxBytes(long maxBytes) {
            this.maxBytes = requirePositive("maxBytes", maxBytes);
            return this;
        }

        /** The store. */
        public InMemoryEventStore build() {
            return new InMemoryEventStore(this);
        }

        private static long requirePositive(String name, long value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + " is not positive: " + value);
            }
            return value;
        }
    }
}
