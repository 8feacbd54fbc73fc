// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.webflux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.format.StreamFormat;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.task.Task;
import dev.handoff.token.TokenSealer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.http.server.reactive.ReactorHttpHandlerAdapter;
import org.springframework.web.server.WebHandler;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;

/** A WebFlux application that hands off and streams, over HTTP. */
@Timeout(60)
class WebFluxTest {

    private final ExecutorService workers = Executors.newCachedThreadPool();
    private final InMemoryEventStore store = InMemoryEventStore.create();
    private final BlockingQueue<String> words = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> payloads = new LinkedBlockingQueue<>();
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, workers)
            .handler("words", (task, output) -> {
                String word = words.take();
                while (!word.equals("end")) {
                    output.emit(word);
                    word = words.take();
                }
                payloads.add(task.payload());
                output.complete("{\"words\":true}");
            })
            .build();
    private final Handoff handoff = Handoff.builder(
                    dispatcher, store, TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E"))
            .build();
    private final Scheduler blocking = Schedulers.newBoundedElastic(16, 1000, "blocking");
    private final StreamWebHandler streams = new StreamWebHandler(StreamEndpoint.of(handoff), "/events", blocking);
    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private DisposableServer server;

    @BeforeEach
    void start() {
        TaskWebHandler events = new TaskWebHandler(handoff, request -> Task.of("words", request.body()), blocking);
        TaskWebHandler document = new TaskWebHandler(
                handoff,
                request -> Task.of("words", request.body())
                        .withFormat(StreamFormat.result().name()),
                blocking);
        TaskWebHandler described = new TaskWebHandler(
                handoff,
                request -> Task.of("words", request.attribute("tenant") + " " + request.bodyBytes().length)
                        .withFormat(StreamFormat.result().name()),
                blocking);
        WebHandler application = exchange -> {
            exchange.getAttributes().put("tenant", "acme");
            String path = exchange.getRequest().getPath().value();
            if (path.startsWith("/events/")) {
                return streams.handle(exchange);
            }
            if (path.equals("/described")) {
                return described.handle(exchange);
            }
            return (path.equals("/document") ? document : events).handle(exchange);
        };
        server = HttpServer.create()
                .port(0)
                .handle(new ReactorHttpHandlerAdapter(
                        WebHttpHandlerBuilder.webHandler(application).build()))
                .bindNow();
    }

    @AfterEach
    void stop() {
        streams.close();
        server.disposeNow();
        dispatcher.close();
        workers.shutdownNow();
        blocking.dispose();
    }

    private URI uri(String path) {
        return URI.create("http://localhost:" + server.port()).resolve(path);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(uri(path));
    }

    private URI begin(String path) throws Exception {
        HttpResponse<Void> answer = client.send(
                request(path).POST(HttpRequest.BodyPublishers.ofString("x")).build(),
                HttpResponse.BodyHandlers.discarding());
        assertThat(answer.statusCode()).isEqualTo(303);
        return uri(answer.headers().firstValue("Location").orElseThrow());
    }

    /** A client that reads events one by one. */
    private final class Reader {

        private final HttpResponse<java.io.InputStream> response;
        private final BufferedReader lines;
        private String id = "";

        Reader(URI stream, String lastEventId) throws Exception {
            HttpRequest.Builder get = HttpRequest.newBuilder(stream);
            if (!lastEventId.isEmpty()) {
                get.header("Last-Event-ID", lastEventId);
            }
            response = client.send(get.build(), HttpResponse.BodyHandlers.ofInputStream());
            lines = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
        }

        /** Returns the data of the next event, or "type: data" if it has a type; null at a clean end. */
        String next() throws IOException {
            String type = "";
            List<String> data = new ArrayList<>();
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith("id: ")) {
                    id = line.substring(4);
                } else if (line.startsWith("event: ")) {
                    type = line.substring(7) + ": ";
                } else if (line.startsWith("data: ")) {
                    data.add(line.substring(6));
                } else if (line.isEmpty() && !data.isEmpty()) {
                    return type + String.join("\n", data);
                }
            }
            return null;
        }

        void close() throws IOException {
            lines.close();
        }
    }

    @Test
    @DisplayName(
            "R1 R5 a disconnected client resumes after its last event, and the response ends cleanly after the end")
    void resumes() throws Exception {
        URI stream = begin("/tasks");
        Reader first = new Reader(stream, "");
        assertThat(first.response.headers().firstValue("Content-Type")).hasValue("text/event-stream");
        words.add("a");
        assertThat(first.next()).isEqualTo("a");
        words.add("b");
        assertThat(first.next()).isEqualTo("b");
        first.close();
        words.add("c");
        words.add("end");
        Reader second = new Reader(stream, first.id);
        assertThat(second.next()).isEqualTo("c");
        assertThat(second.next()).isEqualTo("completed: {\"words\":true}");
        assertThat(second.next()).isNull();
        HttpResponse<Void> again = client.send(
                HttpRequest.newBuilder(stream)
                        .header("Last-Event-ID", second.id)
                        .build(),
                HttpResponse.BodyHandlers.discarding());
        assertThat(again.statusCode()).isEqualTo(204);
    }

    @Test
    @Timeout(10)
    @DisplayName("the header fields arrive before the first event")
    void headersAtOnce() throws Exception {
        Reader reader = new Reader(begin("/tasks"), "");
        assertThat(reader.response.statusCode()).isEqualTo(200);
        reader.close();
    }

    @Test
    @DisplayName("R6 a client that cancels ends the stream for its readers")
    void cancels() throws Exception {
        URI stream = begin("/tasks");
        Reader reader = new Reader(stream, "");
        words.add("a");
        assertThat(reader.next()).isEqualTo("a");
        HttpResponse<Void> cancel =
                client.send(HttpRequest.newBuilder(stream).DELETE().build(), HttpResponse.BodyHandlers.discarding());
        assertThat(cancel.statusCode()).isEqualTo(202);
        assertThat(reader.next()).isEqualTo("cancelled: ");
        assertThat(reader.next()).isNull();
    }

    @Test
    @DisplayName(
            "R8 a stopping server sends interrupted and aborts; the client gets the remaining events from another server")
    void isCut() throws Exception {
        URI stream = begin("/tasks");
        Reader reader = new Reader(stream, "");
        words.add("a");
        assertThat(reader.next()).isEqualTo("a");
        streams.drain();
        assertThat(reader.next()).startsWith("interrupted: ").contains("Connect again");
        assertThatThrownBy(reader::next).isInstanceOf(IOException.class);
    }

    @Test
    @DisplayName("a document is answered when the stream has ended")
    void document() throws Exception {
        URI stream = begin("/document");
        var answer = client.sendAsync(HttpRequest.newBuilder(stream).build(), HttpResponse.BodyHandlers.ofString());
        words.add("a");
        words.add("end");
        await().atMost(Duration.ofSeconds(20)).until(answer::isDone);
        assertThat(answer.get().body()).isEqualTo("{\"words\":true}");
    }

    @Test
    @DisplayName("a task can be made of the attributes and the bytes of a request")
    void attributesAndBytes() throws Exception {
        words.add("end");
        begin("/described");
        assertThat(payloads.take()).isEqualTo("acme 1");
    }

    @Test
    @DisplayName("a client that asks for JSON lines gets the same stream, one JSON value per line")
    void jsonLines() throws Exception {
        URI stream = begin("/tasks");
        HttpRequest get = HttpRequest.newBuilder(stream)
                .header("Accept", "application/x-ndjson")
                .build();
        HttpResponse<Stream<String>> answer = client.send(get, HttpResponse.BodyHandlers.ofLines());
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/x-ndjson");
        words.add("a");
        words.add("end");
        List<String> lines = answer.body().toList();
        assertThat(lines).hasSize(2);
        // The space is sent so that the header fields leave at once.
        assertThat(lines.get(0)).startsWith(" {\"id\":\"").endsWith("\",\"data\":\"a\"}");
        assertThat(lines.get(1)).endsWith("\",\"type\":\"completed\",\"data\":\"{\\\"words\\\":true}\"}");
    }

    @Test
    @DisplayName("R12 a bad token is answered with 401")
    void refuses() throws Exception {
        HttpResponse<String> answer =
                client.send(request("/events/none").build(), HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).isEqualTo(401);
    }

    @Test
    @DisplayName("R7 a slow client gets each event, and the server buffers only a limited part of the stream")
    void slowReader() throws Exception {
        URI stream = begin("/tasks");
        Reader reader = new Reader(stream, "");
        String large = "x".repeat(10_000);
        for (int i = 0; i < 500; i++) {
            words.add(large + i);
        }
        words.add("end");
        for (int i = 0; i < 500; i++) {
            assertThat(reader.next()).isEqualTo(large + i);
        }
        assertThat(reader.next()).startsWith("completed: ");
    }

    /** Threads that refuse jobs while they are full. */
    private static final class FullThreads extends ScheduledThreadPoolExecutor {

        private final AtomicInteger refused = new AtomicInteger();
        private volatile boolean full;

        FullThreads() {
            super(4);
        }

        @Override
        public <V> ScheduledFuture<V> schedule(Callable<V> job, long delay, TimeUnit unit) {
            if (full) {
                refused.incrementAndGet();
                throw new RejectedExecutionException("full");
            }
            return super.schedule(job, delay, unit);
        }
    }

    @Test
    @Timeout(20)
    @DisplayName("R6 a stream goes on after the scheduler has refused a job")
    void fullScheduler() throws Exception {
        FullThreads threads = new FullThreads();
        Scheduler scheduler = Schedulers.fromExecutorService(threads);
        StreamWebHandler handler = new StreamWebHandler(StreamEndpoint.of(handoff), "/events", scheduler);
        DisposableServer other = HttpServer.create()
                .port(0)
                .handle(new ReactorHttpHandlerAdapter(
                        WebHttpHandlerBuilder.webHandler(handler::handle).build()))
                .bindNow();
        try {
            URI stream = URI.create("http://localhost:" + other.port())
                    .resolve(begin("/tasks").getPath());
            Reader reader = new Reader(stream, "");
            words.add("a");
            assertThat(reader.next()).isEqualTo("a");
            threads.full = true;
            words.add("b");
            await().until(() -> threads.refused.get() > 0);
            threads.full = false;
            words.add("end");
            assertThat(reader.next()).isEqualTo("b");
            assertThat(reader.next()).startsWith("completed: ");
        } finally {
            handler.close();
            other.disposeNow();
            threads.shutdownNow();
        }
    }
}
