// SPDX-License-Identifier: Apache-2.0
package dev.handoff.minibatch;

import com.mongodb.client.FindIterable;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Sorts;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bson.BsonDocument;
import org.bson.conversions.Bson;
import org.jspecify.annotations.Nullable;

/** Reads the records of streams from the collections of minibatch. Blocks until the database answers. Thread-safe. */
final class RecordReader {

    /** The collection in which minibatch records that a stream was opened. */
    private static final String STREAM_COLLECTION = "stream";

    private static final Bson ORDER = Sorts.ascending("created", "_id");

    private final MongoCollection<BsonDocument> buffer;
    private final MongoCollection<BsonDocument> opened;

    RecordReader(MongoDatabase database) {
        this.buffer = database.getCollection(PythonStreams.COLLECTION, BsonDocument.class);
        this.opened = database.getCollection(STREAM_COLLECTION, BsonDocument.class);
    }

    /** Returns the collection of the records. */
    MongoCollection<BsonDocument> buffer() {
        return buffer;
    }

    /** Returns when minibatch opened the stream; empty if minibatch does not know the stream. */
    Optional<Instant> openedAt(String name) {
        return Optional.ofNullable(opened.find(Filters.eq("name", name)).first())
                .map(stream ->
                        Instant.ofEpochMilli(stream.getDateTime("created").getValue()));
    }

    /** Returns the first record of a stream, or null if the stream has none. */
    @Nullable
    PythonRecord first(String name) {
        BsonDocument first = ordered(name).first();
        return first == null ? null : PythonRecord.of(first);
    }

    /** Returns the records of a stream from a rank on, in order, at most {@code limit}. */
    List<PythonRecord> from(String name, long rank, int limit) {
        return ordered(name)
                .skip((int) Math.min(rank, Integer.MAX_VALUE))
                .limit(limit)
                .map(PythonRecord::of)
                .into(new ArrayList<>());
    }

    /** Returns the first record that is an end, or null if the stream has none. */
    @Nullable
    PythonRecord end(String name) {
        for (BsonDocument document : ordered(name, Filters.exists("data.stream_complete"))) {
            PythonRecord record = PythonRecord.of(document);
            if (record.end() != null) {
                return record;
            }
        }
        return null;
    }

    /** Returns how many records of a stream come before a key. */
    long rank(String name, PythonRecord.Key key) {
        return buffer.countDocuments(Filters.and(
                Filters.eq("stream", name),
                Filters.or(
                        Filters.lt("created", key.date()),
                        Filters.and(Filters.eq("created", key.date()), Filters.lt("_id", key.id())))));
    }

    /** Returns how many records a stream has. */
    long count(String name) {
        return buffer.countDocuments(Filters.eq("stream", name));
    }

    private FindIterable<BsonDocument> ordered(String name, Bson... conditions) {
        List<Bson> all = new ArrayList<>(List.of(conditions));
        all.add(0, Filters.eq("stream", name));
        return buffer.find(Filters.and(all)).sort(ORDER);
    }
}
