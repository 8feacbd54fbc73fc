// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.token.TokenSealer;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Runs {@link AllInOne} until the process is stopped. */
@Command(
        name = "all",
        description = "Runs application, worker and streaming server in one process, in memory. This is the default.")
final class AllCommand implements Callable<Integer> {

    private static final Logger logger = LoggerFactory.getLogger(AllCommand.class);

    @Mixin
    private final ListenOptions listen = new ListenOptions();

    @Mixin
    private final HandoffOptions handingOff = new HandoffOptions();

    @Mixin
    private final StreamOptions streaming = new StreamOptions();

    @Mixin
    private final TaskOptions tasks = new TaskOptions();

    @Mixin
    private final AccessOptions access = new AccessOptions();

    @Mixin
    private final ModelOptions modelling = new ModelOptions();

    @Spec
    private CommandSpec spec;

    private final Environment environment;

    AllCommand(Environment environment) {
        this.environment = environment;
        this.spec = CommandSpec.create();
    }

    @Override
    public Integer call() throws InterruptedException {
        AllInOne server = start();
        return Foreground.run(
                server::close,
                spec.commandLine().getOut(),
                "handoff-chat ready on " + server.url(),
                "try: " + curlLine(server));
    }

    /**
     * Starts the roles with the options of the command.
     *
     * @throws StartException if the options or the environment are not valid, or the address cannot be bound
     */
    AllInOne start() {
        Optional<TokenSealer> sealer = environment.sealer();
        AllInOne server = new AllInOne(
                environment,
                sealer.orElseGet(AllCommand::madeUp),
                listen,
                handingOff,
                access,
                streaming,
                tasks,
                modelling);
        server.start();
        if (sealer.isEmpty()) {
            logger.info(
                    "{} is not set: generated one, so streams cannot be resumed after a restart", Environment.SECRET);
        }
        ApiKeys keys = environment.apiKeys();
        if (keys.open()) {
            logger.info("{} is not set: everybody who can reach this server may use it", Environment.API_KEYS);
        } else {
            logger.info("{} holds {} keys, requests need one of them", Environment.API_KEYS, keys.count());
        }
        environment.upstreams().forEach(upstream -> logger.info("the upstream {} offers more models", upstream));
        return server;
    }

    private String curlLine(AllInOne server) {
        return "curl -NL "
                + (environment.apiKeys().open() ? "" : "-H 'Authorization: Bearer <key>' ")
                + "-d '{\"model\":\"echo\",\"stream\":true,"
                + "\"messages\":[{\"role\":\"user\",\"content\":\"one two three\"}]}' "
                + server.url()
                + "/v1/chat/completions";
    }

    private static TokenSealer madeUp() {
        byte[] random = new byte[32];
        new SecureRandom().nextBytes(random);
        return TokenSealer.of(Base64.getEncoder().encodeToString(random));
    }
}
