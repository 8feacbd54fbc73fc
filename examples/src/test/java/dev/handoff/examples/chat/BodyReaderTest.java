// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class BodyReaderTest {

    private static final int MAX_BYTES = 100_000;

    /** Long enough for everything but the tests of slowness. */
    private static final Duration LONG = Duration.ofMinutes(1);

    private static WebServer serve(ContentLimits limits) {
        WebServer web = new WebServer("127.0.0.1", 0, limits);
        web.serve("/length", new HttpServlet() {
            private static final long serialVersionUID = 1;

            @Override
            protected void doPost(HttpServletRequest request, HttpServletResponse response) throws IOException {
                byte[] body = request.getInputStream().readAllBytes();
                int sum = 0;
                for (byte b : body) {
                    sum += b;
                }
                response.getOutputStream().print(body.length + " " + sum);
            }
        });
        web.start();
        return web;
    }

    private static ContentLimits limits(Duration grace, Duration deadline, long maxHeldBytes) {
        return new ContentLimits(MAX_BYTES, maxHeldBytes, grace, 1000, deadline);
    }

    /** A request whose body is sent by hand. */
    private static final class Sender implements AutoCloseable {

        private final Socket socket;

        Sender(URI server, String path, String... headerLines) throws IOException {
            socket = new Socket(InetAddress.getByName(server.getHost()), server.getPort());
            socket.setSoTimeout(60_000);
            socket.setTcpNoDelay(true);
            send("POST " + path + " HTTP/1.1\r\nHost: " + server.getAuthority() + "\r\n"
                    + String.join("\r\n", headerLines) + "\r\n\r\n");
        }

        void send(String text) throws IOException {
            OutputStream out = socket.getOutputStream();
            out.write(text.getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
        }

        /** The status line, once there is one. */
        String status() throws IOException {
            InputStream in = socket.getInputStream();
            StringBuilder line = new StringBuilder();
            for (int c = in.read(); c >= 0 && c != '\n'; c = in.read()) {
                line.append((char) c);
            }
            return line.toString().strip();
        }

        RawHttp.Answer answer() throws IOException {
            return RawHttp.Answer.parse(rest());
        }

        String rest() throws IOException {
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    @Test
    @DisplayName("a body arrives complete: in one piece, in many, in chunks, and on a reused connection")
    void bodiesComeThrough() throws Exception {
        try (WebServer web = serve(limits(LONG, LONG, 1 << 20))) {
            URI server = URI.create(web.url());
            String body = "abc".repeat(30_000);
            String expected = "90000 " + 30_000 * ('a' + 'b' + 'c');
            assertThat(RawHttp.send(server, "POST", "/length", body).body()).isEqualTo(expected);

            try (Sender sender = new Sender(server, "/length", "Transfer-Encoding: chunked", "Connection: close")) {
                for (int i = 0; i < 30; i++) {
                    sender.send(Integer.toHexString(3000) + "\r\n" + "abc".repeat(1000) + "\r\n");
                }
                sender.send("0\r\n\r\n");
                assertThat(sender.answer().body()).contains(expected);
            }
            try (Sender sender = new Sender(server, "/length", "Content-Length: 3")) {
                sender.send("a");
                sender.send("bc");
                assertThat(sender.status()).isEqualTo("HTTP/1.1 200 OK");
                sender.send("POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                assertThat(sender.rest()).contains("HTTP/1.1 200 OK").endsWith("\r\n\r\n0 0");
            }
            try (Sender sender =
                    new Sender(server, "/length", "Content-Length: 1", "Expect: 100-continue", "Connection: close")) {
                assertThat(sender.status()).isEqualTo("HTTP/1.1 100 Continue");
                sender.status();
                sender.send("a");
                assertThat(sender.answer().body()).isEqualTo("1 97");
            }
        }
    }

    @Test
    @DisplayName("a body that is too large is refused, whether its length is known before or not")
    void largeBodiesAreRefused() throws Exception {
        try (WebServer web = serve(limits(LONG, LONG, 1 << 20))) {
            URI server = URI.create(web.url());
            RawHttp.Answer known = RawHttp.send(server, "POST", "/length", "a".repeat(MAX_BYTES + 1));
            assertThat(known.status()).isEqualTo(413);
            assertThat(Json.parse(known.body()).at("/error/code").asText()).isEqualTo("content_too_large");
            assertThat(Json.parse(known.body()).at("/error/message").asText()).contains("100000");

            try (Sender sender = new Sender(server, "/length", "Transfer-Encoding: chunked")) {
                for (int i = 0; i <= MAX_BYTES / 1000; i++) {
                    sender.send(Integer.toHexString(1000) + "\r\n" + "a".repeat(1000) + "\r\n");
                }
                sender.send("0\r\n\r\n");
                assertThat(sender.answer().status()).isEqualTo(413);
            }
            try (Sender sender =
                    new Sender(server, "/length", "Content-Length: " + (MAX_BYTES + 1), "Expect: 100-continue")) {
                assertThat(sender.answer().status()).isEqualTo(413);
            }
            assertThat(RawHttp.send(server, "POST", "/length", "a".repeat(MAX_BYTES))
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    @DisplayName("R15: all bodies stay within their limit, and a client that leaves frees its share")
    void bodiesAreBoundedTogether() throws Exception {
        // There is room for two bodies, but not for a third.
        try (WebServer web = serve(limits(LONG, LONG, 2 * MAX_BYTES + 10_000))) {
            URI server = URI.create(web.url());
            try (Sender first = new Sender(server, "/length", "Content-Length: " + MAX_BYTES);
                    Sender second = new Sender(server, "/length", "Content-Length: " + MAX_BYTES)) {
                first.send("a".repeat(MAX_BYTES - 1));
                second.send("a".repeat(MAX_BYTES - 1));
                // A third body that arrives before these two would take their room.
                await().until(() -> web.heldBodyBytes() >= 2 * (MAX_BYTES - 1));
                RawHttp.Answer refused = RawHttp.send(server, "POST", "/length", "a".repeat(MAX_BYTES));
                assertThat(refused.status()).isEqualTo(503);
                assertThat(refused.header("Retry-After")).isPresent();
                assertThat(Json.parse(refused.body()).at("/error/code").asText())
                        .isEqualTo("overloaded");
            }
            await().until(() -> web.heldBodyBytes() == 0);
            assertThat(RawHttp.send(server, "POST", "/length", "a".repeat(MAX_BYTES))
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    @DisplayName("a body that stops, drips or takes too long is answered with 408")
    void slowBodiesAreRefused() throws Exception {
        try (WebServer web = serve(limits(Duration.ofMillis(200), Duration.ofSeconds(2), 1 << 20))) {
            URI server = URI.create(web.url());
            try (Sender stops = new Sender(server, "/length", "Content-Length: 10")) {
                stops.send("a");
                RawHttp.Answer answer = stops.answer();
                assertThat(answer.status()).isEqualTo(408);
                assertThat(answer.header("Connection")).contains("close");
                assertThat(Json.parse(answer.body()).at("/error/code").asText()).isEqualTo("request_timeout");
            }
            assertThat(drip(server, "a", 20)).isEqualTo("HTTP/1.1 408 Request Timeout");
            // Fast enough, but without an end.
            assertThat(drip(server, "a".repeat(500), 20)).isEqualTo("HTTP/1.1 408 Request Timeout");
        }
    }

    /** Sends the same again and again until there is an answer. */
    private static String drip(URI server, String text, long everyMillis) throws Exception {
        try (Sender sender = new Sender(server, "/length", "Content-Length: " + MAX_BYTES)) {
            CompletableFuture<String> status = CompletableFuture.supplyAsync(() -> {
                try {
                    return sender.status();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
            await().pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(everyMillis))
                    .atMost(Duration.ofSeconds(20))
                    .until(() -> {
                        try {
                            sender.send(text);
                        } catch (IOException e) {
                            // The server has closed the connection.
                        }
                        return status.isDone();
                    });
            return status.join();
        }
    }

    @Test
    @DisplayName("2,000 clients that send slowly do not delay probes, streams or other requests")
    void slowClientsHoldUpNobody() throws Exception {
        List<Sender> slow = new ArrayList<>();
        try (TestChat chat = TestChat.start()) {
            URI running = chat.begin(TestChat.ask(true, "one two", "repeat", 1000));
            for (int i = 0; i < 2000; i++) {
                Sender sender = new Sender(chat.url("/"), "/v1/chat/completions", "Content-Length: 1000");
                sender.send("{");
                slow.add(sender);
            }
            for (int round = 0; round < 5; round++) {
                assertThat(within(() -> chat.get("/healthz").statusCode())).isEqualTo(200);
                assertThat(within(() -> chat.get("/readyz").statusCode())).isEqualTo(200);
                assertThat(within(() -> {
                            try (EventReader reader = chat.read(running)) {
                                return reader.untilText().size();
                            }
                        }))
                        .isPositive();
                assertThat(within(() -> chat.post(TestChat.ask(true, "one")).statusCode()))
                        .isEqualTo(303);
                slow.get(round).send(" ");
            }
            for (Sender sender : slow) {
                assertThat(sender.status()).startsWith("HTTP/1.1 408");
            }
        } finally {
            for (Sender sender : slow) {
                sender.close();
            }
        }
    }

    /** Slow bodies would hold a thread for at least 5 seconds. */
    private static <T> T within(Callable<T> request) throws Exception {
        long begun = System.nanoTime();
        T answer = request.call();
        assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(Duration.ofSeconds(3));
        return answer;
    }

    @Test
    @DisplayName("the body of a request without a key is not read")
    void bodiesWithoutAKeyAreNotRead() throws Exception {
        Map<String, String> environment = Map.of("HANDOFF_SECRET", TestChat.SECRET, "HANDOFF_API_KEYS", "key");
        try (TestChat guarded = TestChat.start(environment);
                Sender sender = new Sender(guarded.url("/"), "/v1/chat/completions", "Content-Length: 1000")) {
            assertThat(sender.status()).isEqualTo("HTTP/1.1 401 Unauthorized");
        }
    }

    @Test
    @DisplayName("the limits follow from the heap, and a small one accepts small bodies")
    void limitsFollowFromTheHeap() {
        assertThat(ContentLimits.ofHeap(4L << 30).maxBytes()).isEqualTo(16 << 20);
        assertThat(ContentLimits.ofHeap(4L << 30).maxHeldBytes()).isEqualTo(256 << 20);
        assertThat(ContentLimits.ofHeap(64 << 20).maxBytes()).isEqualTo(2 << 20);
        ContentLimits limits = ContentLimits.ofHeap(1L << 40);
        assertThat(limits.maxBytes()).isEqualTo(16 << 20);
        assertThat(limits.isTooSlow(0, Duration.ofSeconds(4))).isFalse();
        assertThat(limits.isTooSlow(0, Duration.ofSeconds(5))).isTrue();
        assertThat(limits.isTooSlow(20_000, Duration.ofSeconds(24))).isFalse();
        assertThat(limits.isTooSlow(20_000, Duration.ofSeconds(25))).isTrue();
        assertThat(limits.isTooSlow(15_000_000, Duration.ofSeconds(120))).isTrue();
    }
}
