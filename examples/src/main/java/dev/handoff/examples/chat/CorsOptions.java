// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Holds the option for the pages that may use a server. */
final class CorsOptions {

    @Option(
            names = "--cors-origin",
            paramLabel = "ORIGIN",
            split = ",",
            converter = Converters.Origin.class,
            description = "An origin whose pages may use this server, such as "
                    + "https://chat.example.com, or * for all; can be repeated. By default only "
                    + "the pages of this server can use it.")
    private List<String> origins = new ArrayList<>();

    /** Returns the origins, each once. */
    String[] origins() {
        return origins.stream().distinct().toArray(String[]::new);
    }
}
