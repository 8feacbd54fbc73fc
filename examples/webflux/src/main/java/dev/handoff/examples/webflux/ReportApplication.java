// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventStore;
import dev.handoff.task.Task;
import dev.handoff.task.TaskOutput;
import dev.handoff.token.TokenSealer;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.server.WebHandler;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** Writes reports: {@code POST /reports} hands a report off, and {@code /events/{token}} streams it. */
public final class ReportApplication {

    private static final int DEFAULT_PORT = 8080;
    private static final int THREADS = 16;
    private static final int MAX_WAITING = 1000;
    private static final int PAGES = 3;

    private ReportApplication() {}

    /** Starts the application on a port of 127.0.0.1, and returns when the process is stopped. The argument is the port; 8080 by default. */
    public static void main(String[] args) {
        int port = args.length == 0 ? DEFAULT_PORT : Integer.parseInt(args[0]);
        EventStore store = InMemoryEventStore.create();
        ExecutorService workers = Executors.newFixedThreadPool(THREADS);
        InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, workers)
                .handler("report", ReportApplication::report)
                .build();
        Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of(randomSecret()))
                .build();
        Scheduler blocking = Schedulers.newBoundedElastic(THREADS, MAX_WAITING, "blocking");
        StreamWebHandler streams = new StreamWebHandler(StreamEndpoint.of(handoff), "/events", blocking);
        TaskWebHandler reports = new TaskWebHandler(handoff, request -> Task.of("report", request.body()), blocking);
        DisposableServer server = HttpServer.create()
                .host("127.0.0.1")
                .port(port)
                .handle(new ReactorHttpHandlerAdapter(WebHttpHandlerBuilder.webHandler(routes(reports, streams))
                        .build()))
                .bindNow();
        // The server tells readers to reconnect before it closes their connections.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            streams.close();
            server.disposeNow();
            dispatcher.close();
        }));
        server.onDispose().block();
    }

    private static WebHandler routes(TaskWebHandler reports, StreamWebHandler streams) {
        return exchange -> {
            ServerHttpRequest request = exchange.getRequest();
            String path = request.getPath().value();
            if (path.startsWith("/events/")) {
                return streams.handle(exchange);
            }
            if (path.equals("/reports") && request.getMethod() == HttpMethod.POST) {
                return reports.handle(exchange);
            }
            exchange.getResponse().setStatusCode(HttpStatus.NOT_FOUND);
            return Mono.empty();
        };
    }

    private static void report(Task task, TaskOutput output) throws InterruptedException {
        for (int page = 1; page <= PAGES; page++) {
            output.emit("page", "page " + page + " about " + task.payload());
            TimeUnit.MILLISECONDS.sleep(200);
        }
    }

    /** A token of an earlier start is of no use, because the streams are lost with the process. So the secret need not be kept either. */
    private static String randomSecret() {
        byte[] secret = new byte[32];
        new SecureRandom().nextBytes(secret);
        return Base64.getEncoder().encodeToString(secret);
    }
}
