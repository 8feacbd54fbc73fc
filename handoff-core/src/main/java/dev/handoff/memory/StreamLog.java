// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.http.ProblemCode;
import dev.handoff.store.StaleWriterException;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.time.Ticker;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One stream that is written or watched: its entries, its current writer and the hints of its readers. Readers, appenders and
 * watches may refer to it after it was dropped.
 */
final class StreamLog implements StoreSpace.EndedStream {

    /** Holds what all streams of a store share. */
    record Shared(
            ConcurrentMap<String, StreamLog> logs,
            StoreSpace space,
            Ticker ticker,
            long maxStreamBytes,
            long maxBytes) {}

    private final String id;
    private final Shared shared;
    private final ReentrantLock lock = new ReentrantLock();
    private final CopyOnWriteArrayList<ReaderHint> hints = new CopyOnWriteArrayList<>();

    // Written under the lock, read by any thread.
    /** Null once the log was dropped, so that nothing keeps its events. */
    private volatile @Nullable StreamEntries entries = new StreamEntries();
    /** 0 until the first appender is opened. */
    private volatile int epoch;

    private volatile long endedAt;

    // Guarded by the lock. Read without it after the end.
    private long streamBytes;
    private @Nullable String lastType;

    StreamLog(String id, Shared shared) {
        this.id = id;
        this.shared = shared;
    }

    /** Returns whether the stream has had a writer. */
    boolean isWritten() {
        return epoch != 0;
    }

    /**
     * Makes this epoch the current one. Returns false if this log was dropped meanwhile.
     *
     * @throws StaleWriterException if there is a writer with this epoch or a higher one
     */
    boolean takeOver(int newEpoch) {
        lock.lock();
        try {
            if (entries == null) {
                return false;
            }
            if (newEpoch <= epoch) {
                throw new StaleWriterException(
                        "stream " + id + " has a writer with epoch " + epoch + ", epoch " + newEpoch + " is refused");
            }
            if (epoch == 0) {
                // Never refused: without an appender the stream of an accepted task would have no end.
                streamBytes = StreamBytes.STREAM;
                shared.space.take(StreamBytes.STREAM);
            }
            epoch = newEpoch;
            return true;
        } finally {
            lock.unlock();
        }
    }

    long append(int writerEpoch, @Nullable String type, String data) {
        long position;
        lock.lock();
        try {
            StreamEntries open = requireCurrent(writerEpoch);
            position = open.size();
            // A handler may create equal strings for the type of each event. The log keeps the first one.
            boolean sameType = type != null && type.equals(lastType);
            Event event = new Event(position, sameType ? lastType : type, data);
            long eventBytes = StreamBytes.ofEvent(sameType ? null : type, data);
            if (streamBytes + eventBytes > shared.maxStreamBytes) {
                throw ProblemCode.STREAM_FULL.exception(
                        "The stream has reached its limit of " + shared.maxStreamBytes + " bytes.");
            }
            if (!shared.space.reserve(eventBytes)) {
                throw ProblemCode.STORE_FULL.exception("The store is full at the moment.");
            }
            streamBytes += eventBytes;
            if (type != null && !sameType) {
                lastType = type;
            }
            open.add(event);
        } finally {
            lock.unlock();
        }
        runHints();
        return position;
    }

    void end(int writerEpoch, End how) {
        lock.lock();
        try {
            StreamEntries open = requireCurrent(writerEpoch);
            long endBytes = StreamBytes.ofEnd(how);
            long limit = Math.min(shared.maxStreamBytes, shared.maxBytes);
            if (how instanceof End.Completed completed
                    && completed.result() != null
                    && streamBytes + endBytes > limit) {
                throw new IllegalArgumentException("the result takes " + endBytes
                        + " bytes, with which the stream would exceed its limit of " + limit + " bytes");
            }
            // A full store takes an end, too. It drops other streams before this one is in the queue: the store must
            // not drop this one, and no thread that drops streams may wait for the lock that is held here.
            shared.space.makeRoom(endBytes);
            long bytesWhileOpen = streamBytes;
            streamBytes += endBytes;
            endedAt = shared.ticker.read();
            open.end(how);
            shared.space.addEnded(this, bytesWhileOpen);
        } finally {
            lock.unlock();
        }
        runHints();
    }

    private StreamEntries requireCurrent(int writerEpoch) {
        StreamEntries open = entries;
        if (open == null || open.end() != null) {
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

    private void runHints() {
        for (ReaderHint hint : hints) {
            hint.run();
        }
    }

    /** Returns the entries, or null if this log was dropped. */
    @Nullable
    StreamEntries entries() {
        return entries;
    }

    /** Adds a hint that runs after each append. Returns false if this log was dropped. */
    boolean register(ReaderHint hint) {
        lock.lock();
        try {
            return entries != null && hints.add(hint);
        } finally {
            lock.unlock();
        }
    }

    /** Removes a hint. Drops the log if it has no hint any more and never had a writer. */
    void unregister(ReaderHint hint) {
        lock.lock();
        try {
            hints.remove(hint);
            if (epoch == 0 && hints.isEmpty()) {
                forget();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public long bytes() {
        return streamBytes;
    }

    @Override
    public long endedAt() {
        return endedAt;
    }

    /**
     * Drops the log. Runs no hints, because the caller may hold the lock of another stream. Readers notice it, because they read again at
     * least once a second.
     */
    @Override
    public void drop() {
        lock.lock();
        try {
            forget();
        } finally {
            lock.unlock();
        }
    }

    private void forget() {
        shared.logs.remove(id, this);
        entries = null;
    }
}
