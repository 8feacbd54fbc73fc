// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Problem;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.Mongo;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.bson.BsonBinaryReader;
import org.bson.BsonBinaryWriter;
import org.bson.BsonDocument;
import org.bson.BsonDocumentWriter;
import org.bson.BsonType;
import org.bson.Document;
import org.bson.codecs.BsonDocumentCodec;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.EncoderContext;
import org.bson.io.BasicOutputBuffer;
import org.bson.types.ObjectId;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EventDocumentCodecTest {

    private static final String STREAM = "0123456789abcdef0123456789abcdef";
    private static final Date NOW = Date.from(Instant.parse("2030-01-01T00:00:00Z"));

    static List<EventBatch> minibatches() {
        List<Event> events = List.of(new Event(7, null, ""), new Event(8, "token", "a\r\nb\0\u20ac"));
        ObjectId id = new ObjectId();
        return List.of(
                new EventBatch(id, STREAM, 7, 1, events, null, false),
                new EventBatch(id, STREAM, 7, 2, events, End.completed(null), false),
                new EventBatch(id, STREAM, 7, 2, events, End.completed("{}"), false),
                new EventBatch(id, STREAM, 7, 2, List.of(), End.cancelled(), false),
                new EventBatch(id, STREAM, 5_000_000_000L, 3, List.of(), End.failed(new Problem(503, "c", "d")), false),
                EventBatch.fence(new ObjectId(), STREAM, 0, 2));
    }

    @ParameterizedTest
    @MethodSource("minibatches")
    @DisplayName("a batch that is written is read back unchanged")
    void roundTrip(EventBatch minibatch) {
        EventDocument document = decode(encode(minibatch));
        assertThat(document.batch()).isEqualTo(minibatch);
        assertThat(document.created()).isEqualTo(NOW);
    }

    @Test
    @DisplayName("a document is read whatever the order of its fields, and with fields of later versions")
    void anyOrder() {
        EventBatch minibatch = minibatches().get(2);
        BsonDocument document = encode(minibatch);
        BsonDocument reversed = new BsonDocument("later", BsonDocument.parse("{a: [1, {b: 2}]}"));
        List<String> names = new ArrayList<>(document.keySet());
        Collections.reverse(names);
        names.forEach(name -> reversed.append(name, document.get(name)));
        assertThat(decode(reversed).batch()).isEqualTo(minibatch);
    }

    static List<String> invalid() {
        return List.of(
                "{seq: 1}",
                "{seq: 'one'}",
                "{epoch: 1.5}",
                "{data: 'later version'}",
                "{data: [1]}",
                "{data: [{type: 'token'}]}",
                "{data: [{data: 1}]}",
                "{data: [{type: 1, data: ''}]}",
                "{end: {state: 'paused'}}",
                "{end: {}}",
                "{end: {state: 'failed', status: 503, code: 'c'}}",
                "{end: {state: 'failed', status: 200, code: 'c', detail: 'd'}}",
                "{end: 1}",
                "{fence: 'yes'}",
                "{created: 0}",
                "{_id: 'x'}");
    }

    @ParameterizedTest
    @MethodSource("invalid")
    @DisplayName(
            "a document with an invalid field is read as one without a batch, and the next document is read as usual")
    void invalidField(String field) {
        EventBatch valid = minibatches().get(1);
        BsonDocument document = encode(minibatches().get(0));
        document.putAll(BsonDocument.parse(field));
        BsonDocument both = new BsonDocument("first", document).append("second", encode(valid));
        BsonBinaryReader reader = reader(both);
        reader.readStartDocument();
        reader.readName("first");
        EventDocument broken = codec().decode(reader, DecoderContext.builder().build());
        reader.readName("second");
        EventDocument next = codec().decode(reader, DecoderContext.builder().build());

        assertThat(broken.batch()).isNull();
        assertThat(broken.stream()).isEqualTo(STREAM);
        assertThat(next.batch()).isEqualTo(valid);
    }

    @Test
    @DisplayName("a document without one of its required fields holds no batch")
    void missingField() {
        for (String name : List.of("_id", "stream", "seq", "epoch", "data")) {
            BsonDocument document = encode(minibatches().get(0));
            document.remove(name);
            assertThat(decode(document).batch()).as(name).isNull();
        }
    }

    @Test
    @DisplayName("the batches of streams that nobody wants are skipped")
    void unwanted() {
        EventDocumentCodec codec = EventDocumentCodec.of(stream -> !stream.equals(STREAM));
        EventDocument document = codec.decode(
                reader(encode(minibatches().get(0))), DecoderContext.builder().build());
        assertThat(document.batch()).isNull();
        assertThat(document.stream()).isEqualTo(STREAM);
    }

    private static EventDocumentCodec codec() {
        return EventDocumentCodec.keeping(Duration.ofHours(1));
    }

    private static BsonDocument encode(EventBatch batch) {
        BsonDocument bson = new BsonDocument();
        codec().encode(
                        new BsonDocumentWriter(bson),
                        new EventDocument(batch.stream(), batch, NOW),
                        EncoderContext.builder().build());
        return bson;
    }

    private static EventDocument decode(BsonDocument document) {
        return codec().decode(reader(document), DecoderContext.builder().build());
    }

    /** Returns a reader of the bytes of a document, as the driver reads an answer. */
    private static BsonBinaryReader reader(BsonDocument document) {
        BasicOutputBuffer bytes = new BasicOutputBuffer();
        new BsonDocumentCodec()
                .encode(
                        new BsonBinaryWriter(bytes),
                        document,
                        EncoderContext.builder().build());
        return new BsonBinaryReader(ByteBuffer.wrap(bytes.toByteArray()));
    }

    @Test
    @DisplayName("R1 the next position counts the events, the end and the fence")
    void next() {
        assertThat(minibatches().stream().map(EventBatch::next)).containsExactly(9L, 10L, 10L, 8L, 5_000_000_001L, 1L);
    }

    @Test
    @DisplayName("a document has the fields of a minibatch window and those of handoff, and no others")
    void shape() {
        ScheduledExecutorService executor = Executors.newScheduledThreadPool(2);
        List<BsonDocument> documents = new ArrayList<>();
        try (Mongo mongo = Mongo.start()) {
            MongoEventStore store = MongoEventStore.builder(mongo.database, executor)
                    .retention(Duration.ofHours(2))
                    .build();
            EventAppender first = store.appender(STREAM, 1);
            first.append("token", "one");
            first.flush();
            EventAppender second = store.appender(STREAM, 2);
            second.append(null, "two");
            second.flush();
            second.end(End.failed(new Problem(503, "worker_lost", "Gone.")));
            mongo.database
                    .getCollection(MongoEventStore.COLLECTION, BsonDocument.class)
                    .find()
                    .sort(new Document("seq", 1))
                    .into(documents);
        } finally {
            executor.shutdownNow();
        }
        assertThat(documents).hasSize(4).allSatisfy(d -> {
            assertThat(d.get("_id").getBsonType()).isEqualTo(BsonType.OBJECT_ID);
            assertThat(d.getString("stream").getValue()).isEqualTo(STREAM);
            assertThat(d.get("seq").getBsonType()).isEqualTo(BsonType.INT64);
            assertThat(d.get("epoch").getBsonType()).isEqualTo(BsonType.INT32);
            assertThat(d.getBoolean("processed").getValue()).isFalse();
            assertThat(d.getArray("query")).isEmpty();
            assertThat(new Date(d.getDateTime("expireAt").getValue()))
                    .isEqualTo(Date.from(
                            Instant.ofEpochMilli(d.getDateTime("created").getValue())
                                    .plus(Duration.ofHours(2))));
        });
        String[] common = {"_id", "stream", "seq", "epoch", "created", "processed", "query", "data", "expireAt"};
        assertThat(documents.get(0)).containsOnlyKeys(common);
        assertThat(documents.get(0).getArray("data"))
                .containsExactly(BsonDocument.parse("{type: 'token', data: 'one'}"));
        assertThat(documents.get(1).getArray("data")).isEmpty();
        assertThat(documents.get(1).getBoolean("fence").getValue()).isTrue();
        assertThat(documents.get(2)).containsOnlyKeys(common);
        assertThat(documents.get(2).getArray("data")).containsExactly(BsonDocument.parse("{data: 'two'}"));
        assertThat(documents.get(3).getArray("data")).isEmpty();
        assertThat(documents.get(3).getDocument("end"))
                .isEqualTo(BsonDocument.parse("{state: 'failed', status: 503, code: 'worker_lost', detail: 'Gone.'}"));
        assertThat(documents.stream().map(d -> d.getInt64("seq").getValue())).containsExactly(0L, 1L, 2L, 3L);
        assertThat(documents.stream().map(d -> d.getInt32("epoch").getValue())).containsExactly(1, 2, 2, 2);
    }
}
