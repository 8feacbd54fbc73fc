// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.time.Ticker;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A ticker that stands still until a test moves it. */
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
