// SPDX-License-Identifier: Apache-2.0
package dev.handoff.delivery;

import dev.handoff.observation.HandoffObserver;
import java.util.concurrent.atomic.LongAdder;

/** Counts what the readers of a server are sent, so that an observer need not be called for each event. Thread-safe. */
final class Deliveries {

    private final LongAdder entries = new LongAdder();
    private final LongAdder bytes = new LongAdder();
    private final LongAdder heartbeats = new LongAdder();

    void addEntries(long count) {
        entries.add(count);
    }

    void addBytes(long count) {
        bytes.add(count);
    }

    void addHeartbeat() {
        heartbeats.increment();
    }

    /** Tells an observer what was counted since the last call, if it is anything. */
    void report(HandoffObserver observer) {
        long newEntries = entries.sumThenReset();
        long newBytes = bytes.sumThenReset();
        long newHeartbeats = heartbeats.sumThenReset();
        if (newEntries > 0 || newBytes > 0 || newHeartbeats > 0) {
            observer.delivered(newEntries, newBytes, newHeartbeats);
        }
    }
}
