// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Holds the times of the shared store. All processes must use the same values. */
final class MongoOptions {

    private static final int SWEEPS_UNATTENDED = 3;

    @Mixin
    private final UnattendedOptions unattended = new UnattendedOptions();

    @Option(
            names = "--retention",
            paramLabel = "TIME",
            defaultValue = "24h",
            converter = Converters.Time.class,
            description = "How long the store keeps an answer (default: ${DEFAULT-VALUE}).")
    Duration retention = Duration.ofHours(24);

    @Option(
            names = "--lease",
            paramLabel = "TIME",
            defaultValue = "10s",
            converter = Converters.Time.class,
            description = "If a worker does not renew the lease of its tasks for this time, they "
                    + "count as lost (default: ${DEFAULT-VALUE}). Use the same value in all "
                    + "processes.")
    Duration lease = Duration.ofSeconds(10);

    @Option(
            names = "--sweep",
            paramLabel = "TIME",
            defaultValue = "2s",
            converter = Converters.Time.class,
            description = "How often each process looks for lost tasks (default: ${DEFAULT-VALUE}). "
                    + "Use the same value in all processes.")
    Duration sweep = Duration.ofSeconds(2);

    /**
     * Returns the time without readers after which an answer is cancelled; empty for never.
     *
     * @throws StartException if the time is too short
     */
    Optional<Duration> cancelUnattendedAfter() {
        return unattended.limit(sweep.multipliedBy(SWEEPS_UNATTENDED), SWEEPS_UNATTENDED + " times that of --sweep");
    }
}
