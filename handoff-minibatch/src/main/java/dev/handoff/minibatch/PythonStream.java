// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import dev.handoff.http.ProblemCode;
import dev.handoff.mongo.tail.TailPoller;
import dev.handoff.mongo.tail.TailWindow;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads one stream of a Python worker. Reads block until the database answers. Thread-safe. */
final class PythonStream implements EventStream {

    private static final int MOST_PER_FETCH = 1000;

    private final String id;
    private final String name;
    private final RecordReader records;
    private final PythonTailSource source;
    private final TailPoller tail;
    /** The open watch that was created last. */
    private volatile TailWindow.@Nullable Watch watch;

    /**
     * Creates a reader of a stream. Does not block.
     *
     * @param name minibatch's name of the stream
     */
    PythonStream(String id, String name, RecordReader records, PythonTailSource source, TailPoller tail) {
        this.id = id;
        this.name = name;
        this.records = records;
        this.source = source;
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
        Batch known = open == null ? null : tail.read(open, after, limit);
        return known != null ? known : fetch(after, Math.min(limit, MOST_PER_FETCH), open);
    }

    private Batch fetch(long after, int limit, TailWindow.@Nullable Watch open) {
        PythonRecord end = records.end(name);
        long endPosition = end == null ? Long.MAX_VALUE : records.rank(name, end.key());
        if (end != null && after >= endPosition) {
            return new Batch(List.of(), endPosition, end.end());
        }
        // Also reads two more records. The record before the first requested one shows that the stream still has the
        // earlier records. The record after the last requested one may be the end.
        List<PythonRecord> found = records.from(name, Math.max(after, 0), limit + 2);
        PythonRecord.Key key = null;
        if (after != BEGINNING) {
            if (found.isEmpty()) {
                throw ProblemCode.STREAM_GONE.exception("The stream is no longer kept.");
            }
            key = found.remove(0).key();
        }
        List<Event> events = new ArrayList<>();
        long position = after;
        for (PythonRecord record : found) {
            if (record.end() != null) {
                return new Batch(List.copyOf(events), position + 1, record.end());
            }
            if (events.size() == limit) {
                return new Batch(List.copyOf(events), position, null);
            }
            position++;
            events.add(new Event(position, null, record.data()));
            key = record.key();
        }
        if (open != null && open.window().next() < 0) {
            source.remember(id, name, position + 1, key);
            tail.follow(open, position + 1);
        }
        return new Batch(List.copyOf(events), position, null);
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
            if (!tail.isWatched(id)) {
                source.forget(id);
            }
        };
    }

    @Override
    public long last() {
        PythonRecord end = records.end(name);
        return end != null ? records.rank(name, end.key()) : records.count(name) - 1;
    }

    @Override
    public Optional<End> end() {
        PythonRecord end = records.end(name);
        return end == null ? Optional.empty() : Optional.ofNullable(end.end());
    }
}
