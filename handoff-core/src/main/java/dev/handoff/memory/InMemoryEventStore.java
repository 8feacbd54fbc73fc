package dev.handoff.memory;

import dev.handoff.check.Counts;
import dev.handoff.check.Durations;
import dev.handoff.http.ProblemException;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.store.StaleWriterException;
import dev.handoff.store.StreamId;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
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
 * Keeps streams in the memory of this process: for one JVM that is application, worker and streaming server at once, and for
 * tests. An append is durable as long as the process lives.
 *
 * <p>The store is bounded in bytes. It keeps a stream for the retention time after its end and then drops it. When the store
 * is full it drops the streams that ended first before their time. It never drops a stream that has not ended. If that makes
 * no room, or if a single stream grows too large, the store refuses the append. Opening a stream for reading keeps nothing; a
 * stream takes room from its first appender on.
 *
 * <p>The store counts what its objects take on the heap, as heap histograms of 64-bit JVMs show it. A stream counts 896
 * bytes, an event 48, and a text 56 bytes and two bytes for each character. These are the largest values: a text of Latin-1
 * characters takes half of that, and a heap below 32 GB has smaller references. Texts are the data of an event, its type if
 * it differs from the type of the event before, a result, and the code and detail of a problem.
 *
 * <p>Reading takes no lock. No method waits for anything but other writers.
 */
public final class InMemoryEventStore implements EventStore {

    private static final Logger logger = LoggerFactory.getLogger(InMemoryEventStore.class);

    /** The log with its lock, its first block, its entries in the map and the queue, its id, and its appender. */
    static final int STREAM_BYTES = 896;
    /** The event and its slot in a block. */
    static final int EVENT_BYTES = 48;
    /** The string and its array, without characters. */
    private static final int TEXT_BYTES = 56;

    private static final int BLOCK_SIZE = 32;

    private final ConcurrentMap<String, StreamLog> logs = new ConcurrentHashMap<>();
    /** The bytes of streams that have not ended. */
    private final AtomicLong openBytes = new AtomicLong();
    /** The bytes of the streams in {@link #ended}. */
    private final AtomicLong endedBytes = new AtomicLong();
    /** The streams that can be dropped, in the order in which they ended. Only polled under {@link #dropping}. */
    private final Queue<StreamLog> ended = new ConcurrentLinkedQueue<>();

    /** A thread that holds the lock of a stream may take this one only if that stream has not ended. */
    private final ReentrantLock dropping = new ReentrantLock();

    private final Ticker ticker;
    private final long retentionNanos;
    private final long maxStreamBytes;
    private final long maxBytes;

    private InMemoryEventStore(Builder builder) {
        this.ticker = builder.ticker;
        this.retentionNanos = Durations.saturatedNanos(builder.retention);
        this.maxStreamBytes = builder.maxStreamBytes;
        this.maxBytes = builder.maxBytes;
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
        dropExpired();
        MemoryStream stream = new MemoryStream(streamId);
        // From now on the reader is refused when the log that is there is dropped.
        stream.written();
        return stream;
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        StreamId.require(streamId);
        if (epoch < 1) {
            throw new IllegalArgumentException("epoch is less than 1: " + epoch);
        }
        dropExpired();
        EventAppender writer = null;
        while (writer == null) {
            writer = logs.computeIfAbsent(streamId, StreamLog::new).takeOver(epoch);
        }
        return writer;
    }

    static long textBytes(@Nullable String text) {
        return text == null ? 0 : TEXT_BYTES + 2L * text.length();
    }

    private static long bytesOf(End end) {
        if (end instanceof End.Completed completed) {
            return textBytes(completed.result());
        }
        return end instanceof End.Failed failed
                ? textBytes(failed.problem().code())
                        + textBytes(failed.problem().detail())
                : 0;
    }

    /** Drops the streams whose retention time is over, which are the first in the queue. */
    private void dropExpired() {
        long now = ticker.read();
        StreamLog first = ended.peek();
        if (first == null || !first.isExpired(now)) {
            return;
        }
        dropping.lock();
        try {
            for (first = ended.peek(); first != null && first.isExpired(now); first = ended.peek()) {
                ended.remove();
                first.drop();
            }
        } finally {
            dropping.unlock();
        }
    }

    /**
     * Takes room for a stream that has not ended, and drops ended streams if that is necessary. Returns false, and drops
     * nothing, if there cannot be room.
     */
    private boolean reserve(long wanted) {
        long open;
        do {
            open = openBytes.get();
            if (open + wanted > maxBytes) {
                return false;
            }
        } while (!openBytes.compareAndSet(open, open + wanted));
        evict(0);
        return true;
    }

    /** Drops streams, those that ended first, until there is room for so many bytes or no ended stream is left. */
    private void evict(long wanted) {
        if (isWithinBounds(wanted)) {
            return;
        }
        dropping.lock();
        try {
            while (!isWithinBounds(wanted)) {
                StreamLog first = ended.poll();
                if (first == null) {
                    return;
                }
                logger.debug("the store is full, dropping stream {} before its time", first.id);
                first.drop();
            }
        } finally {
            dropping.unlock();
        }
    }

    private boolean isWithinBounds(long wanted) {
        return openBytes.get() + endedBytes.get() + wanted <= maxBytes;
    }

    private static ProblemException gone() {
        return new ProblemException(410, "stream_gone", "The stream is no longer kept.");
    }

    /**
     * The entries of one stream. The writer publishes an event by raising {@code size}, and the end after the last event. A
     * reader looks at {@code end} before {@code size}, so it never takes a part for the whole.
     *
     * <p>Events are kept in small blocks, because a concurrent garbage collector scans old objects again that were
     * written to, and one array of all events would be scanned again after each event.
     */
    private static final class Entries {

        // Replaced when it grows; its filled part never changes.
        private volatile Event[][] blocks = new Event[4][];
        private volatile int size;
        private volatile @Nullable End end;

        void add(Event event) {
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

        EventStream.Batch read(long after, int limit) {
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
            return new EventStream.Batch(
                    Collections.unmodifiableList(Arrays.asList(part)),
                    whole ? available : Math.max(after, to - 1L),
                    whole ? ended : null);
        }

        long last() {
            boolean ended = end != null;
            return ended ? size : size - 1L;
        }
    }

    /** One stream that is written or watched. Handles, appenders and watches may refer to it after it was dropped. */
    private final class StreamLog {

        private final String id;
        private final ReentrantLock lock = new ReentrantLock();
        private final CopyOnWriteArrayList<Hint> hints = new CopyOnWriteArrayList<>();

        // Written under the lock, read by any thread.
        /** Null once the log was dropped, so that nothing keeps its events. */
        private volatile @Nullable Entries entries = new Entries();
        /** 0 until the first appender is opened. */
        private volatile int epoch;

        private volatile long endedAt;

        // Only under the lock.
        private long streamBytes;
        private @Nullable String lastType;

        StreamLog(String id) {
            this.id = id;
        }

        /** Returns the new writer, or null if this log was dropped meanwhile. */
        @Nullable
        EventAppender takeOver(int newEpoch) {
            lock.lock();
            try {
                if (entries == null) {
                    return null;
                }
                if (newEpoch <= epoch) {
                    throw new StaleWriterException(
                            "stream " + id + " has a writer with epoch " + epoch + ", so none can have " + newEpoch);
                }
                if (epoch == 0) {
                    // Never refused: without an appender the stream of an accepted task would have no end.
                    streamBytes = STREAM_BYTES;
                    openBytes.addAndGet(STREAM_BYTES);
                    evict(0);
                }
                epoch = newEpoch;
                return new Writer(this, newEpoch);
            } finally {
                lock.unlock();
            }
        }

        long append(int writerEpoch, @Nullable String type, String data) {
            long position;
            lock.lock();
            try {
                Entries open = requireCurrent(writerEpoch);
                position = open.size;
                // Handlers may build the same type anew for each event.
                boolean sameType = type != null && type.equals(lastType);
                Event event = new Event(position, sameType ? lastType : type, data);
                long eventBytes = EVENT_BYTES + textBytes(data) + (sameType ? 0 : textBytes(type));
                if (streamBytes + eventBytes > maxStreamBytes) {
                    throw new ProblemException(
                            507, "stream_full", "The stream has reached its limit of " + maxStreamBytes + " bytes.");
                }
                if (!reserve(eventBytes)) {
                    throw new ProblemException(503, "store_full", "There is no room for more streams at the moment.");
                }
                streamBytes += eventBytes;
                if (type != null && !sameType) {
                    lastType = type;
                }
                open.add(event);
            } finally {
                lock.unlock();
            }
            tellReaders();
            return position;
        }

        void end(int writerEpoch, End how) {
            lock.lock();
            try {
                Entries open = requireCurrent(writerEpoch);
                long endBytes = bytesOf(how);
                long limit = Math.min(maxStreamBytes, maxBytes);
                if (how instanceof End.Completed completed
                        && completed.result() != null
                        && streamBytes + endBytes > limit) {
                    throw new IllegalArgumentException("the result takes " + endBytes
                            + " bytes, with which the stream exceeds its limit of " + limit);
                }
                // A full store takes an end, too. It drops streams before this one is in the queue: this one must
                // not be among them, and no other thread that drops streams may wait for the lock held here.
                evict(endBytes);
                openBytes.addAndGet(-streamBytes);
                streamBytes += endBytes;
                endedBytes.addAndGet(streamBytes);
                endedAt = ticker.read();
                open.end = how;
                ended.add(this);
            } finally {
                lock.unlock();
            }
            tellReaders();
        }

        private Entries requireCurrent(int writerEpoch) {
            Entries open = entries;
            if (open == null || open.end != null) {
                throw new StaleWriterException("stream " + id + " has ended");
            }
            requireEpoch(writerEpoch);
            return open;
        }

        void requireEpoch(int writerEpoch) {
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

        Entries requireKept() {
            Entries kept = entries;
            if (kept == null) {
                throw gone();
            }
            return kept;
        }

        boolean isExpired(long now) {
            return now - endedAt >= retentionNanos;
        }

        /**
         * Drops the log. The caller holds {@link #dropping}. Runs no hints, since the caller may hold the lock of another stream; readers
         * look again by themselves.
         */
        void drop() {
            lock.lock();
            try {
                logs.remove(id, this);
                entries = null;
                endedBytes.addAndGet(-streamBytes);
            } finally {
                lock.unlock();
            }
        }

        /** Returns false if this log was dropped. */
        boolean register(Hint hint) {
            lock.lock();
            try {
                return entries != null && hints.add(hint);
            } finally {
                lock.unlock();
            }
        }

        /** Leaves nothing of a log that was watched and never written. */
        void unregister(Hint hint) {
            lock.lock();
            try {
                hints.remove(hint);
                if (epoch == 0 && hints.isEmpty()) {
                    logs.remove(id, this);
                    entries = null;
                }
            } finally {
                lock.unlock();
            }
        }
    }

    /** The handle of one reader. It looks up the log until that is written, and then keeps it. */
    private final class MemoryStream implements EventStream {

        private final String id;
        private volatile @Nullable StreamLog written;

        MemoryStream(String id) {
            this.id = id;
        }

        private @Nullable StreamLog written() {
            StreamLog known = written;
            if (known == null) {
                known = logs.get(id);
                if (known != null && known.epoch == 0) {
                    return null;
                }
                written = known;
            }
            return known;
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
            StreamLog log = written();
            if (log != null) {
                return log.requireKept().read(after, limit);
            }
            if (after != BEGINNING) {
                // The reader has had events of a log that was dropped.
                throw gone();
            }
            return new Batch(List.of(), BEGINNING, null);
        }

        @Override
        public Watch watch(Runnable action) {
            StreamLog log = written();
            while (true) {
                StreamLog target = log != null ? log : logs.computeIfAbsent(id, StreamLog::new);
                Hint hint = new Hint(action, target);
                // A log that this reader has seen and that was dropped has nothing more to tell.
                if (target.register(hint) || log != null) {
                    return hint;
                }
            }
        }

        @Override
        public long last() {
            StreamLog log = written();
            return log == null ? BEGINNING : log.requireKept().last();
        }

        @Override
        public Optional<End> end() {
            StreamLog log = written();
            return log == null ? Optional.empty() : Optional.ofNullable(log.requireKept().end);
        }

        @Override
        public long eventCount() {
            StreamLog log = written();
            return log == null ? 0 : log.requireKept().size;
        }
    }

    /** The hint of one reader. It is removed by identity, so that one Runnable may be given twice. */
    private static final class Hint implements EventStream.Watch {

        // Null once the watch is closed, so that a closed watch keeps neither the reader nor the log on the heap.
        private volatile @Nullable Runnable action;
        private volatile @Nullable StreamLog log;

        Hint(Runnable action, StreamLog log) {
            this.action = action;
            this.log = log;
        }

        void run() {
            Runnable open = action;
            if (open == null) {
                return;
            }
            try {
                open.run();
            } catch (RuntimeException | Error e) {
                // The hint belongs to one reader: neither the writer nor other readers may be affected.
                logger.warn("a reader's hint threw", e);
            }
        }

        @Override
        public void close() {
            action = null;
            StreamLog registered = log;
            log = null;
            if (registered != null) {
                registered.unregister(this);
            }
        }
    }

    private record Writer(StreamLog stream, int epoch) implements EventAppender {

        @Override
        public long append(@Nullable String type, String data) {
            return stream.append(epoch, type, data);
        }

        @Override
        public void flush() {
            stream.requireEpoch(epoch);
        }

        @Override
        public void end(End end) {
            stream.end(epoch, end);
        }
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
         * Sets the most bytes of all streams together; a quarter of the largest heap by default. Ends are taken beyond it, so
         * that every stream gets one.
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
