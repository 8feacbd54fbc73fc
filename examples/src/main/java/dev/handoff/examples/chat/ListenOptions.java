package dev.handoff.examples.chat;

import picocli.CommandLine.Option;

/** Where a role listens. */
final class ListenOptions {

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = {
                "The address to listen on (default: ${DEFAULT-VALUE}, this machine only, since nobody needs a key unless"
                        + " HANDOFF_API_KEYS is set).",
                "0.0.0.0 for all, as in a container."
            })
    String host = "127.0.0.1";

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "8080",
            converter = Converters.Port.class,
            description = "The port to listen on; 0 for a free one (default: ${DEFAULT-VALUE}).")
    int port;
}
