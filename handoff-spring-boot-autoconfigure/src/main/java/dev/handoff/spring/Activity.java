// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.observation.HandoffObserver;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Counts the tasks and the open streams of this process. Thread-safe. */
final class Activity {

    /** The counters of one type of tasks. Threads may report one task in any order, so a counter can be negative for a moment. */
    private static final class Counts {

        private final AtomicLong pending = new AtomicLong();
        private final AtomicLong running = new AtomicLong();
    }

    /**
     * How many tasks of a type there are in this process.
     *
     * @param queued how many wait; of no meaning if the queue is in MongoDB
     * @param running how many run
     */
    record Tasks(long queued, long running) {}

    private final ConcurrentMap<String, Counts> byType = new ConcurrentHashMap<>();
    private final AtomicLong openStreams = new AtomicLong();
    private volatile @Nullable Duration tailLag;

    /** Returns the observer that updates the counters. */
    HandoffObserver observer() {
        return new HandoffObserver() {
            @Override
            public void accepted(String type) {
                counts(type).pending.incrementAndGet();
            }

            @Override
            public void started(String type, Duration waited) {
                counts(type).running.incrementAndGet();
            }

            @Override
            public void ended(String type, RunEnd end, Duration took, long events, long bytes) {
                counts(type).pending.decrementAndGet();
                if (!took.isZero()) {
                    // Zero is the time of a run whose handler was not called.
                    counts(type).running.decrementAndGet();
                }
            }

            @Override
            public void readerOpened(String format) {
                openStreams.incrementAndGet();
            }

            @Override
            public void readerClosed(String format, ReaderEnd end, Duration open, long bytes) {
                openStreams.decrementAndGet();
            }

            @Override
            public void tailLag(Duration lag) {
                tailLag = lag;
            }
        };
    }

    private Counts counts(String type) {
        return byType.computeIfAbsent(type, unknown -> new Counts());
    }

    /** Returns the tasks of this process by type. */
    Map<String, Tasks> tasks() {
        Map<String, Tasks> tasks = new TreeMap<>();
        byType.forEach((type, counts) -> {
            long running = Math.max(0, counts.running.get());
            tasks.put(type, new Tasks(Math.max(0, counts.pending.get() - running), running));
        });
        return tasks;
    }

    /** Returns how many streams are being read from this process. */
    long openStreams() {
        return Math.max(0, openStreams.get());
    }

    /** Returns the lag of the last batch that another process wrote; null if this process has read none. */
    @Nullable
    Duration tailLag() {
        return tailLag;
    }
}
