// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.time.Ticker;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bytes of all streams of a store, and the streams that can be dropped to make room, in the order in which they ended.
 *
 * <p>Thread-safe.
 */
final class StoreSpace {

    /** A stream that has ended and takes room until it is dropped. Neither the bytes nor the time change any more. */
    interface EndedStream {

        String id();

        long bytes();

        /** Returns when the stream ended, by the ticker of the store. */
        long endedAt();

        /** Drops the stream, without running any hint. */
        void drop();
    }

    private static final Logger logger = LoggerFactory.getLogger(InMemoryEventStore.class);

    private final long maxBytes;
    private final long retentionNanos;
    private final Ticker ticker;
    /** The bytes of streams that have not ended. */
    private final AtomicLong openBytes = new AtomicLong();
    /** The bytes of the streams in {@link #ended}. */
    private final AtomicLong endedBytes = new AtomicLong();
    /** Polled only while {@link #dropping} is held. */
    private final Queue<EndedStream> ended = new ConcurrentLinkedQueue<>();

    /**
     * Held while a stream is dropped, which takes the lock of that stream. A thread that holds the lock of a stream may
     * therefore take this one only if that stream has not ended.
     */
    private final ReentrantLock dropping = new ReentrantLock();

    StoreSpace(long maxBytes, long retentionNanos, Ticker ticker) {
        this.maxBytes = maxBytes;
        this.retentionNanos = retentionNanos;
        this.ticker = ticker;
    }

    /**
     * Takes room for a stream that has not ended, and drops ended streams if that is necessary. Returns false, and drops
     * nothing, if there cannot be room.
     */
    boolean reserve(long wanted) {
        long open;
        do {
            open = openBytes.get();
            if (open + wanted > maxBytes) {
                return false;
            }
        } while (!openBytes.compareAndSet(open, open + wanted));
        makeRoom(0);
        return true;
    }

    /** Takes room for a stream that has not ended, even if there is none. Drops ended streams if that is necessary. */
    void take(long bytes) {
        openBytes.addAndGet(bytes);
        makeRoom(0);
    }

    /** Drops the streams that ended first, until there is room for so many bytes or no ended stream is left. */
    void makeRoom(long wanted) {
        if (isWithinBounds(wanted)) {
            return;
        }
        dropping.lock();
        try {
            while (!isWithinBounds(wanted)) {
                EndedStream first = ended.poll();
                if (first == null) {
                    return;
                }
                logger.debug("the store is full, dropping stream {} before its retention time is over", first.id());
                drop(first);
            }
        } finally {
            dropping.unlock();
        }
    }

    private boolean isWithinBounds(long wanted) {
        return openBytes.get() + endedBytes.get() + wanted <= maxBytes;
    }

    /** Counts a stream that has just ended among those that can be dropped. */
    void addEnded(EndedStream stream, long bytesWhileOpen) {
        openBytes.addAndGet(-bytesWhileOpen);
        endedBytes.addAndGet(stream.bytes());
        ended.add(stream);
    }

    /** Drops the streams whose retention time is over, which are the first in the queue. */
    void dropExpired() {
        long now = ticker.read();
        EndedStream first = ended.peek();
        if (first == null || !isExpired(first, now)) {
            return;
        }
        dropping.lock();
        try {
            for (first = ended.peek(); first != null && isExpired(first, now); first = ended.peek()) {
                ended.remove();
                drop(first);
            }
        } finally {
            dropping.unlock();
        }
    }

    private boolean isExpired(EndedStream stream, long now) {
        return now - stream.endedAt() >= retentionNanos;
    }

    private void drop(EndedStream stream) {
        stream.drop();
        endedBytes.addAndGet(-stream.bytes());
    }
}
