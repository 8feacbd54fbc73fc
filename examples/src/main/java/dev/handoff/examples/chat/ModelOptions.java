// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ScheduledExecutorService;
import picocli.CommandLine.Option;

/** Holds the options for the models. Application servers and workers must use the same values. */
final class ModelOptions {

    @Option(
            names = "--no-echo",
            description = "Leaves out the built-in model echo, so that only the models of upstreams are offered.")
    boolean noEcho;

    @Option(
            names = "--upstream-timeout",
            paramLabel = "TIME",
            defaultValue = "5m",
            converter = Converters.Time.class,
            description = "How long an upstream may send nothing before its answer fails (default: ${DEFAULT-VALUE}).")
    Duration upstreamTimeout = Duration.ofMinutes(5);

    List<ModelSource> sources(Environment environment, ScheduledExecutorService timer) {
        List<ModelSource> sources = new ArrayList<>();
        if (!noEcho) {
            sources.add(new EchoModel());
        }
        environment.upstreams().forEach(upstream -> sources.add(new UpstreamModels(upstream, upstreamTimeout, timer)));
        return sources;
    }
}
