// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import picocli.CommandLine.Option;

/** Holds the options for the address on which a role listens. */
final class ListenOptions {

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "The address to listen on (default: ${DEFAULT-VALUE}). With 127.0.0.1 only "
                    + "this machine can connect. With 0.0.0.0 the server listens on all addresses, "
                    + "as a container needs it; then set HANDOFF_API_KEYS.")
    String host = "127.0.0.1";

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "8080",
            converter = Converters.Port.class,
            description = "The port to listen on (default: ${DEFAULT-VALUE}); 0 for a free one.")
    int port;
}
