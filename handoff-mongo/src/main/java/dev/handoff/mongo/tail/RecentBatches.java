// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.tail;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Holds the latest batches of a stream, without a gap. Drops the oldest batches if all together have more than 512 KB. Not thread-safe. */
final class RecentBatches {

    static final long MAX_BYTES = 512 << 10;

    private record Entry(EventBatch batch, long bytes, long stamp) {}

    private final WindowMemory memory;
    private List<Entry> entries = new ArrayList<>();
    private long bytes;
    private long start;

    RecentBatches(WindowMemory memory) {
        this.memory = memory;
    }

    /** Drops all batches. The next batch must begin at this position. */
    void begin(long position) {
        clear();
        start = position;
    }

    /** Returns the first position that the batches cover. */
    long start() {
        return start;
    }

    /** Returns the latest batch, or null if there is none. */
    @Nullable
    EventBatch last() {
        return entries.isEmpty() ? null : entries.get(entries.size() - 1).batch();
    }

    /** Adds the batch that follows the last one. */
    void add(EventBatch batch) {
        long size = batch.bytes();
        entries.add(new Entry(batch, size, memory.add(size)));
        bytes += size;
        if (bytes > MAX_BYTES) {
            // Drops half of the bytes at once, so that the batches added next drop nothing. The latest batch stays,
            // because readers wait for it.
            int drop = 0;
            long left = bytes;
            while (left > MAX_BYTES / 2 && drop < entries.size() - 1) {
                left -= entries.get(drop).bytes();
                drop++;
            }
            drop(drop);
        }
    }

    /** Drops the batches whose stamp of {@link WindowMemory} is at most this one. */
    void dropUpTo(long stamp) {
        int drop = 0;
        while (drop < entries.size() && entries.get(drop).stamp() - stamp <= 0) {
            drop++;
        }
        drop(drop);
    }

    private void drop(int count) {
        if (count == 0) {
            return;
        }
        long dropped = 0;
        for (Entry entry : entries.subList(0, count)) {
            dropped += entry.bytes();
        }
        start = entries.get(count - 1).batch().next();
        entries = new ArrayList<>(entries.subList(count, entries.size()));
        bytes -= dropped;
        memory.release(dropped);
    }

    /** Drops all batches. */
    void clear() {
        memory.release(bytes);
        bytes = 0;
        entries = new ArrayList<>();
    }

    /** Returns the events after a position, at most {@code limit + 1}: one more than the limit shows that there are more. */
    List<Event> eventsAfter(long position, int limit) {
        List<Event> events = new ArrayList<>();
        for (int i = indexAfter(position); i < entries.size(); i++) {
            for (Event event : entries.get(i).batch().events()) {
                if (event.position() > position) {
                    events.add(event);
                    if (events.size() > limit) {
                        return events;
                    }
                }
            }
        }
        return events;
    }

    /** Returns the index of the first batch that has an entry after a position. */
    private int indexAfter(long position) {
        int low = 0;
        int high = entries.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (entries.get(middle).batch().next() <= position + 1) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
