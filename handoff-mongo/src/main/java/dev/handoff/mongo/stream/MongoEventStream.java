package dev.handoff.mongo.stream;

import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.EventStream;
import dev.handoff.ProblemException;
import dev.handoff.mongo.database.Database;
import dev.handoff.mongo.database.EventBatch;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.tail.TailWindow;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** The reading side of one stream: from the shared tail where it has the events, else from the database. */
final class MongoEventStream implements EventStream {

    /** How much one read takes from the database. */
    private static final long BYTES_PER_READ = 1 << 20;

    private final String id;
    private final Database database;
    private final TailPoller tail;
    private final AtomicInteger watches = new AtomicInteger();

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
        TailWindow shared = watches.get() > 0 ? tail.get(id) : null;
        Batch known = shared == null ? null : shared.read(after, limit);
        if (known != null) {
            return known;
        }
        return fetch(after, limit, shared);
    }

    private Batch fetch(long after, int limit, @Nullable TailWindow shared) {
        long wanted = after + 1;
        List<EventBatch> found = new ArrayList<>(database.read(id, wanted, limit, Long.MAX_VALUE));
        long reached = found.isEmpty() ? 0 : wanted;
        if (wanted > 0 && (found.isEmpty() || found.get(0).seq() > wanted)) {
            // The first wanted event may stand in the middle of a minibatch.
            EventBatch before = database.lastBefore(id, wanted).orElse(null);
            if (before == null) {
                // What the reader has had was there, and the rest alone would look like the whole.
                throw new ProblemException(410, "stream_gone", "The stream is no longer kept.");
            }
            found.add(0, before);
            reached = before.next();
        }
        List<Event> events = new ArrayList<>();
        End end = null;
        for (EventBatch batch : found) {
            if (batch.seq() > reached) {
                // Positions are dense: what is missing was dropped, and the rest would look like the whole.
                throw new ProblemException(410, "stream_gone", "The stream is no longer kept.");
            }
            for (Event event : batch.events()) {
                if (event.position() >= wanted) {
                    if (events.size() == limit) {
                        return new Batch(events, events.get(limit - 1).position(), null);
                    }
                    events.add(event);
                }
            }
            reached = batch.next();
            end = batch.end();
        }
        // A reader may ask for what is beyond the tail: that is not where it is followed from.
        if (shared != null && end == null && reached >= wanted) {
            shared.follow(reached);
        }
        return new Batch(events, end == null ? Math.max(after, reached - 1) : reached - 1, end);
    }

    @Override
    public Watch watch(Runnable hint) {
        watches.incrementAndGet();
        AtomicReference<@Nullable Watch> open = new AtomicReference<>(tail.watch(id, hint));
        return () -> {
            Watch watch = open.getAndSet(null);
            if (watch != null) {
                watches.decrementAndGet();
                watch.close();
            }
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
        // Only a second or later attempt begins with a fence.
        return last.epoch() == 1 ? entries : entries - database.fences(id);
    }

    @Override
    public Optional<End> end() {
        TailWindow shared = watches.get() > 0 ? tail.get(id) : null;
        if (shared != null && shared.isFollowed()) {
            return Optional.ofNullable(shared.end());
        }
        EventBatch last = database.last(id).orElse(null);
        End end = last == null ? null : last.end();
        if (shared != null && end == null) {
            // Who waits for the end alone is told by the poll, too.
            shared.follow(last == null ? 0 : last.next());
        }
        return Optional.ofNullable(end);
    }
}
