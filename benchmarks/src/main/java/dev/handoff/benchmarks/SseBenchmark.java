// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import dev.handoff.delivery.SseWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Measures framing one event and writing it to an output stream. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class SseBenchmark {

    private static final String ID = "0123456789abcdef0123456789abcdef:12345";

    /** The data of an event: 100 characters of one kind. */
    public enum Text {
        ascii("the quick brown fox jumps over the lazy dog; "),
        accents("à côté de l'église, un élève âgé rêvait déjà; "),
        emoji("\uD83E\uDD8A jumps over \uD83D\uDC36 and \uD83D\uDC31; "),
        lines("the quick brown fox\njumps over\nthe lazy dog\n");

        private final String data;

        Text(String part) {
            data = part.repeat(4).substring(0, 100);
        }
    }

    @Param
    private Text text = Text.ascii;

    private final SseWriter writer = new SseWriter(1024);
    private final OutputStream out = OutputStream.nullOutputStream();

    @Benchmark
    public SseWriter event() throws IOException {
        writer.clear();
        writer.event(ID, null, text.data).writeTo(out);
        return writer;
    }
}
