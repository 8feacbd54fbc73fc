// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Holds the options of a role that runs tasks. */
final class TaskOptions {

    /** Streaming servlets count their readers once a second. */
    private static final Duration SHORTEST_UNATTENDED = Duration.ofSeconds(3);

    @Mixin
    private final UnattendedOptions unattended = new UnattendedOptions();

    @Option(
            names = "--max-running",
            paramLabel = "COUNT",
            defaultValue = "200",
            converter = Converters.Count.class,
            description = "How many answers the models generate at the same time (default: ${DEFAULT-VALUE}).")
    int maxRunning;

    @Option(
            names = "--max-waiting",
            paramLabel = "COUNT",
            defaultValue = "10000",
            converter = Converters.Count.class,
            description = "How many more requests can wait for a model (default: ${DEFAULT-VALUE}). "
                    + "The server answers 503 to further requests.")
    int maxWaiting;

    @Option(
            names = "--retention",
            paramLabel = "TIME",
            defaultValue = "1h",
            converter = Converters.Time.class,
            description = "How long a client can read an answer after its end (default: ${DEFAULT-VALUE}).")
    Duration retention = Duration.ofHours(1);

    /**
     * Returns the time without readers after which an answer is cancelled; empty for never.
     *
     * @throws StartException if the time is too short
     */
    Optional<Duration> cancelUnattendedAfter() {
        return unattended.limit(SHORTEST_UNATTENDED, "since readers are counted once a second");
    }
}
