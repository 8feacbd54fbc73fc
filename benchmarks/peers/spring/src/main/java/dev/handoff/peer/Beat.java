package dev.handoff.peer;

import java.io.IOException;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Emits the events of all streams from one thread, as the beat of the storm tool does, so that both use the same number of threads. */
final class Beat implements Runnable {

    /** Receives the events of one stream. */
    interface Sink {
        void emit(int position) throws IOException;

        void end();
    }

    private final Queue<Emission> fresh = new ConcurrentLinkedQueue<>();
    private volatile Thread thread;

    void add(int rate, int seconds, Sink sink) {
        fresh.add(new Emission(rate * seconds, TimeUnit.SECONDS.toNanos(seconds), sink));
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

        private final int events;
        private final long interval;
        private final Sink sink;
        private final long start = System.nanoTime();
        private int emitted;
        private long due;

        Emission(int events, long nanos, Sink sink) {
            this.events = events;
            this.interval = nanos / Math.max(1, events);
            this.sink = sink;
            this.due = events == 0 ? start + interval : start;
        }

        /** Emits one event, or ends the stream. Returns whether the stream has not ended. */
        boolean step() {
            try {
                if (emitted == events) {
                    sink.end();
                    return false;
                }
                sink.emit(emitted++);
                due = start + emitted * interval;
                return true;
            } catch (IOException | RuntimeException e) {
                // The client has left, and Spring ends the request by itself.
                return false;
            }
        }
    }
}
