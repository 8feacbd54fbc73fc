// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import picocli.CommandLine.Option;

/** Holds the options of a role that delivers streams. */
final class StreamOptions {

    @Option(
            names = "--heartbeat",
            paramLabel = "TIME",
            defaultValue = "15s",
            converter = Converters.Time.class,
            description = "Sends a comment when a stream has been idle for this time (default: ${DEFAULT-VALUE}).")
    Duration heartbeat = Duration.ofSeconds(15);

    @Option(
            names = "--drain",
            paramLabel = "SECONDS",
            defaultValue = "2",
            converter = Converters.TimeOrNone.class,
            description = "When the server stops, it disconnects its readers one by one over this "
                    + "time (default: ${DEFAULT-VALUE}).")
    Duration drain = Duration.ofSeconds(2);
}
