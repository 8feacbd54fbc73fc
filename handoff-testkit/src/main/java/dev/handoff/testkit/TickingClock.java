// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import dev.handoff.time.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Provides a clock and a ticker for tests. Both stand still until a test moves them. The ticker starts 10 s before it overflows, because
 * {@link System#nanoTime} may overflow too. Thread-safe.
 */
public final class TickingClock extends Clock implements Ticker {

    private final AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2030-01-01T00:00:00Z"));
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 10_000_000_000L);

    /** Moves the clock and the ticker forward by a time. */
    public void tick(Duration time) {
        setClock(time);
        tickTicker(time);
    }

    /** Moves only the clock: forward, or back if the time is negative. */
    public void setClock(Duration step) {
        now.updateAndGet(i -> i.plus(step));
    }

    /** Moves only the ticker forward by a time. */
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
