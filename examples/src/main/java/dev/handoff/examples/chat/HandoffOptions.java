// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import picocli.CommandLine.Option;

/** Holds the options of a role that redirects clients to their streams. */
final class HandoffOptions {

    @Option(
            names = "--redirect",
            paramLabel = "POLICY",
            defaultValue = "see-other",
            converter = Converters.RedirectName.class,
            description = "How a reply leads the client to its stream (default: ${DEFAULT-VALUE}): "
                    + "see-other (303), found (302), temporary (307), accel (303 with "
                    + "X-Accel-Redirect, for a proxy that follows it) or accepted (202). A client "
                    + "that sends \"Prefer: respond-async\" always gets a 202.")
    Redirect redirect = Redirect.SEE_OTHER;

    @Option(
            names = "--token-lifetime",
            paramLabel = "TIME",
            defaultValue = "24h",
            converter = Converters.Time.class,
            description = "How long after its request a client can open or resume the stream (default: "
                    + "${DEFAULT-VALUE}). TIME is a number of seconds, or for example 15m, 24h or PT24H.")
    Duration tokenLifetime = Duration.ofHours(24);
}
