// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.stream;

import dev.handoff.http.ProblemCode;
import dev.handoff.http.ProblemException;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.tail.TailWindow;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads one stream, from the shared tail if the tail has the events, else from the database. Reads from the database block. Thread-safe.
 */
final class MongoEventStream implements EventStream {

    /** A read from the database ends after the batch with which it holds at least this many bytes. */
    private static final long BYTES_PER_READ = 1 << 20;

    private static final long UNKNOWN = -1;

    private final String id;
    private final Database database;
    private final TailPoller tail;
    /** The open watch that was created last. */
    private volatile TailWindow.@Nullable Watch watch;

    MongoEventStream(String id, Database database, TailPoller tail) {
        this.id = id;
        this.database = database;
        this.tail = tail;
    }

    @Override
    public String id() {
        return id;
    }

    @Override
    public Batch read(long after, int limit) {
        if (after < BEGINNING) {
            throw new IllegalArgumentException("position is less than -1: " + after);
        }
        if (limit < 1) {
            throw new IllegalArgumentException("limit is less than 1: " + limit);
        }
        TailWindow.Watch open = watch;
        if (open == null) {
            return fetch(after, limit, null);
        }
        Batch batch = tail.read(open, after, limit);
        if (open.isGone(after)) {
            throw gone();
        }
        if (batch != null) {
            return batch;
        }
        if (!tail.beginCatchUp(open)) {
            return new Batch(List.of(), after, null);
        }
        try {
            batch = fetch(after, limit, open);
        } finally {
            tail.endCatchUp();
        }
        open.noteShown(batch.last() + 1);
        return batch;
    }

    private Batch fetch(long after, int limit, TailWindow.@Nullable Watch open) {
        Part part = part(after, limit);
        if (part.gap && part.batch.last() == after) {
            // Entries that a writer stores during the read can look like a gap, so this reads again.
            part = part(after, limit);
        }
        if (part.gap && part.batch.last() == after && open == null) {
            throw gone();
        }
        if (open != null && part.tail != UNKNOWN) {
            tail.follow(open, part.tail);
        }
        return part.batch;
    }

    /**
     * Holds the result of one read.
     *
     * @param gap whether the next entry is missing although later ones exist
     * @param tail the position after the last entry of the stream; {@link #UNKNOWN} if the read did not reach it or the stream has ended
     */
    private record Part(Batch batch, boolean gap, long tail) {}

    private Part part(long after, int limit) {
        long wanted = after + 1;
        List<EventBatch> found = new ArrayList<>(database.read(id, wanted, limit, BYTES_PER_READ));
        long bytes = found.stream().mapToLong(EventBatch::bytes).sum();
        long reached = 0;
        if (wanted > 0 && (found.isEmpty() || found.get(0).seq() > wanted)) {
            // The first requested event may be in the middle of a batch.
            EventBatch before = database.lastBefore(id, wanted).orElse(null);
            if (before == null) {
                if (found.isEmpty() && database.confirmedLast(id).isPresent()) {
                    throw ProblemCode.STORE_UNREACHABLE.exception("The stream is not visible yet.");
                }
                // Entries that the reader has read were deleted. If this did not fail, a new reader would take the
                // remaining entries for the whole stream.
                throw gone();
            }
            found.add(0, before);
            reached = before.seq();
        } else if (!found.isEmpty()) {
            reached = wanted;
        }
        List<Event> events = new ArrayList<>();
        End end = null;
        for (EventBatch batch : found) {
            if (batch.seq() > reached) {
                // Positions are dense, so a read must not return entries after a gap.
                long last = Math.max(after, reached - 1);
                return new Part(new Batch(events, last, null, last > after), true, reached);
            }
            for (Event event : batch.events()) {
                if (event.position() >= wanted) {
                    if (events.size() == limit) {
                        return new Part(new Batch(events, events.get(limit - 1).position(), null), false, UNKNOWN);
                    }
                    events.add(event);
                }
            }
            reached = batch.next();
            end = batch.end();
        }
        if (end != null) {
            return new Part(new Batch(events, reached - 1, end), false, UNKNOWN);
        }
        long last = Math.max(after, reached - 1);
        return bytes >= BYTES_PER_READ
                ? new Part(new Batch(events, last, null, last > after), false, UNKNOWN)
                : new Part(new Batch(events, last, null), false, reached);
    }

    private static ProblemException gone() {
        return ProblemCode.STREAM_GONE.exception("The stream is no longer kept.");
    }

    @Override
    public Watch watch(Runnable hint) {
        TailWindow.Watch opened = tail.watch(id, hint);
        watch = opened;
        return () -> {
            if (watch == opened) {
                watch = null;
            }
            opened.close();
        };
    }

    @Override
    public long last() {
        EventBatch last = database.last(id).orElse(null);
        return last == null ? BEGINNING : last.next() - 1;
    }

    @Override
    public long eventCount() {
        EventBatch last = database.last(id).orElse(null);
        if (last == null) {
            return 0;
        }
        long entries = last.next() - (last.end() == null ? 0 : 1);
        // Only a writer with an epoch above 1 begins with a fence.
        return last.epoch() == 1 ? entries : entries - database.fences(id);
    }

    @Override
    public Optional<End> end() {
        TailWindow.Watch open = watch;
        if (open != null && open.isCut()) {
            throw gone();
        }
        if (open != null && open.window().isFollowed()) {
            return Optional.ofNullable(open.window().end());
        }
        EventBatch last = database.last(id).orElse(null);
        End end = last == null ? null : last.end();
        if (open != null && end == null) {
            // The poller must also wake a reader that only waits for the end, so it must follow the stream.
            tail.follow(open, last == null ? 0 : last.next());
        }
        return Optional.ofNullable(end);
    }
}
