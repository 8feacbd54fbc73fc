// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.time.Ticker;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Tracks whether a change feed delivers batches. While the feed delivers, the poller polls less often. Thread-safe. */
final class FeedHealth {

    private static final long LONGEST_SILENCE = TimeUnit.SECONDS.toNanos(3);

    private final Ticker ticker;
    private final AtomicLong delivered = new AtomicLong();
    private volatile boolean open;
    private volatile boolean trusted;
    private volatile long answeredAt;

    FeedHealth(Ticker ticker) {
        this.ticker = ticker;
    }

    void opened() {
        answeredAt = ticker.read();
        trusted = true;
        open = true;
    }

    void answered() {
        answeredAt = ticker.read();
    }

    void delivered() {
        delivered.incrementAndGet();
        trusted = true;
    }

    void closed() {
        open = false;
    }

    /** Records that a poll found a batch that the feed had not delivered. */
    void missed() {
        trusted = false;
    }

    long count() {
        return delivered.get();
    }

    boolean isHealthy() {
        return open && trusted && ticker.read() - answeredAt < LONGEST_SILENCE;
    }
}
