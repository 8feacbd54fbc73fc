// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import dev.handoff.testkit.SseReader.Received;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The client against a server whose answers each test scripts: {@code POST /reports} redirects to {@code /events}. */
@Timeout(60)
class SseClientTest {

    private static final Duration SHORT = Duration.ofMillis(200);
    private static final Duration LONG = Duration.ofSeconds(20);

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final CountDownLatch finish = new CountDownLatch(1);
    private final Queue<HttpHandler> answers = new ConcurrentLinkedQueue<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private HttpServer server;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/reports", exchange -> {
            asked.add(exchange.getRequestMethod() + " /reports");
            exchange.getResponseHeaders().set("Location", "/events");
            exchange.sendResponseHeaders(303, -1);
            exchange.close();
        });
        server.createContext("/events", exchange -> {
            asked.add(exchange.getRequestMethod() + " /events after "
                    + exchange.getRequestHeaders().getFirst("Last-Event-ID"));
            answers.remove().handle(exchange);
        });
        server.start();
    }

    @AfterEach
    void stop() {
        finish.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    @Test
    @DisplayName("the client follows the redirect of a POST and reads the stream to its end")
    void reads() {
        answers.add(stream("id: 0\ndata: a\n\n", "event: completed\nid: 1\ndata:\n\n"));
        try (SseClient client = SseClient.open(post())) {
            assertThat(client.uri().getPath()).isEqualTo("/events");
            assertThat(client.toEnd())
                    .containsExactly(new Received("0", "message", "a"), new Received("1", "completed", ""));
            assertThat(client.next()).isEmpty();
            assertThat(client.lastEventId()).isEqualTo("1");
            assertThat(client.resumptions()).isZero();
        }
        assertThat(asked).containsExactly("POST /reports", "GET /events after null");
    }

    @Test
    @DisplayName("a lost connection is resumed after the last event, with the header fields of the request")
    void resumes() {
        List<String> users = new CopyOnWriteArrayList<>();
        answers.add(cut("id: 0\ndata: a\n\n", "id: 1\ndata: b\n\n", "id: 2\nda"));
        answers.add(exchange -> {
            users.add(exchange.getRequestHeaders().getFirst("X-User"));
            stream("id: 2\ndata: c\n\n").handle(exchange);
        });
        try (SseClient client = SseClient.open(post())) {
            assertThat(client.toEnd()).extracting(Received::data).containsExactly("a", "b", "c");
            assertThat(client.resumptions()).isEqualTo(1);
        }
        assertThat(asked).containsExactly("POST /reports", "GET /events after null", "GET /events after 1");
        assertThat(users).containsExactly("alice");
    }

    @Test
    @DisplayName(
            "a connection that is lost before the first event begins the stream again, and the POST is not repeated")
    void beginsAgain() {
        answers.add(cut());
        answers.add(stream("id: 0\ndata: a\n\n"));
        try (SseClient client = SseClient.open(post())) {
            assertThat(client.toEnd()).extracting(Received::data).containsExactly("a");
        }
        assertThat(asked).containsExactly("POST /reports", "GET /events after null", "GET /events after null");
    }

    @Test
    @DisplayName("a test can cut the connection")
    void cuts() {
        answers.add(waiting("id: 0\ndata: a\n\n"));
        answers.add(stream("id: 1\ndata: b\n\n"));
        try (SseClient client = SseClient.open(post())) {
            assertThat(client).receives("message", "a");
            client.cut();
            assertThat(client).endsWith("message");
            assertThat(client.resumptions()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("an interruption by the server is not an event, and the client connects again until it may continue")
    void interrupted() {
        answers.add(cut("id: 0\ndata: a\n\n", "event: interrupted\ndata: {}\n\n"));
        answers.add(cut("event: interrupted\ndata: {}\n\n"));
        answers.add(stream("id: 1\ndata: b\n\n"));
        try (SseClient client = SseClient.open(post())) {
            assertThat(client.toEnd()).extracting(Received::data).containsExactly("a", "b");
            assertThat(client.resumptions()).isEqualTo(2);
        }
        assertThat(asked).endsWith("GET /events after 0", "GET /events after 0");
    }

    @Test
    @DisplayName("204 means that the stream has no more events")
    void noContent() {
        answers.add(cut("id: 0\ndata: a\n\n"));
        answers.add(exchange -> {
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
        });
        try (SseClient client = SseClient.open(post())) {
            assertThat(client.toEnd()).hasSize(1);
        }
    }

    @Test
    @DisplayName("an answer that is no stream is refused with its status and its content")
    void refused() {
        answers.add(answer(401, "text/event-stream", "token_expired"));
        assertThatIllegalStateException()
                .isThrownBy(() -> SseClient.open(post()))
                .withMessageContainingAll("POST", "/reports", "401", "token_expired");

        answers.add(answer(200, "text/html", "<html>"));
        assertThatIllegalStateException()
                .isThrownBy(() -> SseClient.open(post()))
                .withMessageContainingAll("text/html", "<html>");

        answers.add(cut("id: 0\ndata: a\n\n"));
        answers.add(answer(410, "application/problem+json", "stream_gone"));
        try (SseClient client = SseClient.open(post())) {
            assertThatIllegalStateException().isThrownBy(client::toEnd).withMessageContainingAll("410", "stream_gone");
        }
    }

    @Test
    @DisplayName("the client does not wait longer for an event than it may, and can continue after that")
    void timesOut() {
        answers.add(waiting("id: 0\ndata: a\n\n"));
        answers.add(stream("id: 1\ndata: b\n\n"));
        try (SseClient client = SseClient.open(post())) {
            assertThat(client).receives("message", "a");
            client.patience(SHORT);
            assertThatExceptionOfType(UncheckedIOException.class)
                    .isThrownBy(client::next)
                    .withCauseInstanceOf(HttpTimeoutException.class);
            client.patience(LONG);
            assertThat(client).receives("message", "b");
        }
    }

    @Test
    @DisplayName("the client does not wait longer for an answer than it may")
    void timesOutAtOpen() {
        answers.add(exchange -> awaitFinish());
        assertThatExceptionOfType(UncheckedIOException.class)
                .isThrownBy(() -> SseClient.open(HttpClient.newHttpClient(), get(), SHORT))
                .withCauseInstanceOf(HttpTimeoutException.class);
    }

    @Test
    @DisplayName("the client gives up if it cannot connect again in time")
    void serverGone() {
        answers.add(cut("id: 0\ndata: a\n\n"));
        try (SseClient client = SseClient.open(post())) {
            assertThat(client).receives("message", "a");
            server.stop(0);
            client.patience(SHORT);
            assertThatExceptionOfType(UncheckedIOException.class).isThrownBy(client::next);
        }
        assertThatExceptionOfType(UncheckedIOException.class).isThrownBy(() -> SseClient.open(get()));
    }

    @Test
    @DisplayName("assertions on a stream fail at another event, at the end, and at further events")
    void assertions() {
        String[] events = {"event: page\nid: 0\ndata: a\n\n", "event: page\nid: 1\ndata: b\n\n"};
        answers.add(stream(events));
        try (SseClient client = SseClient.open(post())) {
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> assertThat(client).receives("page", "b"))
                    .withMessageContainingAll("page", "<b>", "<a>");
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> assertThat(client).receives("page", "b", "c"))
                    .withMessageContaining("ended");
        }
        answers.add(stream(events));
        try (SseClient client = SseClient.open(post())) {
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> assertThat(client).receives("other", "a"))
                    .withMessageContaining("other");
        }
        answers.add(stream(events));
        try (SseClient client = SseClient.open(post())) {
            assertThatExceptionOfType(AssertionError.class)
                    .isThrownBy(() -> assertThat(client).endsWith("page"))
                    .withMessageContaining("rest of the stream");
        }
    }

    private HttpRequest post() {
        return HttpRequest.newBuilder(uri("/reports"))
                .header("X-User", "alice")
                .header("Content-Type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString("rain"))
                .build();
    }

    private HttpRequest get() {
        return HttpRequest.newBuilder(uri("/events")).build();
    }

    private URI uri(String path) {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
    }

    private static HttpHandler answer(int status, String type, String body) {
        return exchange -> {
            exchange.getResponseHeaders().set("Content-Type", type);
            exchange.sendResponseHeaders(status, body.length());
            exchange.getResponseBody().write(body.getBytes(UTF_8));
            exchange.close();
        };
    }

    /** Sends frames and ends the response cleanly. */
    private static HttpHandler stream(String... frames) {
        return exchange -> {
            send(exchange, frames);
            exchange.close();
        };
    }

    /** Sends frames and closes the connection in the middle of the response. */
    private static HttpHandler cut(String... frames) {
        return exchange -> {
            send(exchange, frames);
            throw new IOException("the connection is cut");
        };
    }

    /** Sends frames and leaves the response open until the test is over. */
    private HttpHandler waiting(String... frames) {
        return exchange -> {
            send(exchange, frames);
            awaitFinish();
        };
    }

    private void awaitFinish() throws IOException {
        try {
            finish.await();
        } catch (InterruptedException e) {
            throw new IOException(e);
        }
    }

    private static void send(HttpExchange exchange, String... frames) throws IOException {
        exchange.getRequestBody().readAllBytes();
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        OutputStream body = exchange.getResponseBody();
        for (String frame : frames) {
            body.write(frame.getBytes(UTF_8));
        }
        body.flush();
    }
}
