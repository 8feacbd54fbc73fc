// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The place where tasks and streams are kept, with the worker of this process, as the lifecycle and the actuator use it. */
interface TaskStore {

    /**
     * Accepts tasks, and starts the worker of this process if it has one. Can be called again after {@link #finish}. Waits for the store for
     * at most 5 seconds.
     */
    void start();

    /** Takes no more tasks, and waits for those that run in this process. Blocks until they have ended or the time is over. */
    void finish(Duration within);

    /** Returns the name of the store that the actuator shows. */
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
