// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.task;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.Lock;
import java.util.function.BooleanSupplier;

/** Lets a thread wait for a condition on the tasks that a worker claims and runs. Thread-safe. */
final class RunChanges {

    private final Lock lock;
    private final Condition changed;

    RunChanges(Lock lock) {
        this.lock = lock;
        this.changed = lock.newCondition();
    }

    /** Makes the waiting threads check their conditions again. */
    void signal() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a condition. Returns false if the time is over or the thread is interrupted before the condition is true. */
    boolean await(Duration time, BooleanSupplier condition) {
        long left = time.toNanos();
        lock.lock();
        try {
            while (!condition.getAsBoolean()) {
                if (left <= 0) {
                    return false;
                }
                left = changed.awaitNanos(left);
            }
            return true;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } finally {
            lock.unlock();
        }
    }
}
