// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;

/**
 * The order of the threads that want to write to one client: the writer of the stream, the container and the timer. They take turns. One
 * thread has the turn at a time. A thread that comes meanwhile leaves a wake-up and goes, and the thread that has the turn looks again.
 */
final class Turns {

    private final AsyncResponse response;
    private final BooleanSupplier turn;
    /** How many wake-ups are not settled. The thread that counts the first one takes the turn. */
    private final AtomicInteger wakeUps = new AtomicInteger();

    /**
     * The turns of one response.
     *
     * @param turn takes one turn, with the turn of the response held. Returns whether it has given {@link #take} to another thread
     */
    Turns(AsyncResponse response, BooleanSupplier turn) {
        this.response = response;
        this.turn = turn;
    }

    /** Takes a turn in this thread, or lets the thread that has the turn look again. */
    void here() {
        if (wakeUps.getAndIncrement() == 0) {
            take();
        }
    }

    /** Takes a turn on a thread of the container. If the container takes none, the next tick tries again. */
    void elsewhere() {
        if (wakeUps.getAndIncrement() == 0 && !lendThread(this::take)) {
            wakeUps.set(0);
        }
    }

    /**
     * Takes a turn on another thread of the container, or in this one if the container takes no job. Waits for the turn, so the caller must
     * hold nothing that a turn may wait for.
     */
    void offIoThread() {
        if (wakeUps.getAndIncrement() == 0 && !lendThreadWaiting(this::take)) {
            take();
        }
    }

    /** Runs a job on a thread of the container, unless another thread has the turn. Returns whether the container took it. */
    boolean lendThread(Runnable job) {
        return response.turn.tryLock() && lend(job);
    }

    private boolean lendThreadWaiting(Runnable job) {
        response.turn.lock();
        return lend(job);
    }

    /** Called with the turn held, and releases it. */
    private boolean lend(Runnable job) {
        try {
            return response.lendThread(job);
        } finally {
            response.turn.unlock();
        }
    }

    /** Takes turns until all wake-ups are settled. */
    void take() {
        // A thread that the application has interrupted could not write: some containers see it in a blocking wait.
        boolean interrupted = Thread.interrupted();
        try {
            int seen = 1;
            do {
                if (takeOne()) {
                    // Another thread goes on, and settles the wake-ups.
                    return;
                }
                seen = wakeUps.addAndGet(-seen);
            } while (seen != 0);
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean takeOne() {
        response.turn.lock();
        try {
            return turn.getAsBoolean();
        } finally {
            response.turn.unlock();
        }
    }
}
