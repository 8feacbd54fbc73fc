// SPDX-License-Identifier: Apache-2.0
package dev.handoff.memory;

import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.Arrays;
import java.util.Collections;
import org.jspecify.annotations.Nullable;

/**
 * The entries of one stream. One thread at a time writes; any number of threads read without a lock.
 *
 * <p>The writer publishes an event by raising {@code size}, and sets {@code end} after the last event. A reader reads {@code end}
 * before {@code size}, so it never takes a part of the stream for the whole.
 *
 * <p>Events are kept in small blocks: a concurrent garbage collector scans an old object again after each write to it, and one
 * array of all events would be scanned again after each event.
 */
final class StreamEntries {

    private static final int BLOCK_SIZE = 32;

    /** Replaced when it grows; its filled part never changes. */
    private volatile Event[][] blocks = new Event[4][];

    private volatile int size;
    private volatile @Nullable End end;

    void add(Event event) {
        int at = size;
        int block = at / BLOCK_SIZE;
        Event[][] all = blocks;
        if (block == all.length) {
            all = Arrays.copyOf(all, 2 * all.length);
            blocks = all;
        }
        if (all[block] == null) {
            all[block] = new Event[BLOCK_SIZE];
        }
        all[block][at % BLOCK_SIZE] = event;
        size = at + 1;
    }

    void end(End how) {
        end = how;
    }

    @Nullable
    End end() {
        return end;
    }

    /** Returns the number of events, without the end. */
    int size() {
        return size;
    }

    /** Returns the position of the last entry, which may be the end. */
    long last() {
        boolean ended = end != null;
        return ended ? size : size - 1L;
    }

    /** Returns at most so many events after a position, and the end if all events before it have been read then. */
    EventStream.Batch read(long after, int limit) {
        End ended = end;
        int available = size;
        Event[][] all = blocks;
        int from = (int) (after >= available ? available : after + 1);
        int to = (int) Math.min((long) from + limit, available);
        Event[] part = new Event[to - from];
        for (int i = from; i < to; i++) {
            part[i - from] = all[i / BLOCK_SIZE][i % BLOCK_SIZE];
        }
        boolean whole = ended != null && to == available;
        return new EventStream.Batch(
                Collections.unmodifiableList(Arrays.asList(part)),
                whole ? available : Math.max(after, to - 1L),
                whole ? ended : null);
    }
}
