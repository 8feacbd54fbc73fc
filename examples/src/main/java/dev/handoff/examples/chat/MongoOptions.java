package dev.handoff.examples.chat;

import java.time.Duration;
import picocli.CommandLine.Option;

/** How long things are kept and waited for in the shared store; to be the same for all processes. */
final class MongoOptions {

    @Option(
            names = "--retention",
            paramLabel = "TIME",
            defaultValue = "24h",
            converter = Converters.Time.class,
            description = "How long an answer is kept (default: ${DEFAULT-VALUE}).")
    Duration retention = Duration.ofHours(24);

    @Option(
            names = "--lease",
            paramLabel = "TIME",
            defaultValue = "10s",
            converter = Converters.Time.class,
            description = "How long a worker may be silent before its tasks are taken from it"
                    + " (default: ${DEFAULT-VALUE}).")
    Duration lease = Duration.ofSeconds(10);

    @Option(
            names = "--sweep",
            paramLabel = "TIME",
            defaultValue = "2s",
            converter = Converters.Time.class,
            description = "How often lost tasks are looked for (default: ${DEFAULT-VALUE}).")
    Duration sweep = Duration.ofSeconds(2);
}
