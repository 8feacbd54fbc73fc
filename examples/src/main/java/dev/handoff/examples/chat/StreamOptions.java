// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
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
            names = "--keep-alive",
            paramLabel = "TIME",
            defaultValue = "never",
            converter = Converters.TimeOrNever.class,
            description =
                    "Sends a space to a client that has waited for a document for this time, and again each time it has passed "
                            + "(default: ${DEFAULT-VALUE}). An error after the first space has the status 200 and an aborted connection.")
    Duration keepAlive = Duration.ZERO;

    @Option(
            names = "--drain",
            paramLabel = "SECONDS",
            defaultValue = "2",
            converter = Converters.TimeOrNone.class,
            description = "When the server stops, it disconnects its readers one by one over this "
                    + "time (default: ${DEFAULT-VALUE}).")
    Duration drain = Duration.ofSeconds(2);

    /** Returns a builder of an endpoint with the heartbeat and the spaces. */
    StreamEndpoint.Builder endpoint(Handoff handoff) {
        StreamEndpoint.Builder endpoint = StreamEndpoint.builder(handoff).heartbeat(heartbeat);
        return keepAlive.isZero() ? endpoint : endpoint.documentKeepAlive(keepAlive);
    }
}
