package dev.handoff.examples.chat;

import picocli.CommandLine.Option;

/** Where a role listens. */
final class ListenOptions {

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "The address to listen on (default: ${DEFAULT-VALUE}). With 127.0.0.1 only "
                    + "this machine can connect, because no key is needed unless HANDOFF_API_KEYS "
                    + "is set. Use 0.0.0.0 for all addresses, as in a container.")
    String host = "127.0.0.1";

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "8080",
            converter = Converters.Port.class,
            description = "The port to listen on (default: ${DEFAULT-VALUE}); 0 for a free one.")
    int port;
}
