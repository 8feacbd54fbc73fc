// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Limits how many readers that are behind read the database at the same time, and so the memory of their answers. The other readers wait
 * without a thread, in the order in which they came. When a read ends, their hints run, and they try again. Thread-safe.
 */
final class CatchUp {

    private final int most;
    private final ReentrantLock lock = new ReentrantLock();
    // Guarded by the lock.
    private final Set<TailWindow.Watch> waiting = new LinkedHashSet<>();
    private int reading;

    CatchUp(int most) {
        this.most = most;
    }

    /** Returns whether the reader may read now, and must then call {@link #end}. If not, its hint runs when it may try again. */
    boolean begin(TailWindow.Watch watch) {
        lock.lock();
        try {
            if (reading == most) {
                waiting.add(watch);
                return false;
            }
            waiting.remove(watch);
            reading++;
            return true;
        } finally {
            lock.unlock();
        }
    }

    /** Records that a read has ended, and runs the hints of as many waiting readers as may read now. */
    void end() {
        List<TailWindow.Watch> next = new ArrayList<>();
        lock.lock();
        try {
            reading--;
            Iterator<TailWindow.Watch> watches = waiting.iterator();
            while (watches.hasNext() && next.size() < most - reading) {
                TailWindow.Watch watch = watches.next();
                watches.remove();
                if (watch.isOpen()) {
                    next.add(watch);
                }
            }
        } finally {
            lock.unlock();
        }
        next.forEach(TailWindow.Watch::tell);
    }

    /** Forgets a reader that has left. */
    void leave(TailWindow.Watch watch) {
        lock.lock();
        try {
            waiting.remove(watch);
        } finally {
            lock.unlock();
        }
    }
}
