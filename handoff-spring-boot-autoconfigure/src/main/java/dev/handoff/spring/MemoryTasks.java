// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.memory.InProcessTaskDispatcher;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tasks that run in this process. */
final class MemoryTasks implements TaskStore {

    private static final Logger logger = LoggerFactory.getLogger(MemoryTasks.class);

    private final InProcessTaskDispatcher dispatcher;
    private final HandoffThreads threads;
    private final Activity activity;

    MemoryTasks(InProcessTaskDispatcher dispatcher, HandoffThreads threads, Activity activity) {
        this.dispatcher = dispatcher;
        this.threads = threads;
        this.activity = activity;
    }

    @Override
    public void start() {
        dispatcher.reopen();
        logger.info(
                "handoff keeps tasks and streams in the memory of this process: they are lost when it stops, and only"
                        + " this process can deliver them. Add handoff-mongo and a MongoDB to use several processes");
    }

    @Override
    public void finish(Duration within) {
        if (!dispatcher.drain(within)) {
            logger.info("tasks were still running after {}, their streams have ended with an error", within);
        }
    }

    @Override
    public String name() {
        return "memory";
    }

    @Override
    public void check() {}

    @Override
    public Map<String, Long> queued(Collection<String> types) {
        Map<String, Long> queued = new TreeMap<>();
        activity.tasks().forEach((type, tasks) -> queued.put(type, tasks.queued()));
        return queued;
    }

    @Override
    public @Nullable Duration oldestQueued() {
        return threads.oldestWaiting();
    }
}
