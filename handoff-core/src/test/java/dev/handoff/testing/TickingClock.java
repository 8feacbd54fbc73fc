// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testing;

import dev.handoff.time.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A clock and a ticker for tests. Both stand still until a test moves them. The ticker starts shortly before it overflows, as
 * {@link System#nanoTime} may.
 */
public final class TickingClock extends Clock implements Ticker {

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2030-01-01T00:00:00Z"));
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 10_000_000_000L);

    /** Moves both forward by a time. */
    public void tick(Duration time) {
        setClock(time);
        tickTicker(time);
    }

    /** Sets the clock forward, or back by a negative time. The ticker stays. */
    public void setClock(Duration step) {
        now.updateAndGet(i -> i.plus(step));
    }

    /** Moves the ticker forward by a time. The clock stays. */
    public void tickTicker(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    @Override
    public long read() {
        return nanos.get();
    }

    @Override
    public Instant instant() {
        return now.get();
    }

    @Override
    public ZoneId getZone() {
        return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException("a ticking clock is always on UTC");
    }
}
