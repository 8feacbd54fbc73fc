// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Emits the events of any number of streams from one thread, each stream at its own rate. With a thread for each stream, a storm would
 * measure the scheduler. The thread emits late events as soon as it can, so that no event of a storm is left out.
 */
final class Beat implements Runnable {

    private static final Logger logger = LoggerFactory.getLogger(Beat.class);

    /** Receives the events of one storm. */
    interface Sink {
        void emit(String data);

        void end();
    }

    private final Queue<Emission> fresh = new ConcurrentLinkedQueue<>();
    private volatile @Nullable Thread thread;

    /** Begins a storm. Its first event comes at once. If the storm has no events, its end comes when its time is over. Does not block. */
    void add(Storm storm, Sink sink) {
        fresh.add(new Emission(storm, sink, System.nanoTime()));
        LockSupport.unpark(thread);
    }

    /** Emits events until the thread is interrupted. */
    @Override
    public void run() {
        thread = Thread.currentThread();
        PriorityQueue<Emission> waiting = new PriorityQueue<>((a, b) -> Long.compare(a.due - b.due, 0));
        while (!Thread.currentThread().isInterrupted()) {
            for (Emission emission = fresh.poll(); emission != null; emission = fresh.poll()) {
                waiting.add(emission);
            }
            Emission next = waiting.peek();
            long pause = next == null ? TimeUnit.SECONDS.toNanos(1) : next.due - System.nanoTime();
            if (pause > 0) {
                LockSupport.parkNanos(pause);
            } else if (waiting.remove().step()) {
                waiting.add(next);
            }
        }
    }

    private static final class Emission {

        private final Sink sink;
        private final String filler;
        private final int events;
        private final long interval;
        private final long start;
        private int emitted;
        private long due;

        Emission(Storm storm, Sink sink, long start) {
            this.sink = sink;
            this.filler = storm.filler();
            this.events = storm.events();
            this.start = start;
            this.interval = TimeUnit.SECONDS.toNanos(storm.seconds()) / Math.max(1, events);
            this.due = events == 0 ? start + interval : start;
        }

        /** Emits one event, or ends the storm. Returns whether the storm has not ended. */
        boolean step() {
            try {
                if (emitted == events) {
                    sink.end();
                    return false;
                }
                sink.emit(Storm.event(System.nanoTime(), filler));
                emitted++;
                due = start + emitted * interval;
                return true;
            } catch (RuntimeException e) {
                logger.debug("a stream could not be written to its end", e);
                return false;
            }
        }
    }
}
