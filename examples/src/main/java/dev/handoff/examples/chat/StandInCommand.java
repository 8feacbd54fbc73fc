// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import de.bwaldvogel.mongo.MongoServer;
import java.net.InetSocketAddress;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Runs a temporary stand-in for MongoDB, to try the other roles on a machine without MongoDB. */
@Command(
        name = "mongo-standin",
        description = "Runs a stand-in for MongoDB, to try the other commands. It keeps its data in memory only.")
final class StandInCommand implements Callable<Integer> {

    @Mixin
    private final ListenOptions listen = new ListenOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws InterruptedException {
        MongoServer server = new MongoServer(new StandInBackend());
        try {
            server.bind(new InetSocketAddress(listen.host, listen.port));
        } catch (RuntimeException e) {
            server.shutdownNow();
            throw new StartException(
                    1, "cannot listen on " + listen.host + " port " + listen.port + ": " + e.getMessage());
        }
        return Foreground.run(
                server::shutdownNow,
                spec.commandLine().getOut(),
                "handoff-chat mongo-standin ready on " + server.getConnectionString(),
                "It keeps all data in memory and loses it when it stops. Do not use it for real data.");
    }
}
