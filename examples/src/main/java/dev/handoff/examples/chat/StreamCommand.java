// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.token.TokenSealer;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a streaming server, which delivers the answers of the workers. */
@Command(name = "stream", description = "Runs a streaming server, which delivers answers from HANDOFF_MONGODB_URI.")
final class StreamCommand implements Callable<Integer> {

    @Mixin
    private final ListenOptions listen = new ListenOptions();

    @Mixin
    private final StreamOptions streaming = new StreamOptions();

    @Mixin
    private final CorsOptions cors = new CorsOptions();

    @Mixin
    private final MongoOptions mongo = new MongoOptions();

    @Option(
            names = "--minibatch",
            paramLabel = "PATTERN",
            description =
                    "Also serves the streams of Python workers that write through minibatch. The pattern gives their"
                            + " names, such as omegaml.streams/..system/complete/{id}.stream, where {id} is the id of the task,"
                            + " written as a UUID.")
    private @Nullable String minibatch;

    @Spec
    private CommandSpec spec;

    private final Environment environment;

    StreamCommand(Environment environment) {
        this.environment = environment;
        this.spec = CommandSpec.create();
    }

    @Override
    public Integer call() throws InterruptedException {
        TokenSealer sealer = environment.requiredSealer();
        MongoParts parts = new MongoParts(environment.requiredMongoUri(), mongo);
        // A streaming server seals no tokens, so it ignores the redirect and the lifetime.
        Duration tokenLifetime = Duration.ofHours(1);
        Handoff handoff = minibatch == null
                ? parts.handoff(sealer, Redirect.SEE_OTHER, tokenLifetime)
                : parts.handoffWithMinibatch(minibatch, sealer, Redirect.SEE_OTHER, tokenLifetime);
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(r -> new Thread(r, "timer"));
        EventStreamServlet streams = EventStreamServlet.builder(
                        streaming.endpoint(handoff).corsOrigins(cors.origins()).build(), timer)
                .executor(parts.jobs)
                .drainWindow(streaming.drain)
                .build();
        AtomicBoolean draining = new AtomicBoolean();
        WebServer web = new WebServer(listen.host, listen.port)
                .ready(() -> !draining.get() && parts.reachable())
                .serve(WebServer.STREAMS, streams);
        web.start();
        PrintWriter out = spec.commandLine().getOut();
        CompletableFuture<Void> refused = parts.prepare(() -> {
            parts.store.followChanges(parts.jobs);
            out.println("handoff-chat stream ready on " + web.url());
        });
        return Foreground.run(
                () -> {
                    draining.set(true);
                    streams.drain().join();
                    web.close();
                    timer.shutdownNow();
                    parts.close();
                },
                refused,
                out);
    }
}
