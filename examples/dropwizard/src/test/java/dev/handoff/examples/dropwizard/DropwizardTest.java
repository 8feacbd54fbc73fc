// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.dropwizard;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseClient;
import dev.handoff.testkit.SseReader;
import io.dropwizard.core.Configuration;
import io.dropwizard.core.setup.Environment;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Drives the application, as {@code config.yml} configures it but on free ports, over HTTP. */
@Timeout(60)
class DropwizardTest {

    private static final String ALICE = "alice:wonderland";
    private static final String BOB = "bob:builder";

    private static RunningApplication shared;

    /** The application, on free ports of this host. */
    private static final class RunningApplication extends ReportApplication implements AutoCloseable {

        private Server server;

        RunningApplication(Path folder) throws Exception {
            String config = Files.readString(Path.of("config.yml")).replaceAll("port: \\d+", "port: 0");
            Path file = Files.writeString(folder.resolve("config.yml"), config + "logging:\n  level: ERROR\n");
            run("server", file.toString());
        }

        @Override
        public void run(Configuration configuration, Environment environment) {
            super.run(configuration, environment);
            environment.lifecycle().addServerLifecycleListener(started -> server = started);
        }

        URI root() {
            return URI.create("http://127.0.0.1:" + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
        }

        @Override
        public void close() throws Exception {
            server.stop();
        }
    }

    @BeforeAll
    static void start(@TempDir Path folder) throws Exception {
        shared = new RunningApplication(folder);
    }

    @AfterAll
    static void stop() throws Exception {
        shared.close();
    }

    @Test
    @DisplayName("a user reads the stream of a report, loses the connection and resumes")
    void streams() {
        try (SseClient client = SseClient.open(report("rain", ALICE, "k1"))) {
            assertThat(client.uri().getPath()).startsWith("/events/");
            assertThat(client).receives("page", "page 1 about rain for alice");
            client.cut();
            assertThat(client)
                    .receives("page", "page 2 about rain for alice", "page 3 about rain for alice")
                    .endsWith("completed");
            assertThat(client.resumptions()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("two users with the same Idempotency-Key get two streams, and a stranger gets 401")
    void twoUsers() throws Exception {
        try (SseClient alice = SseClient.open(report("snow", ALICE, "k2"));
                SseClient bob = SseClient.open(report("snow", BOB, "k2"))) {
            assertThat(alice).receives("page", "page 1 about snow for alice");
            assertThat(bob).receives("page", "page 1 about snow for bob");
        }
        assertThat(send(report("snow", "bob:guessed", "k2")).statusCode()).isEqualTo(401);
    }

    @Test
    @DisplayName("a problem is answered as problem details")
    void problem() throws Exception {
        send(report("dew", ALICE, "k3"));
        HttpResponse<String> reused = send(report("fog", ALICE, "k3"));
        assertThat(reused.statusCode()).isEqualTo(422);
        assertThat(reused.headers().firstValue("Content-Type")).contains("application/problem+json");
        assertThat(reused.body()).contains("idempotency_key_reused");
    }

    @Test
    @DisplayName("a stop interrupts the open streams, although Dropwizard compresses responses and waits for requests")
    void stops(@TempDir Path folder) throws Exception {
        HttpResponse<InputStream> answer;
        SseReader events;
        try (RunningApplication stopping = new RunningApplication(folder)) {
            answer = HttpClient.newBuilder()
                    .followRedirects(HttpClient.Redirect.NORMAL)
                    .build()
                    .send(
                            HttpRequest.newBuilder(report(stopping, "rain", ALICE, "k4"), (name, value) -> true)
                                    .header("Accept-Encoding", "gzip")
                                    .build(),
                            HttpResponse.BodyHandlers.ofInputStream());
            assertThat(answer.headers().firstValue("Content-Encoding")).isEmpty();
            events = new SseReader(answer.body());
            assertThat(events.next().orElseThrow().type()).isEqualTo("page");
        }
        String last = "";
        while (!last.equals("interrupted")) {
            last = events.next().orElseThrow().type();
        }
        answer.body().close();
    }

    private static HttpRequest report(String topic, String credentials, String key) {
        return report(shared, topic, credentials, key);
    }

    private static HttpRequest report(RunningApplication application, String topic, String credentials, String key) {
        return HttpRequest.newBuilder(application.root().resolve("/reports"))
                .header(
                        "Authorization",
                        "Basic " + Base64.getEncoder().encodeToString(credentials.getBytes(StandardCharsets.UTF_8)))
                .header("Idempotency-Key", key)
                .POST(HttpRequest.BodyPublishers.ofString(topic))
                .build();
    }

    private static HttpResponse<String> send(HttpRequest request) throws Exception {
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
}
