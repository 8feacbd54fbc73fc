// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.testkit.TickingClock;
import java.time.Duration;

class InMemoryEventStoreContractTest extends EventStoreContract {

    private static final Duration RETENTION = Duration.ofHours(1);

    private final TickingClock clock = new TickingClock();
    private final EventStore store =
            InMemoryEventStore.builder().ticker(clock).retention(RETENTION).build();

    @Override
    public EventStore store() {
        return store;
    }

    @Override
    public boolean dropEnded() {
        // Retention does not depend on the clock.
        clock.setClock(Duration.ofDays(-1));
        clock.tickTicker(RETENTION);
        // The store owns no thread and drops streams when it is called.
        store.open(Task.of("any", "").id());
        return true;
    }
}
