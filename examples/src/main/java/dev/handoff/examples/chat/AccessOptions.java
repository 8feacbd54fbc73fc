// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Holds the options for the pages and host names that may use the API. */
final class AccessOptions {

    @Option(
            names = "--allowed-host",
            paramLabel = "NAME",
            split = ",",
            converter = Converters.HostName.class,
            description = "A host name that clients use for this server, besides localhost and IP "
                    + "addresses; can be repeated. While HANDOFF_API_KEYS is not set, the server "
                    + "refuses other names, because a web page could resolve its own name to the "
                    + "address of this server.")
    List<String> allowedHosts = new ArrayList<>();

    @Mixin
    final CorsOptions cors = new CorsOptions();
}
