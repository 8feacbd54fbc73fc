// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Measures opening a token, which is the first step of each request for a stream. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(2)
public class TokenBenchmark {

    private final TokenSealer sealer = TokenSealer.of("not a secret: only this benchmark seals with it");
    private final String token = sealer.seal(new Grant(
            "0123456789abcdef0123456789abcdef",
            Set.of(Grant.Right.READ, Grant.Right.CANCEL),
            "standard",
            "somebody",
            Instant.now().plusSeconds(86_400)));

    @Benchmark
    public Grant open() {
        return sealer.open(token);
    }
}
