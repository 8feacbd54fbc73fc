// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.mongodb.event.CommandListener;
import com.mongodb.event.CommandStartedEvent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Counts the reads and writes that a process sends to its store in each second. Thread-safe. */
final class StoreOperations implements CommandListener {

    private static final Set<String> READS = Set.of("find", "getMore", "aggregate", "count");
    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findAndModify");

    private final ReentrantLock lock = new ReentrantLock();
    private final List<int[]> seconds = new ArrayList<>();
    private final long began = System.nanoTime();

    @Override
    public void commandStarted(CommandStartedEvent event) {
        int kind = READS.contains(event.getCommandName()) ? 0 : WRITES.contains(event.getCommandName()) ? 1 : -1;
        if (kind < 0) {
            return;
        }
        lock.lock();
        try {
            long second = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - began);
            while (seconds.size() <= second) {
                seconds.add(new int[2]);
            }
            seconds.get((int) second)[kind]++;
        } finally {
            lock.unlock();
        }
    }

    /** Returns, for reads and for writes, the median of the busier half of the seconds and the most in one second. */
    @Override
    public String toString() {
        lock.lock();
        try {
            return "store operations per second: reads " + describe(0) + ", writes " + describe(1);
        } finally {
            lock.unlock();
        }
    }

    private String describe(int kind) {
        int[] counts = seconds.stream().mapToInt(s -> s[kind]).sorted().toArray();
        if (counts.length == 0) {
            return "none";
        }
        int[] busier = Arrays.copyOfRange(counts, counts.length / 2, counts.length);
        return busier[busier.length / 2] + " (most " + counts[counts.length - 1] + ")";
    }
}
