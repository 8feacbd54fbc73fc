// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;

class InProcessTaskDispatcherContractTest extends TaskDispatcherContract {

    private final EventStore store = InMemoryEventStore.create();
    private final ExecutorService executor = Executors.newFixedThreadPool(4);

    @Override
    protected TaskDispatcher start(TaskHandler handler) {
        return start(handler, store);
    }

    @Override
    protected TaskDispatcher start(TaskHandler handler, EventStore store) {
        return InProcessTaskDispatcher.builder(store, executor)
                .handler("script", handler)
                .build();
    }

    @Override
    protected boolean cancelsAtOnce() {
        return true;
    }

    @Override
    protected EventStore store() {
        return store;
    }

    @AfterEach
    void stop() {
        executor.shutdownNow();
    }
}
