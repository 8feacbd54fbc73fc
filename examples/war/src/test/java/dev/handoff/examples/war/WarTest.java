// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.war;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseClient;
import java.io.IOException;
import java.net.CookieManager;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Drives the deployed WAR over HTTP, as browsers of two users do. */
@Timeout(60)
class WarTest {

    private static TomcatServer server;

    @BeforeAll
    static void start() throws Exception {
        server = new TomcatServer(0, Path.of(""));
    }

    @AfterAll
    static void stop() throws Exception {
        server.close();
    }

    @Test
    @DisplayName("a user who has logged in reads the stream, loses the connection and resumes")
    void streams() throws Exception {
        HttpClient alice = login("alice", "wonderland");
        try (SseClient client = SseClient.open(alice, report("rain", "k1"))) {
            assertThat(client.uri().getPath()).startsWith("/shop/events/");
            assertThat(client).receives("page", "page 1 about rain for alice");
            client.cut();
            assertThat(client)
                    .receives("page", "page 2 about rain for alice", "page 3 about rain for alice")
                    .endsWith("completed");
            assertThat(client.resumptions()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("without a login nothing is handed off, whatever the path looks like")
    void needsLogin() throws Exception {
        HttpClient stranger = HttpClient.newHttpClient();
        assertThat(send(stranger, report("rain", "k2")).statusCode()).isEqualTo(401);
        // The client of the JDK would normalize this path.
        assertThat(statusLine("POST /shop/events/../reports HTTP/1.1")).contains(" 401 ");
        assertThat(send(stranger, get("/")).body()).contains("<title>Reports</title>");
        assertThat(send(stranger, loginRequest("alice", "guessed")).statusCode())
                .isEqualTo(403);
    }

    @Test
    @DisplayName("two users with the same Idempotency-Key get two streams, and whoever has the address can read")
    void twoUsers() throws Exception {
        HttpClient alice = login("alice", "wonderland");
        HttpClient bob = login("bob", "builder");
        try (SseClient first = SseClient.open(alice, report("snow", "k3"));
                SseClient second = SseClient.open(bob, report("snow", "k3"));
                SseClient shared =
                        SseClient.open(HttpRequest.newBuilder(first.uri()).build())) {
            assertThat(first).receives("page", "page 1 about snow for alice");
            assertThat(second).receives("page", "page 1 about snow for bob");
            assertThat(shared).receives("page", "page 1 about snow for alice");
        }
    }

    @Test
    @DisplayName("a user is led back to the own stream by Last-Event-ID, another user is not")
    void resumesAtTheStart() throws Exception {
        HttpClient alice = login("alice", "wonderland");
        String first;
        try (SseClient client = SseClient.open(alice, report("fog", "k4"))) {
            assertThat(client).receives("page", "page 1 about fog for alice");
            first = client.lastEventId();
        }
        HttpRequest again = HttpRequest.newBuilder(URI.create(server.root() + "/reports"))
                .header("Last-Event-ID", first)
                .POST(HttpRequest.BodyPublishers.ofString("fog"))
                .build();
        try (SseClient client = SseClient.open(alice, again)) {
            assertThat(client).receives("page", "page 2 about fog for alice");
        }
        HttpResponse<String> refused = send(login("bob", "builder"), again);
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.body()).contains("not_your_stream");
    }

    private static HttpClient login(String user, String password) throws Exception {
        HttpClient client = HttpClient.newBuilder()
                .cookieHandler(new CookieManager())
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
        assertThat(send(client, loginRequest(user, password)).body()).contains("<title>Reports</title>");
        return client;
    }

    private static HttpRequest loginRequest(String user, String password) {
        return HttpRequest.newBuilder(URI.create(server.root() + "/login"))
                .header("Content-Type", "application/x-www-form-urlencoded")
                .POST(HttpRequest.BodyPublishers.ofString("user=" + user + "&password=" + password))
                .build();
    }

    private static HttpRequest report(String topic, String key) {
        return HttpRequest.newBuilder(URI.create(server.root() + "/reports"))
                .header("Idempotency-Key", key)
                .POST(HttpRequest.BodyPublishers.ofString(topic))
                .build();
    }

    private static HttpRequest get(String path) {
        return HttpRequest.newBuilder(URI.create(server.root() + path)).build();
    }

    private static HttpResponse<String> send(HttpClient client, HttpRequest request) throws Exception {
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private static String statusLine(String requestLine) throws IOException {
        try (Socket socket = new Socket(server.root().getHost(), server.root().getPort())) {
            socket.getOutputStream()
                    .write((requestLine + "\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
                    .lines()
                    .findFirst()
                    .orElse("");
        }
    }
}
