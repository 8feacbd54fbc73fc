// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.List;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/**
 * Holds consecutive entries of a stream that a writer stores together. A later version may add a component, which changes the constructor
 * but not {@link #of}, {@link #withEnd} and {@link #fence(ObjectId, String, long, int)}.
 *
 * @param seq the position of the first entry
 * @param epoch the epoch of the writer
 * @param end the end of the stream, if it comes after these events; else null. It takes one position
 * @param fence whether this is a fence: a batch without events that takes one position, so that an earlier writer cannot write there
 */
public record EventBatch(
        ObjectId id,
        String stream,
        long seq,
        int epoch,
        List<Event> events,
        @Nullable End end,
        boolean fence) {

    /** Copies the events. */
    public EventBatch {
        events = List.copyOf(events);
    }

    /** Returns a batch of events, without an end. */
    public static EventBatch of(ObjectId id, String stream, long seq, int epoch, List<Event> events) {
        return new EventBatch(id, stream, seq, epoch, events, null, false);
    }

    /** Returns the same batch with an end of the stream after its events, or without one for null. */
    public EventBatch withEnd(@Nullable End end) {
        return new EventBatch(id, stream, seq, epoch, events, end, fence);
    }

    /** Returns a fence at a position. */
    public static EventBatch fence(ObjectId id, String stream, long seq, int epoch) {
        return new EventBatch(id, stream, seq, epoch, List.of(), null, true);
    }

    /** Returns the position after the last entry. */
    public long next() {
        return seq + events.size() + (fence ? 1 : 0) + (end == null ? 0 : 1);
    }

    /** The fixed memory cost of a batch and of an event, in bytes, in addition to their text. */
    private static final int BATCH_OVERHEAD_BYTES = 160;

    private static final int EVENT_OVERHEAD_BYTES = 96;

    /** Returns the approximate size of the batch in memory: two bytes for each character, plus a fixed number of bytes for each object. */
    public long bytes() {
        long bytes = BATCH_OVERHEAD_BYTES;
        for (Event event : events) {
            bytes += bytesOf(event);
        }
        if (end instanceof End.Completed completed && completed.result() != null) {
            bytes += 2L * completed.result().length();
        } else if (end instanceof End.Failed failed && failed.problem().detail() != null) {
            bytes += 2L * failed.problem().detail().length();
        }
        return bytes;
    }

    /** Returns the approximate size of an event in memory, in bytes. */
    public static long bytesOf(Event event) {
        return EVENT_OVERHEAD_BYTES
                + 2L * event.data().length()
                + (event.type() == null ? 0 : 2L * event.type().length());
    }
}
