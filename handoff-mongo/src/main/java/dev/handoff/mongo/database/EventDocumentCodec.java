// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.function.Predicate;
import org.bson.BsonInvalidOperationException;
import org.bson.BsonReader;
import org.bson.BsonReaderMark;
import org.bson.BsonType;
import org.bson.BsonWriter;
import org.bson.codecs.Codec;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.EncoderContext;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes an {@link EventBatch} as a document of the collection {@code handoff_events}, and reads it back:
 *
 * <pre>
 * { _id: ObjectId, stream: string, seq: int64, epoch: int32, created: date, processed: false, query: [],
 *   data: [ { type?: string, data: string }, … ],
 *   end?: { state: "completed", result?: string } | { state: "failed", status, code, detail } | { state: "cancelled" },
 *   fence?: true, expireAt: date }
 * </pre>
 *
 * <p>The fields {@code processed}, {@code query} and {@code data} have the same meaning as in a window of the Python package minibatch. A
 * document whose fields have other types is read as a document without a batch, and causes no exception. Thread-safe.
 */
final class EventDocumentCodec implements Codec<EventDocument> {

    private static final Logger logger = LoggerFactory.getLogger(EventDocumentCodec.class);

    private final Predicate<String> wanted;
    private final long retentionMillis;

    private EventDocumentCodec(Predicate<String> wanted, long retentionMillis) {
        this.wanted = wanted;
        this.retentionMillis = retentionMillis;
    }

    /** Returns a codec that reads all documents, and writes documents that expire after this time. */
    static EventDocumentCodec keeping(Duration retention) {
        return new EventDocumentCodec(stream -> true, retention.toMillis());
    }

    /** Returns a codec that reads the batches of some streams, and skips the batches of the other streams. */
    static EventDocumentCodec of(Predicate<String> wanted) {
        return new EventDocumentCodec(wanted, 0);
    }

    @Override
    public Class<EventDocument> getEncoderClass() {
        return EventDocument.class;
    }

    @Override
    public void encode(BsonWriter writer, EventDocument document, EncoderContext context) {
        EventBatch batch = document.require();
        Date created = document.created();
        long now = created == null ? 0 : created.getTime();
        writer.writeStartDocument();
        writer.writeObjectId("_id", batch.id());
        writer.writeString("stream", batch.stream());
        writer.writeInt64("seq", batch.seq());
        writer.writeInt32("epoch", batch.epoch());
        writer.writeDateTime("created", now);
        writer.writeBoolean("processed", false);
        writer.writeStartArray("query");
        writer.writeEndArray();
        writer.writeStartArray("data");
        for (Event event : batch.events()) {
            writer.writeStartDocument();
            if (event.type() != null) {
                writer.writeString("type", event.type());
            }
            writer.writeString("data", event.data());
            writer.writeEndDocument();
        }
        writer.writeEndArray();
        if (batch.end() != null) {
            write(writer, batch.end());
        }
        if (batch.fence()) {
            writer.writeBoolean("fence", true);
        }
        writer.writeDateTime("expireAt", now + retentionMillis);
        writer.writeEndDocument();
    }

    private static void write(BsonWriter writer, End end) {
        writer.writeStartDocument("end");
        if (end instanceof End.Completed completed) {
            writer.writeString("state", "completed");
            if (completed.result() != null) {
                writer.writeString("result", completed.result());
            }
        } else if (end instanceof End.Failed failed) {
            writer.writeString("state", "failed");
            writer.writeInt32("status", failed.problem().status());
            writer.writeString("code", failed.problem().code());
            writer.writeString("detail", failed.problem().detail());
        } else {
            writer.writeString("state", "cancelled");
        }
        writer.writeEndDocument();
    }

    /** Reads a whole document, also one without a valid batch, so that the reader can continue with the next document. */
    @Override
    public EventDocument decode(BsonReader reader, DecoderContext context) {
        BsonReaderMark begin = reader.getMark();
        try {
            return read(reader);
        } catch (RuntimeException e) {
            logger.debug("a document holds no valid batch of events", e);
            begin.reset();
            return new EventDocument(streamOf(reader), null, null);
        }
    }

    private EventDocument read(BsonReader reader) {
        ObjectId id = null;
        String stream = null;
        Long seq = null;
        Integer epoch = null;
        Date created = null;
        List<Entry> entries = null;
        End end = null;
        boolean fence = false;
        boolean skipped = false;
        reader.readStartDocument();
        while (reader.readBsonType() != BsonType.END_OF_DOCUMENT) {
            String name = reader.readName();
            if (skipped) {
                reader.skipValue();
                continue;
            }
            switch (name) {
                case "_id" -> id = reader.readObjectId();
                case "stream" -> {
                    stream = reader.readString();
                    skipped = !wanted.test(stream);
                }
                case "seq" -> seq = reader.readInt64();
                case "epoch" -> epoch = reader.readInt32();
                case "created" -> created = new Date(reader.readDateTime());
                case "data" -> entries = entries(reader);
                case "end" -> end = end(reader);
                case "fence" -> fence = reader.readBoolean();
                default -> reader.skipValue();
            }
        }
        reader.readEndDocument();
        if (stream == null || skipped) {
            return new EventDocument(stream, null, created);
        }
        long first = required("seq", seq);
        EventBatch batch = new EventBatch(
                required("_id", id),
                stream,
                first,
                required("epoch", epoch),
                events(first, required("data", entries)),
                end,
                fence);
        return new EventDocument(stream, batch, created);
    }

    private record Entry(@Nullable String type, String data) {}

    private static List<Entry> entries(BsonReader reader) {
        List<Entry> entries = new ArrayList<>();
        reader.readStartArray();
        while (reader.readBsonType() != BsonType.END_OF_DOCUMENT) {
            entries.add(entry(reader));
        }
        reader.readEndArray();
        return entries;
    }

    private static Entry entry(BsonReader reader) {
        String type = null;
        String data = null;
        reader.readStartDocument();
        while (reader.readBsonType() != BsonType.END_OF_DOCUMENT) {
            switch (reader.readName()) {
                case "type" -> type = optionalString(reader);
                case "data" -> data = reader.readString();
                default -> reader.skipValue();
            }
        }
        reader.readEndDocument();
        return new Entry(type, required("data", data));
    }

    private static End end(BsonReader reader) {
        String state = null;
        String result = null;
        Integer status = null;
        String code = null;
        String detail = null;
        reader.readStartDocument();
        while (reader.readBsonType() != BsonType.END_OF_DOCUMENT) {
            switch (reader.readName()) {
                case "state" -> state = reader.readString();
                case "result" -> result = optionalString(reader);
                case "status" -> status = reader.readInt32();
                case "code" -> code = reader.readString();
                case "detail" -> detail = reader.readString();
                default -> reader.skipValue();
            }
        }
        reader.readEndDocument();
        return switch (required("end.state", state)) {
            case "completed" -> End.completed(result);
            case "failed" ->
                End.failed(new Problem(
                        required("end.status", status), required("end.code", code), required("end.detail", detail)));
            case "cancelled" -> End.cancelled();
            default -> throw new BsonInvalidOperationException("end.state is not known: " + state);
        };
    }

    private static @Nullable String optionalString(BsonReader reader) {
        if (reader.getCurrentBsonType() == BsonType.NULL) {
            reader.readNull();
            return null;
        }
        return reader.readString();
    }

    private static <T> T required(String field, @Nullable T value) {
        if (value == null) {
            throw new BsonInvalidOperationException("the field " + field + " is missing");
        }
        return value;
    }

    private static List<Event> events(long seq, List<Entry> entries) {
        List<Event> events = new ArrayList<>(entries.size());
        for (Entry entry : entries) {
            events.add(new Event(seq + events.size(), entry.type(), entry.data()));
        }
        return events;
    }

    /** Returns the stream that a document names, or null. */
    private static @Nullable String streamOf(BsonReader reader) {
        String stream = null;
        reader.readStartDocument();
        while (reader.readBsonType() != BsonType.END_OF_DOCUMENT) {
            if (reader.readName().equals("stream") && reader.getCurrentBsonType() == BsonType.STRING) {
                stream = reader.readString();
            } else {
                reader.skipValue();
            }
        }
        reader.readEndDocument();
        return stream;
    }
}
