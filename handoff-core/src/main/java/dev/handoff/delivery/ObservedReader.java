// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.observation.HandoffObserver;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Tells an observer about one reader, whose end it reports once.
 *
 * <p>Thread-safe, except that only one thread at a time may call {@link #wrote}.
 */
final class ObservedReader {

    private final HandoffObserver observer;
    private final String format;
    private final Ticker ticker;
    private final long openedAt;
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile long bytes;

    /** Reports a reader that was connected. */
    ObservedReader(HandoffObserver observer, String format, Ticker ticker) {
        this.observer = observer;
        this.format = format;
        this.ticker = ticker;
        this.openedAt = ticker.read();
        observer.readerOpened(format);
    }

    /** Called after bytes of the stream were written. Not called for zero bytes. */
    void wrote(long count) {
        long before = bytes;
        bytes = before + count;
        if (before == 0) {
            observer.firstBytes(format, open());
        }
    }

    void closed(ReaderEnd end) {
        if (closed.compareAndSet(false, true)) {
            observer.readerClosed(format, end, open(), bytes);
        }
    }

    private Duration open() {
        return Duration.ofNanos(ticker.read() - openedAt);
    }
}
