// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells observers about one reader, whose end it reports once, and counts what the reader is sent.
 *
 * <p>Thread-safe, except that only one thread at a time may call {@link #wrote}.
 */
final class ObservedReader {

    private final HandoffObserver observer;
    private final ReaderObserver reader;
    private final Deliveries deliveries;
    private final String format;
    private final Ticker ticker;
    private final long openedAt;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile long bytes;

    /**
     * Reports a reader that was connected.
     *
     * @param reader the observer of this reader, which was told already
     */
    ObservedReader(
            HandoffObserver observer, ReaderObserver reader, Deliveries deliveries, String format, Ticker ticker) {
        this.observer = observer;
        this.reader = reader;
        this.deliveries = deliveries;
        this.format = format;
        this.ticker = ticker;
        this.openedAt = ticker.read();
        observer.readerOpened(format);
    }

    /** Called after bytes of the stream were written. Not called for zero bytes. */
    void wrote(long count) {
        long before = bytes;
        bytes = before + count;
        deliveries.addBytes(count);
        if (before == 0) {
            observer.firstBytes(format, open());
            reader.firstBytes();
        }
    }

    /** Called after all bytes of some entries were written. */
    void delivered(long entries) {
        deliveries.addEntries(entries);
    }

    void closed(ReaderEnd end) {
        if (closed.compareAndSet(false, true)) {
            observer.readerClosed(format, end, open(), bytes);
            reader.closed(end);
        }
    }

    private Duration open() {
        return Duration.ofNanos(ticker.read() - openedAt);
    }
}
