// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.StreamEndpoint;
import dev.handoff.task.TaskHandler;
import java.net.URI;
import java.net.http.HttpRequest;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.web.SecurityFilterChain;

/** A resource server, whose users send bearer tokens, and in which only the user who started a task may read its stream. */
class BearerTest {

    private static final String ANN = "Bearer user-ann";
    private static final String BOB = "Bearer user-bob";

    @ParameterizedTest
    @ValueSource(classes = {ChainOfSpringBoot.class, OwnChain.class})
    @DisplayName("the owner reads and cancels the stream with the bearer token; another user and a stranger do not")
    void onlyTheOwner(Class<?> configuration) {
        try (RunningApplication application = RunningApplication.start(configuration)) {
            URI ofAnn = application.handOff(application.post("/reports", "cats").header("Authorization", ANN));
            URI ofBob = application.handOff(application.post("/reports", "dogs").header("Authorization", BOB));

            assertThat(read(application, ofAnn, ANN)).isEqualTo(200);
            assertThat(read(application, ofBob, BOB)).isEqualTo(200);
            assertThat(read(application, ofAnn, BOB)).isEqualTo(403);
            assertThat(read(application, ofBob, ANN)).isEqualTo(403);
            assertThat(application.send(HttpRequest.newBuilder(ofAnn)).statusCode())
                    .isEqualTo(403);
            assertThat(cancel(application, ofAnn, BOB)).isEqualTo(403);
            assertThat(cancel(application, ofAnn, ANN)).isEqualTo(204);
        }
    }

    @ParameterizedTest
    @ValueSource(classes = {ChainOfSpringBoot.class, OwnChain.class})
    @DisplayName("a request for a stream with a bearer token that is not valid is refused, as on all other paths")
    void invalid(Class<?> configuration) {
        try (RunningApplication application = RunningApplication.start(configuration)) {
            URI stream =
                    application.handOff(application.post("/reports", "cats").header("Authorization", ANN));
            assertThat(read(application, stream, "Bearer expired")).isEqualTo(401);
        }
    }

    private static int read(RunningApplication application, URI stream, String authorization) {
        return application
                .send(HttpRequest.newBuilder(stream).header("Authorization", authorization))
                .statusCode();
    }

    private static int cancel(RunningApplication application, URI stream, String authorization) {
        return application
                .send(HttpRequest.newBuilder(stream)
                        .header("Authorization", authorization)
                        .DELETE())
                .statusCode();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class ChainOfSpringBoot {

        /** Reads the name of the user from the text of the token, instead of checking a signature. */
        @Bean
        JwtDecoder jwtDecoder() {
            return token -> {
                if (!token.startsWith("user-")) {
                    throw new BadJwtException("not a token of a user");
                }
                return Jwt.withTokenValue(token)
                        .header("alg", "none")
                        .subject(token.substring("user-".length()))
                        .build();
            };
        }

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
                    .oauth2ResourceServer(server -> server.jwt(Customizer.withDefaults()))
                    .build();
        }
    }
}
