// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * Runs simulated deployments. System properties: {@code handoff.simulation.seeds} and {@code handoff.simulation.minutes} limit how many run, and
 * {@code handoff.simulation.first} is the first seed. {@code handoff.simulation.seed} repeats one with its whole trace.
 */
class SimulationTest {

    private static final long FIRST = Long.getLong("handoff.simulation.first", 0);
    private static final long SEEDS = Long.getLong("handoff.simulation.seeds", 1000);
    private static final double MINUTES = Double.parseDouble(System.getProperty("handoff.simulation.minutes", "0.15"));

    private final SeedRunner runner = new SeedRunner(Flaw.NONE);

    @Test
    void noSeedViolatesARule() throws InterruptedException {
        long began = System.nanoTime();
        SeedRunner.Summary summary = runner.run(FIRST, SEEDS, (long) (MINUTES * TimeUnit.MINUTES.toNanos(1)));
        System.out.printf(
                "simulation: %d seeds from %d, %d events, %.1f hours of virtual time, in %.1f s%n",
                summary.seeds(),
                FIRST,
                summary.events(),
                summary.virtualNanos() / 3.6e12,
                (System.nanoTime() - began) / 1e9);
        SeedRunner.Result failed = summary.failed();
        assertThat(failed).as(failed == null ? "" : failed.report()).isNull();
    }

    @Test
    void aSeedIsRepeatedExactly() {
        Carrier.Pool pool = new Carrier.Pool();
        for (long seed = 100; seed < 120; seed++) {
            assertThat(runner.run(seed, pool, false).hash())
                    .as("seed " + seed)
                    .isEqualTo(runner.run(seed, pool, false).hash());
        }
        pool.close();
    }

    @Test
    @EnabledIfSystemProperty(named = "handoff.simulation.seed", matches = "-?\\d+")
    void oneSeedWithItsTrace() {
        Carrier.Pool pool = new Carrier.Pool();
        SeedRunner.Result result = runner.run(Long.getLong("handoff.simulation.seed", 0), pool, true);
        pool.close();
        assertThat(result.violation()).as(result.report()).isNull();
    }
}
