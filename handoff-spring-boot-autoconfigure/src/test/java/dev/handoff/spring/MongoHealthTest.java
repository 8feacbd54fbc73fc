// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.task.TaskHandler;
import io.netty.channel.Channel;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Set;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The health of an application whose MongoDB refuses commands. */
class MongoHealthTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");
    private static final int NOT_AUTHORIZED = 13;
    private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findAndModify");

    private final Refusing refusing = new Refusing();
    private MongoServer server;

    @BeforeEach
    void startServer() {
        server = new MongoServer(refusing);
        server.bind();
    }

    @AfterEach
    void stopServer() {
        server.shutdownNow();
    }

    private RunningApplication start(String... more) {
        String uri = server.getConnectionString() + "/health";
        Stream<String> properties = Stream.of(
                "spring.data.mongodb.uri=" + uri,
                "spring.mongodb.uri=" + uri,
                "handoff.drain-window=100ms",
                "management.endpoint.health.show-details=always",
                "management.health.mongo.enabled=false",
                "management.health.mongodb.enabled=false",
                "spring.security.user.name=ann",
                "spring.security.user.password=pw");
        return RunningApplication.start(
                Reports.class, Stream.concat(properties, Stream.of(more)).toArray(String[]::new));
    }

    @ParameterizedTest
    @CsvSource({"13, Unauthorized", "18, AuthenticationFailed", "10107, NotWritablePrimary"})
    @DisplayName("the health is DOWN while the database refuses to read tasks or events, although it answers a ping")
    void refusesReads(int code, String name) {
        try (RunningApplication application = start()) {
            assertThat(health(application).statusCode()).isEqualTo(200);

            refusing.refuse(code, name, Set.of("find"));
            HttpResponse<String> down = health(application);
            assertThat(down.statusCode()).isEqualTo(503);
            assertThat(down.body()).contains("\"store\":\"mongodb\"").contains(name);

            refusing.refuse(code, name, Set.of());
            awaitUp(application);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"app", "worker", "app,worker,stream"})
    @DisplayName(
            "the health of a process that writes is DOWN while the database refuses writes, although it shows tasks")
    void refusesWrites(String roles) {
        try (RunningApplication application = start("handoff.roles=" + roles)) {
            assertThat(health(application).statusCode()).isEqualTo(200);

            refusing.refuse(NOT_AUTHORIZED, "Unauthorized", WRITES);
            HttpResponse<String> down = health(application);
            assertThat(down.statusCode()).isEqualTo(503);
            assertThat(down.body()).contains("\"store\":\"mongodb\"").contains("Unauthorized");

            refusing.refuse(NOT_AUTHORIZED, "Unauthorized", Set.of());
            awaitUp(application);
        }
    }

    @Test
    @DisplayName("the health of a process that only delivers streams is UP while the database refuses writes")
    void readsOnly() {
        try (RunningApplication application = start("handoff.roles=stream")) {
            refusing.refuse(NOT_AUTHORIZED, "Unauthorized", WRITES);
            assertThat(health(application).statusCode()).isEqualTo(200);
        }
    }

    @Test
    @DisplayName("the health is DOWN until the application could prepare the indexes")
    void refusesIndexes() {
        refusing.refuse(NOT_AUTHORIZED, "Unauthorized", Set.of("createIndexes"));
        try (RunningApplication application = start()) {
            HttpResponse<String> down = health(application);
            assertThat(down.statusCode()).isEqualTo(503);
            assertThat(down.body()).contains("indexes").contains("Unauthorized");

            refusing.refuse(NOT_AUTHORIZED, "Unauthorized", Set.of());
            awaitUp(application);
        }
    }

    private static void awaitUp(RunningApplication application) {
        Awaitility.await()
                .atMost(Duration.ofSeconds(30))
                .untilAsserted(
                        () -> assertThat(health(application).statusCode()).isEqualTo(200));
    }

    private static HttpResponse<String> health(RunningApplication application) {
        return application.send(application.request("/actuator/health").header("Authorization", ANN));
    }

    /** A stand-in that refuses some commands. */
    private static final class Refusing extends StandIn {

        private record Refusal(int code, String name, Set<String> commands) {}

        private volatile Refusal refusal = new Refusal(0, "", Set.of());

        void refuse(int code, String name, Set<String> commands) {
            refusal = new Refusal(code, name, commands);
        }

        @Override
        public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
            Refusal now = refusal;
            if (now.commands.contains(command)) {
                throw new MongoServerError(now.code, now.name, "refused by the test: " + now.name);
            }
            return super.handleCommand(channel, database, command, query);
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit("about " + task.payload());
        }
    }
}
