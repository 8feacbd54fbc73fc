// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import dev.handoff.mongo.database.EventBatch;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Checks the rules R1 to R5 and R10 against what a majority of the servers has stored. Each change is checked when it becomes durable, and what
 * writers and readers are told is compared with it.
 */
final class Checker {

    /** What is known of one stream. */
    private static final class Log {

        private final TreeMap<Long, EventBatch> batches = new TreeMap<>();
        private long next;
        private @Nullable End end;
        private int epoch;
        private @Nullable String source;
        private boolean expired;
    }

    private final Simulation simulation;
    private final boolean durable;
    private final Documents truth = new Documents();
    private final Map<String, Log> logs = new HashMap<>();
    private TaskChanges taskChanges = (before, after) -> {};
    private Ends ends = (batch, end, events) -> {};

    /** What is told how a task was changed for good. */
    interface TaskChanges {

        void changed(Documents.@Nullable TaskDocument before, Documents.TaskDocument after);
    }

    /** What is told how a stream has ended. */
    interface Ends {

        /** @param events how many events the stream has */
        void ended(EventBatch batch, End end, int events);
    }

    /** @param durable whether acknowledged events are never lost */
    Checker(Simulation simulation, boolean durable) {
        this.simulation = simulation;
        this.durable = durable;
    }

    void onTaskChange(TaskChanges listener) {
        taskChanges = listener;
    }

    void onEnd(Ends listener) {
        ends = listener;
    }

    /** Returns what a majority has stored. */
    Documents truth() {
        return truth;
    }

    void committed(Replica.Entry entry) {
        for (Documents.Change change : entry.changes()) {
            if (change instanceof Documents.PutEvents put) {
                stored(put.document().batch());
            } else if (change instanceof Documents.DeleteEvents delete) {
                log(delete.stream()).expired = true;
            } else if (change instanceof Documents.PutTask put) {
                taskChanges.changed(truth.task(put.document().task().id()), put.document());
            }
            truth.apply(change);
        }
    }

    private Log log(String stream) {
        return logs.computeIfAbsent(stream, s -> new Log());
    }

    private void stored(EventBatch batch) {
        String stream = batch.stream();
        Log log = log(stream);
        if (log.expired && truth.stream(stream).isEmpty() && truth.task(stream) != null && batch.seq() == 0) {
            // The stream was forgotten and begins anew.
            log = new Log();
            logs.put(stream, log);
        }
        if (durable) {
            checkPlace(log, batch);
        }
        String text = ServerOperations.summary(batch);
        for (Event event : batch.events()) {
            String source = sourceOf(event);
            if (log.source == null) {
                log.source = source;
            } else if (!log.source.equals(source)) {
                simulation.fail("R10", text + " is of the run " + source + ", and the stream of " + log.source);
            }
        }
        log.batches.put(batch.seq(), batch);
        log.next = Math.max(log.next, batch.next());
        log.end = batch.end() == null ? log.end : batch.end();
        log.epoch = Math.max(log.epoch, batch.epoch());
        if (log.end != null) {
            ends.ended(
                    batch,
                    log.end,
                    log.batches.values().stream()
                            .mapToInt(b -> b.events().size())
                            .sum());
        }
    }

    /** R1, R2 and R3. A stream that has lost entries cannot keep them. */
    private void checkPlace(Log log, EventBatch batch) {
        String text = ServerOperations.summary(batch);
        if (batch.seq() < log.next) {
            simulation.fail("R1", text + " takes a position again, since the stream goes on at " + log.next);
        }
        if (batch.seq() > log.next) {
            simulation.fail("R1", text + " leaves a gap after " + log.next);
        }
        if (log.end != null) {
            simulation.fail("R2", text + " stands after the end " + log.end);
        }
        if (batch.epoch() < log.epoch) {
            simulation.fail("R3", text + " was written after epoch " + log.epoch);
        }
    }

    /** Returns the run of a handler that has emitted an event: what stands before the number of the event. */
    static String sourceOf(Event event) {
        return event.data().substring(0, event.data().indexOf('#'));
    }

    boolean hasEnded(String stream) {
        return log(stream).end != null;
    }

    @Nullable
    End end(String stream) {
        return log(stream).end;
    }

    boolean hasExpired(String stream) {
        return log(stream).expired;
    }

    /** Returns the position after the last entry. */
    long next(String stream) {
        return log(stream).next;
    }

    /** R4: what was acknowledged is stored, with the position and the writer that it was acknowledged to. */
    void acknowledged(String stream, int epoch, List<Event> events, @Nullable End end) {
        if (!durable) {
            return;
        }
        Log log = log(stream);
        for (Event event : events) {
            Map.Entry<Long, EventBatch> batch = log.batches.floorEntry(event.position());
            if (batch == null
                    || batch.getValue().epoch() != epoch
                    || batch.getValue().events().stream()
                            .noneMatch(e ->
                                    e.position() == event.position() && e.data().equals(event.data()))) {
                simulation.fail(
                        "R4",
                        "epoch " + epoch + " has the acknowledgement of " + event + " of "
                                + ServerOperations.shortened(stream) + ", which is not stored");
            }
        }
        if (end != null && (!end.equals(log.end) || log.epoch != epoch)) {
            simulation.fail(
                    "R4",
                    "epoch " + epoch + " has the acknowledgement of " + end + ", and the stream has " + log.end
                            + " of epoch " + log.epoch);
        }
    }

    /** R5: what a reader is shown after a position is what is stored there, without a gap, and nothing else. */
    void read(String reader, String stream, long after, EventStream.Batch batch) {
        if (!durable) {
            return;
        }
        Log log = log(stream);
        List<Event> stored = new ArrayList<>();
        Long from = log.batches.floorKey(Math.max(0, after + 1));
        if (from != null) {
            for (EventBatch each : log.batches.tailMap(from, true).values()) {
                for (Event event : each.events()) {
                    if (event.position() > after && event.position() <= batch.last()) {
                        stored.add(event);
                    }
                }
            }
        }
        if (!stored.equals(batch.events())) {
            simulation.fail(
                    "R5",
                    reader + " reads after " + after + " of " + ServerOperations.shortened(stream) + " " + batch
                            + ", where " + stored + " is stored");
        }
        if (batch.last() >= log.next && batch.last() > after) {
            simulation.fail("R5", reader + " reads up to " + batch.last() + ", and the stream has " + log.next);
        }
        if (batch.end() != null && (!batch.end().equals(log.end) || batch.last() != log.next - 1)) {
            simulation.fail(
                    "R2",
                    reader + " reads the end " + batch.end() + " at " + batch.last() + ", and the stream has " + log.end
                            + " at " + (log.next - 1));
        }
    }
}
