// SPDX-License-Identifier: Apache-2.0
package dev.handoff.benchmarks;

import com.mongodb.ConnectionString;
import com.mongodb.MongoClientSettings;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoDatabase;
import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.http.ProblemException;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.micrometer.HandoffMetrics;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.task.MongoTaskQueue;
import dev.handoff.mongo.task.MongoWorker;
import dev.handoff.netty.NettyStreamingServer;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import dev.handoff.token.TokenSealer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import jakarta.servlet.DispatcherType;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Runs an application server on Jetty, and a streaming server on Jetty or Netty. The tasks emit events that hold the time of their
 * creation. Everything except the work itself is what an application would use.
 */
@Command(
        name = "server",
        description = "Hands off GET or POST /storm?rate=R&seconds=S&payload=P to a stream of R events a second.")
final class StormServer implements Callable<Integer> {

    /** The role of a process. */
    enum Role {
        all,
        api,
        worker,
        stream
    }

    private static final String MEMORY = "memory";
    private static final int TICK_MILLIS = 20;
    private static final int MOST_RUNNING = 100_000;

    @Option(names = "--port", defaultValue = "8080", description = "Where to listen, on 127.0.0.1; 0 for a free port.")
    private int port;

    @Option(
            names = "--store",
            defaultValue = MEMORY,
            description = "memory, or the URI of a MongoDB (default: ${DEFAULT-VALUE}).")
    private String store = MEMORY;

    @Option(
            names = "--role",
            defaultValue = "all",
            description =
                    "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}); each role except \"all\" needs a MongoDB.")
    private Role role = Role.all;

    @Option(
            names = "--secret",
            defaultValue = "not a secret: only the storm tool seals with this",
            description = "Seals the tokens; the same for all roles.")
    private String secret = "";

    @Option(
            names = "--netty-port",
            description =
                    "Delivers the streams on Netty at this port of 127.0.0.1, instead of on Jetty; the client then needs"
                            + " --streams-url.")
    private @Nullable Integer nettyPort;

    @Option(names = "--heartbeat", defaultValue = "15", description = "Seconds (default: ${DEFAULT-VALUE}).")
    private int heartbeat;

    @Option(names = "--no-change-streams", description = "Does not follow change streams.")
    private boolean noChangeStreams;

    @Option(names = "--metrics", description = "Keeps the metrics of handoff-micrometer in a registry for Prometheus.")
    private boolean metrics;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Override
    public Integer call() throws Exception {
        Beat beat = new Beat();
        Executors.newSingleThreadExecutor(daemons("beat")).execute(beat);
        HandoffObserver observer = metrics
                ? HandoffMetrics.of(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT))
                : HandoffObserver.NONE;
        TaskDispatcher dispatcher;
        EventStore events;
        if (store.equals(MEMORY)) {
            if (role != Role.all) {
                throw new IllegalArgumentException("--role " + role + " needs a --store that processes share");
            }
            events = InMemoryEventStore.builder()
                    // The store counts two bytes for each character, but these events use one byte for each.
                    .retention(Duration.ofSeconds(5))
                    .maxBytes(Runtime.getRuntime().maxMemory() / 4 * 3)
                    .build();
            dispatcher = new BeatDispatcher(events, beat);
        } else {
            StoreOperations operations = new StoreOperations();
            MongoClient client = MongoClients.create(MongoClientSettings.builder()
                    .applyConnectionString(new ConnectionString(store))
                    .addCommandListener(operations)
                    .build());
            MongoDatabase database = client.getDatabase("storm");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> say(operations.toString())));
            MongoIndexes.create(database);
            ScheduledExecutorService executor = Executors.newScheduledThreadPool(4, daemons("store"));
            ExecutorService threads = Executors.newCachedThreadPool(daemons("tasks"));
            MongoEventStore shared = MongoEventStore.builder(database, executor)
                    .hintExecutor(threads)
                    .observer(observer)
                    .build();
            MongoTaskQueue queue = MongoTaskQueue.builder(database, shared, threads, List.of(Storm.TASK_TYPE))
                    .observer(observer)
                    .build();
            if (role == Role.all || role == Role.worker) {
                MongoWorker worker = MongoWorker.builder(queue, threads)
                        .handler(Storm.TASK_TYPE, emitting(beat))
                        .maxRunning(MOST_RUNNING)
                        .build();
                executor.scheduleWithFixedDelay(worker::tick, 0, TICK_MILLIS, TimeUnit.MILLISECONDS);
            }
            if (!noChangeStreams && (role == Role.all || role == Role.stream)) {
                shared.followChanges(threads);
            }
            events = shared;
            dispatcher = queue;
        }
        if (role == Role.worker) {
            say("storm server ready worker");
        } else {
            Server server = serve(Handoff.builder(dispatcher, events, TokenSealer.of(secret))
                    .observer(observer)
                    .build());
            say("storm server ready on http://127.0.0.1:"
                    + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
        }
        new CountDownLatch(1).await();
        return 0;
    }

    private void say(String line) {
        spec.commandLine().getOut().println(line);
        spec.commandLine().getOut().flush();
    }

    /** Returns a handler whose thread only waits while the beat emits, so that it costs as much as a thread that waits for a model. */
    private static TaskHandler emitting(Beat beat) {
        return (task, output) -> {
            CountDownLatch ended = new CountDownLatch(1);
            output.onCancel(ended::countDown);
            beat.add(Storm.parse(task.payload()), new Beat.Sink() {
                @Override
                public void emit(String data) {
                    output.emit(data);
                }

                @Override
                public void end() {
                    ended.countDown();
                }
            });
            ended.await();
        };
    }

    private Server serve(Handoff handoff) throws Exception {
        Server server = new Server();
        HttpConfiguration http = new HttpConfiguration();
        // By default, Jetty keeps a table of about 100 kB for each connection, to recognize the headers of its next
        // request.
        http.setHeaderCacheSize(0);
        ServerConnector connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        connector.setAcceptQueueSize(4096);
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler("/", false, false);
        if (role != Role.stream) {
            HandoffFilter filter = HandoffFilter.builder(handoff)
                    .route("GET", Storm.PATH, request -> Optional.of(task(request.query())))
                    .post(Storm.PATH, request -> Optional.of(task(request.query())))
                    .build();
            FilterHolder holder = new FilterHolder(filter);
            holder.setAsyncSupported(true);
            context.addFilter(holder, Storm.PATH, EnumSet.of(DispatcherType.REQUEST));
        }
        if (role != Role.api) {
            StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
                    .heartbeat(Duration.ofSeconds(heartbeat))
                    .build();
            if (nettyPort == null) {
                ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(daemons("timer"));
                ServletHolder holder = new ServletHolder(
                        EventStreamServlet.builder(endpoint, timer).build());
                holder.setAsyncSupported(true);
                context.addServlet(holder, "/events/*");
            } else {
                NettyStreamingServer.builder(endpoint, Executors.newFixedThreadPool(16, daemons("streams")))
                        .address(new InetSocketAddress("127.0.0.1", nettyPort))
                        .build()
                        .start();
            }
        }
        server.setHandler(context);
        server.start();
        return server;
    }

    private static Task task(@Nullable String query) {
        try {
            return Storm.parse(query).task();
        } catch (IllegalArgumentException e) {
            throw new ProblemException(400, "bad_storm", String.valueOf(e.getMessage()));
        }
    }

    private static ThreadFactory daemons(String name) {
        return job -> {
            Thread thread = new Thread(job, name);
            thread.setDaemon(true);
            return thread;
        };
    }
}
