package dev.handoff.mongo;

import dev.handoff.End;
import dev.handoff.Event;
import dev.handoff.Problem;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bson.Document;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/**
 * Some consecutive events of a stream, as one document:
 *
 * <pre>
 * { _id: ObjectId, stream: string, seq: int64, epoch: int32, created: date, processed: false, query: [],
 *   data: [ { type?: string, data: string }, … ],
 *   end?: { state: "completed", result?: string } | { state: "failed", status, code, detail } | { state: "cancelled" },
 *   fence?: true, expireAt: date }
 * </pre>
 *
 * <p>{@code seq} is the position of the first entry. A document without data is a fence and takes one position, and so does
 * an end. {@code processed}, {@code query} and {@code data} are those of a window of minibatch.
 */
record Minibatch(
        ObjectId id,
        String stream,
        long seq,
        int epoch,
        List<Event> events,
        @Nullable End end,
        boolean fence) {

    Minibatch {
        events = List.copyOf(events);
    }

    static Minibatch fence(ObjectId id, String stream, long seq, int epoch) {
        return new Minibatch(id, stream, seq, epoch, List.of(), null, true);
    }

    /** The position after the last entry. */
    long next() {
        return seq + events.size() + (fence ? 1 : 0) + (end == null ? 0 : 1);
    }

    Document toDocument(Instant created, Instant expireAt) {
        List<Document> data = new ArrayList<>(events.size());
        for (Event event : events) {
            Document entry = new Document();
            if (event.type() != null) {
                entry.append("type", event.type());
            }
            data.add(entry.append("data", event.data()));
        }
        Document document = new Document("_id", id)
                .append("stream", stream)
                .append("seq", seq)
                .append("epoch", epoch)
                .append("created", Date.from(created))
                .append("processed", false)
                .append("query", List.of())
                .append("data", data);
        if (end != null) {
            document.append("end", toDocument(end));
        }
        if (fence) {
            document.append("fence", true);
        }
        return document.append("expireAt", Date.from(expireAt));
    }

    static Minibatch of(Document document) {
        long seq = document.getLong("seq");
        List<Event> events = new ArrayList<>();
        for (Document entry : document.getList("data", Document.class)) {
            events.add(new Event(seq + events.size(), entry.getString("type"), entry.getString("data")));
        }
        Document end = document.get("end", Document.class);
        return new Minibatch(
                document.getObjectId("_id"),
                document.getString("stream"),
                seq,
                document.getInteger("epoch"),
                events,
                end == null ? null : endOf(end),
                document.getBoolean("fence", false));
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
            default -> throw new IllegalStateException("not an end of a stream: " + end.toJson());
        };
    }
}
