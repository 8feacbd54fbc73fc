// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import com.mongodb.client.AggregateIterable;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.cursor.TimeoutMode;
import com.mongodb.client.model.Aggregates;
import com.mongodb.client.model.Filters;
import com.mongodb.client.model.Projections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.bson.BsonReader;
import org.bson.BsonType;
import org.bson.BsonWriter;
import org.bson.Document;
import org.bson.codecs.Codec;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.EncoderContext;
import org.bson.codecs.configuration.CodecRegistries;
import org.bson.codecs.configuration.CodecRegistry;
import org.bson.conversions.Bson;

/** Opens a change stream of the documents that are inserted into the collection {@code handoff_events}. */
public final class EventChanges {

    private static final List<Bson> PIPELINE = List.of(
            new Document("$changeStream", new Document()),
            Aggregates.match(Filters.eq("operationType", "insert")),
            Aggregates.project(Projections.include("_id", "fullDocument")));
    private static final long MAX_AWAIT_MILLIS = 1000;
    private static final int DOCUMENTS_PER_ANSWER = 200;
    private static final EventDocument FOREIGN = new EventDocument(null, null, null);

    private EventChanges() {}

    /**
     * Opens a change stream. Blocks until the server answers. {@link MongoCursor#tryNext} then waits for at most a second for a document.
     *
     * <p>The driver's own change streams copy each change before they decode it, in order to remember a resume token, which this cursor
     * does not need. It decodes a change only once, and skips the batches of streams that are not wanted.
     *
     * @param wanted tells for which streams the cursor returns batches
     * @throws com.mongodb.MongoException if the server has no change streams, or does not answer
     */
    public static MongoCursor<EventDocument> open(MongoCollection<Document> events, Predicate<String> wanted) {
        CodecRegistry changes = CodecRegistries.fromCodecs(new ChangeCodec(EventDocumentCodec.of(wanted)));
        AggregateIterable<EventDocument> stream = events.withCodecRegistry(
                        CodecRegistries.fromRegistries(changes, events.getCodecRegistry()))
                .aggregate(PIPELINE, EventDocument.class)
                .maxAwaitTime(MAX_AWAIT_MILLIS, TimeUnit.MILLISECONDS)
                .batchSize(DOCUMENTS_PER_ANSWER);
        // A time limit of the client applies to each answer. By default it would apply to the whole life of the cursor.
        return events.getTimeout(TimeUnit.MILLISECONDS) == null
                ? stream.cursor()
                : stream.timeoutMode(TimeoutMode.ITERATION).cursor();
    }

    /** Reads the inserted document of a change. */
    private record ChangeCodec(EventDocumentCodec documents) implements Codec<EventDocument> {

        @Override
        public EventDocument decode(BsonReader reader, DecoderContext context) {
            EventDocument inserted = FOREIGN;
            reader.readStartDocument();
            while (reader.readBsonType() != BsonType.END_OF_DOCUMENT) {
                if (reader.readName().equals("fullDocument") && reader.getCurrentBsonType() == BsonType.DOCUMENT) {
                    inserted = documents.decode(reader, context);
                } else {
                    reader.skipValue();
                }
            }
            reader.readEndDocument();
            return inserted;
        }

        @Override
        public void encode(BsonWriter writer, EventDocument value, EncoderContext context) {
            throw new UnsupportedOperationException("changes are only read");
        }

        @Override
        public Class<EventDocument> getEncoderClass() {
            return EventDocument.class;
        }
    }
}
