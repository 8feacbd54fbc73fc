package dev.handoff.testkit;

import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A ticker that stands still until it is advanced. */
final class TickingTicker implements Ticker {

    private final AtomicLong nanos = new AtomicLong();

    void tick(Duration time) {
        nanos.addAndGet(time.toNanos());
    }

    @Override
    public long read() {
        return nanos.get();
    }
}
