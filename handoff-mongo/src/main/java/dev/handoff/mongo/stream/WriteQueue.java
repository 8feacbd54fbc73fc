// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.mongo.database.DatabaseException;
import dev.handoff.mongo.database.EventBatch;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Holds the appenders that have batches to write, and the batches to retry. The budget limits the documents per second. The first batch of
 * a writer and the end of a stream do not wait for the budget. Other appenders wait in the order of arrival, and buffer more events
 * meanwhile. The lock of {@link GroupCommit} guards this object.
 */
final class WriteQueue {

    private static final int MAX_DOCUMENTS = 1000;
    private static final long MAX_WRITE_BYTES = 16L << 20;

    private final DocumentBudget budget;
    /** Appenders that do not wait for the budget. */
    private final Set<MongoEventAppender> urgent = new LinkedHashSet<>();
    /** Other appenders with events to write, in the order of arrival. */
    private final Set<MongoEventAppender> waiting = new LinkedHashSet<>();

    private List<Write> retries = new ArrayList<>();

    WriteQueue(DocumentBudget budget) {
        this.budget = budget;
    }

    /** Adds an appender that has events or an end to write. */
    void add(MongoEventAppender appender) {
        if (appender.isUrgent()) {
            waiting.remove(appender);
            urgent.add(appender);
        } else if (!urgent.contains(appender)) {
            waiting.add(appender);
        }
    }

    /** Adds a batch to retry. */
    void add(Write retry) {
        retries.add(retry);
    }

    /** Removes an appender and its batches. */
    void remove(MongoEventAppender appender) {
        urgent.remove(appender);
        waiting.remove(appender);
        retries.removeIf(w -> w.appender() == appender);
    }

    boolean isEmpty() {
        return urgent.isEmpty() && waiting.isEmpty() && retries.isEmpty();
    }

    /** Returns the nanoseconds until the budget and the pauses between retries allow a batch to be written. */
    long nanosUntilDue(long now) {
        if (!urgent.isEmpty()) {
            return 0;
        }
        long soonest = waiting.isEmpty() ? Long.MAX_VALUE : budget.nanosUntilAvailable();
        for (Write retry : retries) {
            soonest = Math.min(soonest, retry.notBefore() - now);
        }
        return soonest;
    }

    /**
     * Moves the batches that are due into the given empty list. If this throws, the caller must fail the appenders of the writes in the
     * list.
     */
    void take(long now, List<Write> writes) {
        List<Write> later = new ArrayList<>();
        long bytes = 0;
        for (Write retry : retries) {
            if (retry.notBefore() - now <= 0 && writes.size() < MAX_DOCUMENTS && bytes < MAX_WRITE_BYTES) {
                writes.add(retry);
                bytes += retry.bytes();
            } else {
                later.add(retry);
            }
        }
        retries = later;
        bytes = take(urgent, Integer.MAX_VALUE, writes, bytes, now);
        int owed = writes.size();
        budget.takeUrgent(owed);
        int available = budget.available();
        take(waiting, available, writes, bytes, now);
        int taken = writes.size() - owed;
        budget.take(taken);
        if (waiting.isEmpty()) {
            budget.enough();
        } else if (taken == available) {
            budget.tooFew();
        }
    }

    /** Takes a batch of each of the first appenders, at most {@code allowed} batches. Returns the bytes of all writes so far. */
    private static long take(
            Set<MongoEventAppender> from, int allowed, List<Write> writes, long bytesBefore, long now) {
        long bytes = bytesBefore;
        int left = allowed;
        Iterator<MongoEventAppender> appenders = from.iterator();
        while (left > 0 && appenders.hasNext() && writes.size() < MAX_DOCUMENTS && bytes < MAX_WRITE_BYTES) {
            MongoEventAppender appender = appenders.next();
            left--;
            appenders.remove();
            try {
                EventBatch batch = appender.take();
                long size = batch.bytes();
                writes.add(new Write(appender, batch, size, now, 0, now));
                bytes += size;
            } catch (RuntimeException | Error e) {
                // The batch is in no list and would never be written, so its appender must fail.
                appender.failed(DatabaseException.unknown("a batch could not be created", e));
                throw e;
            }
        }
        return bytes;
    }

    /** Fails and removes all appenders. */
    void failAll(RuntimeException e) {
        retries.forEach(w -> w.appender().failed(e));
        retries.clear();
        urgent.forEach(a -> a.failed(e));
        urgent.clear();
        waiting.forEach(a -> a.failed(e));
        waiting.clear();
    }
}
