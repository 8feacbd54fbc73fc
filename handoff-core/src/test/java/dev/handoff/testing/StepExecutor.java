// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testing;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;

/** Takes up to so many tasks and runs each when the test says so, in the thread of the test. */
public final class StepExecutor implements Executor {

    private final Queue<Runnable> queue = new ArrayDeque<>();
    private int capacity = Integer.MAX_VALUE;

    public void capacity(int capacity) {
        this.capacity = capacity;
    }

    @Override
    public void execute(Runnable command) {
        if (queue.size() >= capacity) {
            throw new RejectedExecutionException("the test's executor is full");
        }
        queue.add(command);
    }

    public int waiting() {
        return queue.size();
    }

    public void runNext() {
        queue.remove().run();
    }

    public void runAll() {
        while (!queue.isEmpty()) {
            runNext();
        }
    }
}
