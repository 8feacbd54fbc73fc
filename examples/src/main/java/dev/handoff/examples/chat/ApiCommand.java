// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.Handoff;
import dev.handoff.token.TokenSealer;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Runs an application server. It dispatches requests to workers and redirects clients to a streaming server. */
@Command(
        name = "api",
        description = "Runs an application server, which stores requests as tasks in HANDOFF_MONGODB_URI.")
final class ApiCommand implements Callable<Integer> {

    @Mixin
    private final ListenOptions listen = new ListenOptions();

    @Mixin
    private final HandoffOptions handingOff = new HandoffOptions();

    @Mixin
    private final AccessOptions access = new AccessOptions();

    @Mixin
    private final ModelOptions modelling = new ModelOptions();

    @Mixin
    private final MongoOptions mongo = new MongoOptions();

    @Spec
    private CommandSpec spec;

    private final Environment environment;

    ApiCommand(Environment environment) {
        this.environment = environment;
        this.spec = CommandSpec.create();
    }

    @Override
    public Integer call() throws InterruptedException {
        TokenSealer sealer = environment.requiredSealer();
        MongoParts parts = new MongoParts(environment.requiredMongoUri(), mongo);
        Handoff handoff = parts.handoff(sealer, handingOff.redirect, handingOff.tokenLifetime);
        WebServer web = new WebServer(listen.host, listen.port).ready(parts::reachable);
        ModelCatalog catalog = new ModelCatalog(modelling.sources(environment, parts.executor));
        Responses responses = parts.responses(sealer, handingOff.redirect, handingOff.tokenLifetime);
        ChatApi.addTo(web, handoff, responses, catalog, environment.apiKeys(), access);
        web.start();
        PrintWriter out = spec.commandLine().getOut();
        CompletableFuture<Void> refused = parts.prepare(() -> out.println("handoff-chat api ready on " + web.url()));
        return Foreground.run(
                () -> {
                    web.close();
                    parts.close();
                },
                refused,
                out);
    }
}
