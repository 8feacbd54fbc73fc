// SPDX-License-Identifier: Apache-2.0
package dev.handoff.micrometer;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.token.TokenSealer;
import io.micrometer.observation.Observation;
import io.micrometer.observation.transport.Kind;
import io.micrometer.observation.transport.ReceiverContext;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** An application on Jetty that traces its requests, tasks of the type {@code report}, and readers. */
final class TracedServer implements AutoCloseable {

    private final HttpClient client = HttpClient.newHttpClient();
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final Server server = new Server();
    private final ServerConnector connector = new ServerConnector(server);
    final HandoffMetrics metrics;

    TracedServer(Tracer tracer, HandoffMetrics metrics, TaskHandler handler) throws Exception {
        this.metrics = metrics;
        HandoffTracing tracing = HandoffTracing.of(tracer.registry);
        InMemoryEventStore store = InMemoryEventStore.create();
        InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, executor)
                .handler("report", tracing.handler(handler))
                .observer(metrics)
                .build();
        Handoff handoff = Handoff.builder(
                        tracing.dispatcher(dispatcher), store, TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E"))
                .claims(tracing.claims(request -> Map.of("tenant", "t1")))
                .observer(metrics)
                .build();
        StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
                .readerObserver(tracing::reader)
                .authorization((request, grant) -> "t1".equals(grant.claims().get("tenant")))
                .build();
        HandoffFilter filter = HandoffFilter.builder(handoff)
                .post("/reports", request -> Optional.of(Task.of("report", request.body())))
                .build();
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler("/");
        FilterHolder observed = new FilterHolder(observing(tracer));
        observed.setAsyncSupported(true);
        context.addFilter(observed, "/*", EnumSet.of(DispatcherType.REQUEST));
        context.addServletContainerInitializer((classes, servletContext) -> HandoffServlets.register(
                servletContext,
                filter,
                EventStreamServlet.builder(endpoint, timer).build()));
        server.setHandler(context);
        server.start();
    }

    /** Observes requests as the filter of Spring does. */
    private static Filter observing(Tracer tracer) {
        return (request, response, chain) -> {
            HttpServletRequest http = (HttpServletRequest) request;
            ReceiverContext<HttpServletRequest> context =
                    new ReceiverContext<>(HttpServletRequest::getHeader, Kind.SERVER);
            context.setCarrier(http);
            Observation observation = Observation.createNotStarted(
                            "http.server.requests", () -> context, tracer.registry)
                    .contextualName("http " + http.getMethod().toLowerCase(Locale.ROOT))
                    .start();
            try (Observation.Scope scope = observation.openScope()) {
                chain.doFilter(request, response);
            } finally {
                observation.stop();
            }
        };
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + connector.getLocalPort()).resolve(path);
    }

    /** Asks for a report and returns the location of its stream. */
    String post(String body, String... headers) throws IOException, InterruptedException {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(uri("/reports")).POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
        return response.headers().firstValue("Location").orElseThrow(() -> new IllegalStateException(response.body()));
    }

    InputStream get(String location) throws IOException, InterruptedException {
        return client.send(HttpRequest.newBuilder(uri(location)).build(), HttpResponse.BodyHandlers.ofInputStream())
                .body();
    }

    int delete(String location) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(uri(location)).DELETE().build();
        return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    @Override
    public void close() throws Exception {
        server.stop();
        timer.shutdownNow();
        executor.shutdownNow();
    }
}
