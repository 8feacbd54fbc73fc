// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.task.TaskDispatcher;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tasks of a dispatcher that the application declares. If it runs its tasks in this process, {@link #finish} drains it, and {@link
 * #start} reopens it.
 */
final class ForeignTasks implements TaskStore {

    private final TaskDispatcher dispatcher;

    ForeignTasks(TaskDispatcher dispatcher) {
        this.dispatcher = dispatcher;
    }

    @Override
    public void start() {
        if (dispatcher instanceof InProcessTaskDispatcher inProcess) {
            inProcess.reopen();
        }
    }

    @Override
    public void finish(Duration within) {
        if (dispatcher instanceof InProcessTaskDispatcher inProcess) {
            inProcess.drain(within);
        }
    }

    @Override
    public String name() {
        return "application";
    }

    @Override
    public void check() {}

    @Override
    public Map<String, Long> queued(Collection<String> types) {
        return Map.of();
    }

    @Override
    public @Nullable Duration oldestQueued() {
        return null;
    }
}
