package dev.handoff.examples.chat;

import java.time.Duration;
import picocli.CommandLine.Option;

/** How a role that delivers streams treats those who read them. */
final class StreamOptions {

    @Option(
            names = "--heartbeat",
            paramLabel = "TIME",
            defaultValue = "15s",
            converter = Converters.Time.class,
            description = "How long a stream says nothing before it sends a comment (default: ${DEFAULT-VALUE}).")
    Duration heartbeat = Duration.ofSeconds(15);

    @Option(
            names = "--drain",
            paramLabel = "SECONDS",
            defaultValue = "2",
            converter = Converters.TimeOrNone.class,
            description =
                    "The time over which readers are sent away when the server stops (default: ${DEFAULT-VALUE}).")
    Duration drain = Duration.ofSeconds(2);
}
