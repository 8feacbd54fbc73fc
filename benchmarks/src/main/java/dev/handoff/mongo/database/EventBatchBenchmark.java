// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.database;

import dev.handoff.stream.Event;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Date;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.bson.BsonBinaryReader;
import org.bson.BsonBinaryWriter;
import org.bson.codecs.DecoderContext;
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
 * Measures the conversion of a batch to the bytes of a document, and back. This class is in this package because {@code EventDocumentCodec}
 * is package-private.
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

    private final EventDocumentCodec codec = EventDocumentCodec.keeping(Duration.ofHours(24));
    private final BasicOutputBuffer buffer = new BasicOutputBuffer();
    private EventDocument document = new EventDocument(null, null, null);
    private byte[] bytes = {};

    @Setup
    public void fill() {
        EventBatch batch = new EventBatch(
                new ObjectId(),
                "0123456789abcdef0123456789abcdef",
                12_345,
                1,
                IntStream.range(0, events)
                        .mapToObj(i -> new Event(12_345 + i, null, "x".repeat(100)))
                        .toList(),
                null,
                false);
        document = new EventDocument(batch.stream(), batch, new Date());
        encode();
        bytes = buffer.toByteArray();
    }

    @Benchmark
    public int encode() {
        buffer.truncateToPosition(0);
        codec.encode(
                new BsonBinaryWriter(buffer), document, EncoderContext.builder().build());
        return buffer.getPosition();
    }

    @Benchmark
    public EventDocument decode() {
        return codec.decode(
                new BsonBinaryReader(ByteBuffer.wrap(bytes)),
                DecoderContext.builder().build());
    }
}
