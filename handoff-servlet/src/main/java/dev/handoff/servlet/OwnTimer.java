// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;

/** Creates the timer of a streaming server to which the application gives none. */
final class OwnTimer {

    static final String THREAD_NAME = "handoff-stream-timer";

    private OwnTimer() {}

    /** Returns a timer with one daemon thread, which starts with the first task. */
    static ScheduledExecutorService create() {
        ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, THREAD_NAME);
            thread.setDaemon(true);
            return thread;
        });
        timer.setRemoveOnCancelPolicy(true);
        return timer;
    }
}
