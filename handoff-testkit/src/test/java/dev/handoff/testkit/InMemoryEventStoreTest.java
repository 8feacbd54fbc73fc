package dev.handoff.testkit;

import dev.handoff.EventStore;
import dev.handoff.InMemoryEventStore;

class InMemoryEventStoreTest extends EventStoreContract {

    private final EventStore store = InMemoryEventStore.create();

    @Override
    protected EventStore store() {
        return store;
    }
}
