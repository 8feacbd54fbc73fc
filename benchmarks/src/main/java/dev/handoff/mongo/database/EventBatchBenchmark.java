// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.stream.Event;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.bson.BsonBinaryReader;
import org.bson.BsonBinaryWriter;
import org.bson.Document;
import org.bson.codecs.DecoderContext;
import org.bson.codecs.DocumentCodec;
import org.bson.codecs.EncoderContext;
import org.bson.io.BasicOutputBuffer;
import org.bson.types.ObjectId;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Measures the conversion of a batch to a document and to bytes, and back. This class is in this package because {@code EventDocuments} is
 * package-private.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class EventBatchBenchmark {

    @Param({"1", "32"})
    private int events = 1;

    private final Instant now = Instant.now();
    private final DocumentCodec codec = new DocumentCodec();
    private final BasicOutputBuffer buffer = new BasicOutputBuffer();
    private EventBatch batch = EventBatch.fence(new ObjectId(), "", 0, 1);
    private Document document = new Document();
    private byte[] bytes = {};

    @Setup
    public void fill() {
        batch = new EventBatch(
                new ObjectId(),
                "0123456789abcdef0123456789abcdef",
                12_345,
                1,
                IntStream.range(0, events)
                        .mapToObj(i -> new Event(12_345 + i, null, "x".repeat(100)))
                        .toList(),
                null,
                false);
        document = toDocument();
        encode();
        bytes = buffer.toByteArray();
    }

    @Benchmark
    public Document toDocument() {
        return EventDocuments.toDocument(batch, now, now);
    }

    @Benchmark
    public int encode() {
        buffer.truncateToPosition(0);
        codec.encode(
                new BsonBinaryWriter(buffer), document, EncoderContext.builder().build());
        return buffer.getPosition();
    }

    @Benchmark
    public Document decode() {
        return codec.decode(
                new BsonBinaryReader(ByteBuffer.wrap(bytes)),
                DecoderContext.builder().build());
    }

    @Benchmark
    public EventBatch of() {
        return EventDocuments.of(document);
    }
}
