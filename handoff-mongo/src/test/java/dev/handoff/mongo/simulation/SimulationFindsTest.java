// SPDX-License-Identifier: Apache-2.0
package dev.handoff.mongo.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The simulation finds each fault that this module once had when the code has it again. */
class SimulationFindsTest {

    private static final int MOST_SEEDS = 2000;

    static Stream<Arguments> flaws() {
        return Stream.of(
                flaw("failed reads count against workers", LeaseFlaws::failedReadsCount, "R11"),
                flaw("beats are read where no worker can write", LeaseFlaws::beatsAreReadAnywhere, "R11"),
                flaw("leases are times of the clocks of machines", LeaseFlaws::leasesAreTimes, "R11"),
                flaw(
                        "documents expire by the clocks of machines",
                        Flaws::retentionByLocalClocks,
                        "R11",
                        "R5",
                        "R1",
                        "R10"),
                flaw("reads show what may be rolled back", Flaws::localReads, "R5", "R2"),
                flaw("readers wait at a gap for ever", Flaws::gapsAreNotSeen, "liveness"),
                flaw("tasks are forgotten before their events", Flaws::tasksAreForgottenFirst, "R10", "R1"),
                flaw("a dispatch without an answer fails", Flaws::unansweredDispatchFails, "R10"),
                flaw("a fence without an answer fails", Flaws::unansweredFenceFails, "R3"),
                flaw("an error of one document is final", Flaws::documentErrorsAreFinal, "R4", "R11"),
                flaw("an invisible duplicate fences its own writer", Flaws::invisibleDuplicatesFence, "R3", "R11"),
                flaw("claims wait for other operations", LeaseFlaws::claimsWaitForLooks, "liveness"));
    }

    private static Arguments flaw(String name, Supplier<Flaw> flaw, String... rules) {
        return Arguments.of(name, flaw, List.of(rules));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("flaws")
    void aFlawIsFound(String name, Supplier<Flaw> flaw, List<String> rules) throws InterruptedException {
        SeedRunner.Summary summary = new SeedRunner(flaw.get()).run(0, MOST_SEEDS, TimeUnit.MINUTES.toNanos(2));
        SeedRunner.Result failed = summary.failed();
        assertThat(failed).as("after " + summary.seeds() + " seeds").isNotNull();
        System.out.printf("%s: found in %d seeds, as %s%n", name, summary.seeds(), failed.violation());
        assertThat(rules).contains(Objects.requireNonNull(failed.violation()).rule());
        Carrier.Pool pool = new Carrier.Pool();
        SeedRunner.Result repaired = new SeedRunner(flaw.get().repaired()).run(failed.seed(), pool, false);
        pool.close();
        assertThat(repaired.violation())
                .as("without the flaw: " + repaired.report())
                .isNull();
    }
}
