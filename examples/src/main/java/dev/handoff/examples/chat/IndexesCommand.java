// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Creates the indexes of the store. */
@Command(
        name = "indexes",
        description = "Creates the indexes that the other commands need in HANDOFF_MONGODB_URI. Run it once for a new "
                + "database and after each upgrade.")
final class IndexesCommand implements Callable<Integer> {

    @Mixin
    private final MongoOptions mongo = new MongoOptions();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    private final Environment environment;

    IndexesCommand(Environment environment) {
        this.environment = environment;
    }

    @Override
    public Integer call() throws InterruptedException {
        try (MongoParts parts = new MongoParts(environment.requiredMongoUri(), mongo)) {
            spec.commandLine().getOut().println(parts.createIndexes());
        }
        return 0;
    }
}
