package dev.handoff.examples.chat;

import java.time.Duration;
import picocli.CommandLine.Option;

/** How a role that does the work goes about it. */
final class TaskOptions {

    @Option(
            names = "--max-running",
            paramLabel = "COUNT",
            defaultValue = "200",
            converter = Converters.Count.class,
            description = "How many answers are made at the same time (default: ${DEFAULT-VALUE}).")
    int maxRunning;

    @Option(
            names = "--max-waiting",
            paramLabel = "COUNT",
            defaultValue = "10000",
            converter = Converters.Count.class,
            description = "How many more may wait for that (default: ${DEFAULT-VALUE}).")
    int maxWaiting;

    @Option(
            names = "--retention",
            paramLabel = "TIME",
            defaultValue = "1h",
            converter = Converters.Time.class,
            description = "How long an answer is kept after its end (default: ${DEFAULT-VALUE}).")
    Duration retention = Duration.ofHours(1);
}
