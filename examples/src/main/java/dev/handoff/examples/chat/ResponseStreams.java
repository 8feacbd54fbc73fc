// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStore;
import dev.handoff.store.EventStream;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Gives each response a last event. If a response was cancelled, its model failed or its worker was lost, the log ends without
 * {@code response.cancelled} or {@code response.failed}. A reader of such a stream gets an end whose result is this event, with the next
 * sequence number. Other streams are unchanged.
 *
 * <p>Thread-safe. Blocks as the store and the dispatcher do.
 */
record ResponseStreams(EventStore store, TaskDispatcher tasks, ResponseIds ids) implements EventStore {

    private static final int EVENTS_PER_READ = 128;

    @Override
    public EventStream open(String streamId) {
        return new Ended(store.open(streamId), this);
    }

    @Override
    public EventAppender appender(String streamId, int epoch) {
        return store.appender(streamId, epoch);
    }

    /** Returns the last event of a response that has ended. */
    ObjectNode last(TaskStatus status, ResponseMode mode, End end) {
        if (end instanceof End.Completed completed && completed.result() != null) {
            return ResponseEvents.parse(completed.result());
        }
        return logged(status, mode).last(end);
    }

    /** Returns the response before its end, without the text that it has so far. */
    ObjectNode begun(TaskStatus status, ResponseMode mode) {
        EventStream.Batch batch = store.open(status.taskId()).read(EventStream.BEGINNING, 1);
        ObjectNode response = batch.events().isEmpty()
                ? queued(status, mode)
                : (ObjectNode)
                        ResponseEvents.parse(batch.events().get(0).data()).get("response");
        response.put("status", status.state() == TaskStatus.State.QUEUED ? "queued" : "in_progress");
        return response;
    }

    private ObjectNode queued(TaskStatus status, ResponseMode mode) {
        return new ResponseRecords(store)
                .queued(status.taskId())
                .orElseGet(() -> ResponseRequest.unknown(
                        ids.of(status.taskId()), status.created().getEpochSecond(), "queued", mode));
    }

    private Logged logged(TaskStatus status, ResponseMode mode) {
        EventStream stream = store.open(status.taskId());
        Logged logged = new Logged(status.taskId());
        long after;
        EventStream.Batch batch = new EventStream.Batch(List.of(), EventStream.BEGINNING, null, true);
        do {
            after = batch.last();
            batch = stream.read(after, EVENTS_PER_READ);
            batch.events().forEach(logged::add);
        } while (batch.end() == null && batch.last() > after);
        if (logged.response == null) {
            logged.response = queued(status, mode);
        }
        return logged;
    }

    /** The contents of the log of a response. Not thread-safe. */
    private static final class Logged {

        private final String taskId;
        private long events;
        private @Nullable ObjectNode response;
        private @Nullable StringBuilder text;

        Logged(String taskId) {
            this.taskId = taskId;
        }

        void add(Event event) {
            if (events == 0) {
                response = (ObjectNode) ResponseEvents.parse(event.data()).get("response");
            }
            if (ResponseEvents.DELTA.equals(event.type())) {
                text = text == null ? new StringBuilder() : text;
                text.append(ResponseEvents.parse(event.data()).path("delta").asText());
            }
            events++;
        }

        ObjectNode last(End end) {
            if (response == null) {
                throw new IllegalStateException("the response is not known");
            }
            return ResponseEvents.last(end, events, taskId, response, text == null ? null : text.toString());
        }
    }

    /** A stream whose end has the last event of a response. Thread-safe. */
    private static final class Ended implements EventStream {

        private final EventStream stream;
        private final ResponseStreams all;
        /** The end that readers get, which never changes. */
        private volatile @Nullable End shown;

        Ended(EventStream stream, ResponseStreams all) {
            this.stream = stream;
            this.all = all;
        }

        @Override
        public String id() {
            return stream.id();
        }

        @Override
        public Batch read(long after, int limit) {
            Batch batch = stream.read(after, limit);
            End end = batch.end();
            return end == null || end instanceof End.Completed
                    ? batch
                    : new Batch(batch.events(), batch.last(), shown(end));
        }

        private End shown(End end) {
            End known = shown;
            if (known == null) {
                known = withLastEvent(end);
                shown = known;
            }
            return known;
        }

        private End withLastEvent(End end) {
            Optional<TaskStatus> status = all.tasks.status(stream.id());
            Optional<ResponseMode> mode = status.flatMap(s -> ResponseMode.ofFormat(s.format()));
            return mode.isEmpty()
                    ? end
                    : End.completed(all.last(status.get(), mode.get(), end).toString());
        }

        @Override
        public Watch watch(Runnable hint) {
            return stream.watch(hint);
        }

        @Override
        public long last() {
            return stream.last();
        }

        /** Returns the end as it is in the log, because a client that waits for a document gets an error for a response that failed. */
        @Override
        public Optional<End> end() {
            return stream.end();
        }

        @Override
        public long eventCount() {
            return stream.eventCount();
        }
    }
}
