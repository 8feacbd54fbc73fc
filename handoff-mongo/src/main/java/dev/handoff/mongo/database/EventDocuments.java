// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bson.Document;
import org.bson.types.ObjectId;

/**
 * Converts an {@link EventBatch} to a document of the collection {@code handoff_events} and back:
 *
 * <pre>
 * { _id: ObjectId, stream: string, seq: int64, epoch: int32, created: date, processed: false, query: [],
 *   data: [ { type?: string, data: string }, … ],
 *   end?: { state: "completed", result?: string } | { state: "failed", status, code, detail } | { state: "cancelled" },
 *   fence?: true, expireAt: date }
 * </pre>
 *
 * <p>The fields {@code processed}, {@code query} and {@code data} have the same meaning as in a window of the Python package minibatch.
 */
final class EventDocuments {

    private EventDocuments() {}

    static Document toDocument(EventBatch batch, Instant created, Instant expireAt) {
        List<Document> data = new ArrayList<>(batch.events().size());
        for (Event event : batch.events()) {
            Document entry = new Document();
            if (event.type() != null) {
                entry.append("type", event.type());
            }
            data.add(entry.append("data", event.data()));
        }
        Document document = new Document("_id", batch.id())
                .append("stream", batch.stream())
                .append("seq", batch.seq())
                .append("epoch", batch.epoch())
                .append("created", Date.from(created))
                .append("processed", false)
                .append("query", List.of())
                .append("data", data);
        if (batch.end() != null) {
            document.append("end", toDocument(batch.end()));
        }
        if (batch.fence()) {
            document.append("fence", true);
        }
        return document.append("expireAt", Date.from(expireAt));
    }

    static EventBatch of(Document document) {
        long seq = document.getLong("seq");
        List<Event> events = new ArrayList<>();
        for (Document entry : document.getList("data", Document.class)) {
            events.add(new Event(seq + events.size(), entry.getString("type"), entry.getString("data")));
        }
        Document end = document.get("end", Document.class);
        ObjectId id = document.getObjectId("_id");
        String stream = document.getString("stream");
        int epoch = document.getInteger("epoch");
        if (document.getBoolean("fence", false)) {
            return EventBatch.fence(id, stream, seq, epoch);
        }
        return EventBatch.of(id, stream, seq, epoch, events).withEnd(end == null ? null : endOf(end));
    }

    private static Document toDocument(End end) {
        if (end instanceof End.Completed completed) {
            Document document = new Document("state", "completed");
            return completed.result() == null ? document : document.append("result", completed.result());
        }
        if (end instanceof End.Failed failed) {
            return new Document("state", "failed")
                    .append("status", failed.problem().status())
                    .append("code", failed.problem().code())
                    .append("detail", failed.problem().detail());
        }
        return new Document("state", "cancelled");
    }

    private static End endOf(Document end) {
        return switch (end.getString("state")) {
            case "completed" -> End.completed(end.getString("result"));
            case "failed" ->
                End.failed(new Problem(end.getInteger("status"), end.getString("code"), end.getString("detail")));
            case "cancelled" -> End.cancelled();
            default -> throw new IllegalStateException("the document holds no valid end of a stream: " + end.toJson());
        };
    }
}
