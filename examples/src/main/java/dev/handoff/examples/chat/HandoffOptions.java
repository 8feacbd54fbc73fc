package dev.handoff.examples.chat;

import java.time.Duration;
import picocli.CommandLine.Option;

/** How a role that takes requests leads clients to their streams. */
final class HandoffOptions {

    @Option(
            names = "--redirect",
            paramLabel = "POLICY",
            defaultValue = "see-other",
            converter = Converters.RedirectName.class,
            description =
                    "How clients are sent to the stream: see-other (303), found (302), temporary (307), accel (303"
                            + " that a proxy hides) or accepted (202) (default: ${DEFAULT-VALUE}). A client that says \"Prefer:"
                            + " respond-async\" always gets a 202.")
    Redirect redirect = Redirect.SEE_OTHER;

    @Option(
            names = "--token-lifetime",
            paramLabel = "TIME",
            defaultValue = "24h",
            converter = Converters.Time.class,
            description =
                    "How long a stream can be opened or resumed after it was asked for: seconds, 15m, 24h or PT24H"
                            + " (default: ${DEFAULT-VALUE}).")
    Duration tokenLifetime = Duration.ofHours(24);
}
