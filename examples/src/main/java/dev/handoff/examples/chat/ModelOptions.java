// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import picocli.CommandLine.Option;

/** Holds the options for the models. Application servers and workers must use the same values. */
final class ModelOptions {

    private static final Duration UPSTREAM_PATIENCE = Duration.ofMinutes(5);

    @Option(
            names = "--no-echo",
            description =
                    "Leaves out the built-in model echo, so that only the models of " + "OPENAI_BASE_URL are offered.")
    boolean noEcho;

    List<ModelSource> sources(Environment environment, ScheduledExecutorService timer) {
        List<ModelSource> sources = new ArrayList<>();
        if (!noEcho) {
            sources.add(new EchoModel());
        }
        environment
                .upstream()
                .map(base -> new UpstreamModels(base, environment.upstreamKey(), UPSTREAM_PATIENCE, timer))
                .ifPresent(sources::add);
        return sources;
    }
}
