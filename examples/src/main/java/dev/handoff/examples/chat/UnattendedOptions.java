// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Holds the option for the time after which an answer without readers is cancelled. */
final class UnattendedOptions {

    private static final String NAME = "--cancel-unattended";

    @Option(
            names = NAME,
            paramLabel = "TIME",
            defaultValue = "30s",
            converter = Converters.TimeOrNever.class,
            description = "Cancels an answer that has had no reader for this time (default: "
                    + "${DEFAULT-VALUE}). Leave clients enough time to follow the redirect or to "
                    + "reconnect. With never, the server finishes each answer. Use the same value in "
                    + "all processes.")
    private Duration limit = Duration.ofSeconds(30);

    /**
     * Returns the time; empty for never.
     *
     * @param shortest the shortest time in which all readers are counted
     * @param reason the reason for the shortest time, for the error message
     * @throws StartException if the time is shorter
     */
    Optional<Duration> limit(Duration shortest, String reason) {
        if (limit.isZero()) {
            return Optional.empty();
        }
        if (limit.compareTo(shortest) < 0) {
            throw new StartException(
                    StartException.USAGE,
                    NAME + " is " + inSeconds(limit) + ", but has to be at least " + inSeconds(shortest) + ", "
                            + reason);
        }
        return Optional.of(limit);
    }

    private static String inSeconds(Duration time) {
        return time.toMillis() / 1000.0 + " s";
    }
}
