// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.handoff.StreamEndpoint;
import dev.handoff.task.TaskHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

/** A resource server that asks an authorization server about opaque bearer tokens (RFC 7662). Only the owner may read a stream. */
class OpaqueTokenTest {

    private static final String ANN = "Bearer of-ann";
    private static final String BOB = "Bearer of-bob";

    private HttpServer authorizationServer;

    @BeforeEach
    void startAuthorizationServer() throws IOException {
        authorizationServer = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        authorizationServer.createContext("/introspect", OpaqueTokenTest::introspect);
        authorizationServer.start();
    }

    @AfterEach
    void stopAuthorizationServer() {
        authorizationServer.stop(0);
    }

    /** Answers that the token {@code of-NAME} belongs to the user NAME, and that any other token is not active. */
    private static void introspect(HttpExchange exchange) throws IOException {
        String form = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
        String token = form.substring(form.indexOf("token=") + "token=".length());
        String answer = token.startsWith("of-")
                ? "{\"active\":true,\"sub\":\"" + token.substring("of-".length()) + "\"}"
                : "{\"active\":false}";
        byte[] content = answer.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(200, content.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(content);
        }
    }

    private RunningApplication start(Class<?> configuration) {
        String server = "http://localhost:" + authorizationServer.getAddress().getPort();
        String properties = "spring.security.oauth2.resourceserver.opaquetoken.";
        return RunningApplication.start(
                configuration,
                properties + "introspection-uri=" + server + "/introspect",
                properties + "client-id=reports",
                properties + "client-secret=of-reports");
    }

    @ParameterizedTest
    @ValueSource(classes = {ChainOfSpringBoot.class, OwnChain.class})
    @DisplayName("the subject is the authenticated name; only its bearer token reads and cancels the stream")
    void onlyTheOwner(Class<?> configuration) {
        try (RunningApplication application = start(configuration)) {
            URI stream =
                    application.handOff(application.post("/reports", "cats").header("Authorization", ANN));

            assertThat(application
                            .send(HttpRequest.newBuilder(stream).header("Authorization", ANN))
                            .body())
                    .contains("data: ann about cats");
            assertThat(status(application, HttpRequest.newBuilder(stream), BOB)).isEqualTo(403);
            assertThat(application.send(HttpRequest.newBuilder(stream)).statusCode())
                    .isEqualTo(403);
            assertThat(status(application, HttpRequest.newBuilder(stream).DELETE(), BOB))
                    .isEqualTo(403);
            assertThat(status(application, HttpRequest.newBuilder(stream).DELETE(), ANN))
                    .isEqualTo(204);
        }
    }

    @ParameterizedTest
    @ValueSource(classes = {ChainOfSpringBoot.class, OwnChain.class})
    @DisplayName("two users with the same Idempotency-Key and the same body get two tasks")
    void twoUsers(Class<?> configuration) {
        try (RunningApplication application = start(configuration)) {
            assertThat(task(application, ANN)).isEqualTo(task(application, ANN)).isNotEqualTo(task(application, BOB));
        }
    }

    @ParameterizedTest
    @ValueSource(classes = {ChainOfSpringBoot.class, OwnChain.class})
    @DisplayName("a token that is not active starts no task and reads no stream")
    void notActive(Class<?> configuration) {
        try (RunningApplication application = start(configuration)) {
            URI stream =
                    application.handOff(application.post("/reports", "cats").header("Authorization", ANN));
            assertThat(status(application, HttpRequest.newBuilder(stream), "Bearer gone"))
                    .isEqualTo(401);
            assertThat(status(application, application.post("/reports", "cats"), "Bearer gone"))
                    .isEqualTo(401);
            assertThat(application.send(application.post("/reports", "cats")).statusCode())
                    .isIn(401, 403);
        }
    }

    private static int status(RunningApplication application, HttpRequest.Builder request, String authorization) {
        return application.send(request.header("Authorization", authorization)).statusCode();
    }

    /** Returns the body of the redirect, which names the task. */
    private static String task(RunningApplication application, String authorization) {
        return application
                .send(application
                        .post("/reports", "cats")
                        .header("Authorization", authorization)
                        .header("Idempotency-Key", "k1"))
                .body();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class ChainOfSpringBoot {

        @Bean
        @HandoffHandler(value = "report", path = "/reports")
        TaskHandler reports() {
            return (task, output) -> output.emit(task.subject() + " about " + task.payload());
        }

        @Bean
        HandoffCustomizer<StreamEndpoint.Builder> onlyTheOwner() {
            return endpoint ->
                    endpoint.authorization((request, grant) -> Objects.equals(request.subject(), grant.subject()));
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnChain extends ChainOfSpringBoot {

        @Bean
        SecurityFilterChain security(HttpSecurity http) throws Exception {
            HandoffSecurity.openStreams(http);
            return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                    .oauth2ResourceServer(server -> server.opaqueToken(Customizer.withDefaults()))
                    .build();
        }
    }
}
