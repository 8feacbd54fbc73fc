// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.mongo.task.MongoWorker;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Runs a worker, which calls the models. */
@Command(name = "worker", description = "Runs a worker, which calls the models for the tasks in HANDOFF_MONGODB_URI.")
final class WorkerCommand implements Callable<Integer> {

    @Mixin
    private final ModelOptions modelling = new ModelOptions();

    @Mixin
    private final MongoOptions mongo = new MongoOptions();

    @Option(
            names = "--max-running",
            paramLabel = "COUNT",
            defaultValue = "200",
            converter = Converters.Count.class,
            description = "How many answers this worker generates at the same time (default: ${DEFAULT-VALUE}).")
    private int maxRunning;

    @Option(
            names = "--finish",
            paramLabel = "TIME",
            defaultValue = "30s",
            converter = Converters.TimeOrNone.class,
            description =
                    "How long a worker continues its running answers after a stop signal (default: ${DEFAULT-VALUE}).")
    private Duration finish = Duration.ofSeconds(30);

    @Spec
    private CommandSpec spec;

    private final Environment environment;

    WorkerCommand(Environment environment) {
        this.environment = environment;
        this.spec = CommandSpec.create();
    }

    @Override
    public Integer call() throws InterruptedException {
        // A worker seals no tokens, but derives the ids of responses from the secret.
        ResponseIds ids = new ResponseIds(environment.requiredSealer());
        MongoParts parts = new MongoParts(environment.requiredMongoUri(), mongo);
        ExecutorService threads = Executors.newCachedThreadPool(r -> new Thread(r, "worker"));
        ModelCatalog catalog = new ModelCatalog(modelling.sources(environment, parts.executor));
        MongoWorker worker = MongoWorker.builder(parts.queue, threads)
                .handler(ChatHandler.TASK_TYPE, new ChatHandler(catalog))
                .handler(ResponseHandler.TASK_TYPE, new ResponseHandler(catalog, ids))
                .maxRunning(maxRunning)
                .closeWithin(finish)
                .build();
        PrintWriter out = spec.commandLine().getOut();
        CompletableFuture<Void> refused = parts.prepare(() -> {
            worker.start();
            out.println("handoff-chat worker ready");
        });
        return Foreground.run(
                () -> {
                    worker.close();
                    threads.shutdownNow();
                    parts.close();
                },
                refused,
                out);
    }
}
