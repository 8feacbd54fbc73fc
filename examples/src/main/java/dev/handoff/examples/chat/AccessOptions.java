package dev.handoff.examples.chat;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options that say which pages and host names may use the API. */
final class AccessOptions {

    @Option(
            names = "--allowed-host",
            paramLabel = "NAME",
            split = ",",
            converter = Converters.HostName.class,
            description = "A host name by which clients may address this server, besides localhost and IP addresses;"
                    + " can be repeated. Needed only if HANDOFF_API_KEYS is not set, because then any page that a"
                    + " user visits could otherwise use the server through a host name of its own.")
    List<String> allowedHosts = new ArrayList<>();

    @Mixin
    final CorsOptions cors = new CorsOptions();
}
