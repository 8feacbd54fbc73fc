// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.token.TokenSealer;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a streaming server, which delivers the answers of the workers. */
@Command(name = "stream", description = "Runs a streaming server, which delivers answers from HANDOFF_MONGODB_URI.")
final class StreamCommand implements Callable<Integer> {

    /** A web server, by the name that the option has. */
    private enum WebKind {
        jetty,
        netty
    }

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

    @Option(
            names = "--server",
            paramLabel = "SERVER",
            defaultValue = "jetty",
            description =
                    "The web server: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}). netty has no servlets and"
                            + " also accepts HTTP/2.")
    private WebKind server = WebKind.jetty;

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
        StreamEndpoint endpoint =
                streaming.endpoint(handoff).corsOrigins(cors.origins()).build();
        AtomicBoolean draining = new AtomicBoolean();
        BooleanSupplier ready = () -> !draining.get() && parts.reachable();
        StreamingWeb web = switch (server) {
            case jetty -> new JettyStreams(endpoint, listen, streaming.drain, parts.jobs, ready);
            case netty -> new NettyStreams(endpoint, listen, streaming.drain, ready);
        };
        web.start();
        PrintWriter out = spec.commandLine().getOut();
        CompletableFuture<Void> refused = parts.prepare(() -> {
            parts.store.followChanges(parts.jobs);
            out.println("handoff-chat stream ready on " + web.url());
        });
        return Foreground.run(
                () -> {
                    draining.set(true);
                    web.stop();
                    parts.close();
                },
                refused,
                out);
    }
}
