// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A thread that runs the actors of a simulation. It runs only while it holds the baton. The threads of a pool are used again by the next
 * simulation, so a pool belongs to one simulation at a time.
 */
final class Carrier implements Runnable {

    private static final ThreadFactory THREADS = threads();

    private final Pool pool;
    private final Thread thread;
    private volatile boolean baton;
    // Written by the thread that holds the baton.
    private @Nullable Actor assigned;

    private Carrier(Pool pool) {
        this.pool = pool;
        this.thread = THREADS.newThread(this);
    }

    /** Returns a carrier for the current thread, which is not in the pool. */
    private Carrier(Pool pool, Thread thread) {
        this.pool = pool;
        this.thread = thread;
    }

    /** Virtual threads where there are any, since they switch within a microsecond. */
    private static ThreadFactory threads() {
        try {
            Object builder = Thread.class.getMethod("ofVirtual").invoke(null);
            return (ThreadFactory) Class.forName("java.lang.Thread$Builder")
                    .getMethod("factory")
                    .invoke(builder);
        } catch (ReflectiveOperationException | UnsupportedOperationException e) {
            return runnable -> {
                Thread thread = new Thread(runnable, "simulation");
                thread.setDaemon(true);
                return thread;
            };
        }
    }

    /** Lets this thread go on. The caller stops or waits after that. */
    void passBaton() {
        baton = true;
        LockSupport.unpark(thread);
    }

    /** Has the thread look for the baton. */
    void wake() {
        LockSupport.unpark(thread);
    }

    /** Waits for the baton. */
    void awaitBaton() {
        while (!baton) {
            LockSupport.park(this);
        }
        baton = false;
    }

    /** Waits for the baton at most for some time. Returns whether it came. */
    boolean awaitBaton(long nanos) {
        long deadline = System.nanoTime() + nanos;
        while (!baton) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            LockSupport.parkNanos(this, left);
        }
        baton = false;
        return true;
    }

    /** Says where the thread is. */
    String describe() {
        StringBuilder text = new StringBuilder();
        for (StackTraceElement element : thread.getStackTrace()) {
            text.append("\n    at ").append(element);
        }
        return text.toString();
    }

    @Override
    public void run() {
        awaitBaton();
        while (true) {
            Actor actor = assigned;
            assigned = null;
            if (actor == null) {
                return;
            }
            actor.runOn(this);
            // The actor is done. The next one starts in this thread if it has none yet.
            Actor next = actor.simulation().pick();
            if (next.carrier() == null) {
                assigned = next;
            } else {
                pool.idle.push(this);
                next.carrier().passBaton();
                awaitBaton();
            }
        }
    }

    /** The carriers that have no actor. Used only by the thread that holds the baton. */
    static final class Pool {

        private final Deque<Carrier> idle = new ArrayDeque<>();

        /** Returns a carrier for the current thread. */
        Carrier current() {
            return new Carrier(this, Thread.currentThread());
        }

        /** Starts an actor in a thread of the pool. */
        void start(Actor actor) {
            Carrier carrier = idle.poll();
            if (carrier == null) {
                carrier = new Carrier(this);
                carrier.thread.start();
            }
            carrier.assigned = actor;
            carrier.passBaton();
        }

        /** Ends the threads of the pool. */
        void close() {
            idle.forEach(Carrier::passBaton);
            idle.clear();
        }
    }
}
