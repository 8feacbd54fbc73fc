// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import dev.handoff.http.Problem;
import dev.handoff.http.ProblemCode;
import dev.handoff.stream.End;
import java.time.Instant;
import java.util.Comparator;
import org.bson.BsonDateTime;
import org.bson.BsonDocument;
import org.bson.BsonValue;
import org.bson.json.JsonMode;
import org.bson.json.JsonWriterSettings;
import org.bson.types.ObjectId;
import org.jspecify.annotations.Nullable;

/**
 * Holds one record that a Python worker has appended to a stream; see {@link PythonStreams}.
 *
 * @param key the place of the record in its stream
 * @param data the text of the event; not used if the record is an end
 * @param end the end of the stream; null if the record is an event
 */
record PythonRecord(Key key, String data, @Nullable End end) {

    private static final String END_FIELD = "stream_complete";
    private static final JsonWriterSettings JSON =
            JsonWriterSettings.builder().outputMode(JsonMode.RELAXED).build();
    /**
     * The problem that a client gets, which is the same as after an exception of a Java handler. It hides the text of the Python exception.
     */
    private static final Problem FAILED = ProblemCode.HANDLER_FAILED.problem("The task failed.");

    /**
     * Orders the records of a stream.
     *
     * @param created when the producer created the record, in milliseconds since 1970
     */
    record Key(long created, ObjectId id) implements Comparable<Key> {

        private static final Comparator<Key> ORDER =
                Comparator.comparingLong(Key::created).thenComparing(Key::id);

        Instant time() {
            return Instant.ofEpochMilli(created);
        }

        BsonDateTime date() {
            return new BsonDateTime(created);
        }

        @Override
        public int compareTo(Key other) {
            return ORDER.compare(this, other);
        }
    }

    static PythonRecord of(BsonDocument document) {
        Key key = new Key(
                document.getDateTime("created").getValue(),
                document.getObjectId("_id").getValue());
        BsonValue data = document.get("data");
        if (data == null || data.isNull()) {
            return new PythonRecord(key, "{}", null);
        }
        return new PythonRecord(key, json(data), data.isDocument() ? end(data.asDocument()) : null);
    }

    private static String json(BsonValue value) {
        if (value.isDocument()) {
            return value.asDocument().toJson(JSON);
        }
        // Only a document can be written as JSON, so this writes a document with one field and cuts off the rest.
        String field = new BsonDocument("", value).toJson(JSON);
        return field.substring("{\"\": ".length(), field.length() - 1);
    }

    private static @Nullable End end(BsonDocument data) {
        BsonValue how = data.get(END_FIELD);
        if (how == null || !how.isString()) {
            return null;
        }
        if (how.asString().getValue().startsWith("stop")) {
            return End.completed(null);
        }
        return how.asString().getValue().startsWith("error") ? End.failed(FAILED) : null;
    }
}
