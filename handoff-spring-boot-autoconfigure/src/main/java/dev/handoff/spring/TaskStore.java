// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the lifecycle and the actuator need to know of the place where tasks and streams are kept, and of the workers of this process. */
interface TaskStore {

    /** Starts what accepts and runs tasks. Does not wait for the store for longer than some seconds. */
    void start();

    /** Takes no more tasks, and gives those that run here some time. Blocks until they have ended or the time is over. */
    void finish(Duration within);

    /** Returns the name of the store for people. */
    String name();

    /**
     * Checks that the store answers. Blocks.
     *
     * @throws RuntimeException if it does not
     */
    void check();

    /** Returns how many tasks of each type are queued. Blocks. */
    Map<String, Long> queued(Collection<String> types);

    /** Returns how long the oldest of the queued tasks has been queued; null if none is queued. Blocks. */
    @Nullable
    Duration oldestQueued();
}
