// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.mongo.stream.MongoEventStore;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.SseReader;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.bson.Document;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** With handoff-mongo on the class path. */
class MongoTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");

    private static MongoServer server;

    @BeforeAll
    static void startServer() {
        server = StandIn.start();
    }

    @AfterAll
    static void stopServer() {
        server.shutdownNow();
    }

    private static RunningApplication start(String database, String... properties) {
        String[] all = Stream.concat(
                        Stream.of(
                                uri("spring.data.mongodb.uri", database),
                                uri("spring.mongodb.uri", database),
                                "handoff.routes.report=/reports",
                                "handoff.drain-window=200ms",
                                "management.endpoints.web.exposure.include=health,handoff",
                                "management.endpoint.health.show-details=always",
                                "spring.security.user.name=ann",
                                "spring.security.user.password=pw"),
                        Stream.of(properties))
                .toArray(String[]::new);
        return RunningApplication.start(Reports.class, all);
    }

    private static String uri(String property, String database) {
        return property + "=" + server.getConnectionString() + "/" + database;
    }

    @Test
    @DisplayName(
            "without a MongoDB that the application names, tasks and streams are in memory, and a line of the log says so")
    void memory() {
        try (Logged logged = new Logged(MemoryTasks.class.getName());
                RunningApplication application = RunningApplication.start(Reports.class)) {
            assertThat(application.context.getBean(EventStore.class)).isInstanceOf(InMemoryEventStore.class);
            assertThat(logged.lines()).singleElement().asString().contains("lost when it stops");
        }
    }

    @Test
    @DisplayName("with a connection string, store, queue, worker and indexes come by themselves")
    void oneProcess() {
        try (RunningApplication application = start("one")) {
            assertThat(application.context.getBean(EventStore.class)).isInstanceOf(MongoEventStore.class);
            URI stream =
                    application.handOff(application.post("/reports", "cats").header("Authorization", ANN));
            assertThat(application.read(stream)).containsExactly("page:about cats", "completed:");

            MongoClient client = application.context.getBean(MongoClient.class);
            assertThat(client.getDatabase("one").getCollection("handoff_events").listIndexes())
                    .anyMatch(index -> index.get("unique") == Boolean.TRUE
                            && index.get("key", Document.class).containsKey("stream"));
            assertThat(application
                            .send(application.request("/actuator/health").header("Authorization", ANN))
                            .body())
                    .contains("\"store\":\"mongodb\"");
        }
    }

    @Test
    @DisplayName("three processes with one role each share the work, by properties only")
    void roles() {
        try (RunningApplication streams = start("three", "handoff.roles=stream");
                RunningApplication app =
                        start("three", "handoff.roles=app", "handoff.events-url=" + streams.url() + "/events")) {
            URI stream = app.handOff(app.post("/reports", "endless").header("Authorization", ANN));
            assertThat(stream.getPort()).isEqualTo(URI.create(streams.url()).getPort());
            assertThat(app.send(app.request("/actuator/handoff").header("Authorization", ANN))
                            .body())
                    .contains("\"report\":{\"queued\":1,\"running\":0}")
                    .containsPattern("\"oldestQueuedSeconds\":[0-9]");

            try (RunningApplication worker =
                    start("three", "handoff.roles=worker", "spring.main.web-application-type=none")) {
                SseReader reader = new SseReader(streams.open(stream).body());
                assertThat(reader.next().orElseThrow().data()).isEqualTo("about endless");
                assertThat(app.send(app.request(stream.getPath())).statusCode()).isIn(302, 401, 404);
                assertThat(worker.context.containsBean("handoffEventStreams")).isFalse();
            }
        }
    }

    @Test
    @DisplayName("a client of the application is used, with the database that a property names")
    void ownClient() {
        try (RunningApplication application = RunningApplication.start(
                OwnClient.class,
                "handoff.routes.report=/reports",
                "handoff.mongo.database=own",
                "spring.security.user.name=ann",
                "spring.security.user.password=pw")) {
            URI stream =
                    application.handOff(application.post("/reports", "dogs").header("Authorization", ANN));
            assertThat(application.read(stream)).first().isEqualTo("page:about dogs");
            assertThat(application.context.getBean(MongoClient.class).listDatabaseNames())
                    .contains("own");
        }
    }

    @Test
    @DisplayName("an application that must not create indexes does not start without them")
    void indexesMissing() {
        assertThatThrownBy(() -> start("bare", "handoff.mongo.create-indexes=false"))
                .hasStackTraceContaining("MongoIndexes.create");
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        @Bean
        TaskHandler report() {
            return (task, output) -> {
                output.emit("page", "about " + task.payload());
                if (task.payload().equals("endless")) {
                    CountDownLatch cancelled = new CountDownLatch(1);
                    output.onCancel(cancelled::countDown);
                    cancelled.await();
                }
            };
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnClient extends Reports {

        @Bean
        MongoClient mongoClient() {
            return MongoClients.create(server.getConnectionString());
        }
    }
}
