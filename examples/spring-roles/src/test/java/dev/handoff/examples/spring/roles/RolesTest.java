// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.roles;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.testkit.SseClient;
import dev.handoff.testkit.SseReader;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Runs the packaged application as one process for each role. */
@Timeout(300)
class RolesTest {

    private static MongoServer mongo;
    private static RunningJar worker;
    private static RunningJar streams;
    private static RunningJar app;

    @BeforeAll
    static void start() throws Exception {
        mongo = StandIn.start();
        worker = startWorker();
        streams = start("stream");
        app = start("app", "handoff.events-url=" + streams.uri("/events"));
    }

    @AfterAll
    static void stop() {
        Stream.of(app, streams, worker).filter(Objects::nonNull).forEach(RunningJar::close);
        mongo.shutdownNow();
    }

    private static RunningJar startWorker() throws Exception {
        return start("worker", "spring.main.web-application-type=none");
    }

    private static RunningJar start(String role, String... properties) throws Exception {
        Stream<String> shared = Stream.of(
                "handoff.roles=" + role,
                "handoff.mongo.lease=1s",
                "reports.pause=400ms",
                // Of Spring Boot 3.5 and of Spring Boot 4.
                "spring.data.mongodb.uri=" + mongo.getConnectionString(),
                "spring.mongodb.uri=" + mongo.getConnectionString());
        return RunningJar.start(Stream.concat(shared, Stream.of(properties)).toArray(String[]::new));
    }

    @Test
    @DisplayName("one process accepts the request, another runs the handler, and a third delivers the events")
    void sharesTheWork() throws Exception {
        try (SseClient client = SseClient.open(report("rain"))) {
            assertThat(client.uri().getPort()).isEqualTo(streams.uri("/").getPort());
            assertThat(client).receives("page", "page 1 about rain for alice");
            client.cut();
            assertThat(client)
                    .receives("page", "page 2 about rain for alice", "page 3 about rain for alice")
                    .receives("page", "page 4 about rain for alice", "page 5 about rain for alice")
                    .endsWith("completed");
        }
    }

    @Test
    @DisplayName(
            "after kill -9 of the worker another one ends its task with worker_lost, and runs the task that had not begun")
    void losesAWorker() throws Exception {
        try (SseClient begun = SseClient.open(report("snow"))) {
            assertThat(begun).receives("page", "page 1 about snow for alice");
            worker.close();
            try (SseClient queued = SseClient.open(report("hail"))) {
                worker = startWorker();

                List<SseReader.Received> rest = begun.toEnd();
                SseReader.Received end = rest.get(rest.size() - 1);
                assertThat(end.type()).isEqualTo("failed");
                assertThat(end.data()).contains("worker_lost");
                assertThat(rest).noneMatch(event -> event.data().contains("page 5"));
                assertThat(queued).receives("page", "page 1 about hail for alice");
            }
        }
    }

    private static HttpRequest report(String topic) {
        return HttpRequest.newBuilder(app.uri("/reports"))
                .header(
                        "Authorization",
                        "Basic "
                                + Base64.getEncoder()
                                        .encodeToString("alice:wonderland".getBytes(StandardCharsets.US_ASCII)))
                .POST(BodyPublishers.ofString(topic))
                .build();
    }
}
