// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.task.Task;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.http.HttpServlet;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/** A process with a servlet container that is stopped by SIGTERM. Its streams never end. */
final class StoppedProcess {

    /** The work of a shutdown hook. */
    enum Hook {
        /** There is no hook. */
        NONE,
        /** Stops the container. */
        CONTAINER,
        /** Drains the streaming server, and stops the container after that. */
        DRAIN
    }

    /** The containers. */
    enum Kind {
        JETTY,
        TOMCAT,
        UNDERTOW;

        private ServletContainer create() {
            return switch (this) {
                case JETTY -> new JettyContainer();
                case TOMCAT -> new TomcatContainer();
                case UNDERTOW -> new UndertowContainer();
            };
        }
    }

    private StoppedProcess() {}

    /** Takes the kind of the container and the hook, and prints the address of the server. */
    public static void main(String[] args) throws Exception {
        InMemoryEventStore store = InMemoryEventStore.create();
        CountDownLatch never = new CountDownLatch(1);
        InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, Executors.newCachedThreadPool())
                .handler("endless", (task, output) -> {
                    output.emit("begun");
                    never.await();
                })
                .build();
        Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of("nT4xq0Zl7mB2vYc9RkWd5hJf8sPg1uEa"))
                .build();
        HandoffFilter filter = HandoffFilter.builder(handoff)
                .post("/tasks", request -> Optional.of(Task.of("endless", request.body())))
                .build();
        EventStreamServlet events = EventStreamServlet.builder(StreamEndpoint.of(handoff))
                .drainWindow(Duration.ofMillis(100))
                .build();
        ServletContainer container = Kind.valueOf(args[0]).create();
        URI server = container.start(context -> {
            HandoffServlets.register(context, filter, events);
            // Tomcat calls a filter only if a servlet is mapped to the path of the request.
            context.addServlet("default", new HttpServlet() {}).addMapping("/");
        });
        Hook hook = Hook.valueOf(args[1]);
        if (hook != Hook.NONE) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(hook, events, container)));
        }
        System.out.println(server);
    }

    private static void stop(Hook hook, EventStreamServlet events, ServletContainer container) {
        if (hook == Hook.DRAIN) {
            events.drain().join();
        }
        try {
            container.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
