// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.servlet.HandoffFilter;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import java.net.URI;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The path of the route begins with a variable, so the container calls the filter for all paths. */
class VariableRouteTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");

    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application = RunningApplication.start(
                Reports.class,
                "management.health.mongo.enabled=false",
                "management.health.mongodb.enabled=false",
                "spring.security.user.name=ann",
                "spring.security.user.password=pw");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @Test
    @DisplayName("the filter chain of handoff leaves the other paths of the host to the other chains")
    void otherPaths() {
        assertThat(application.send(application.request("/actuator/health")).statusCode())
                .isEqualTo(200);
    }

    @Test
    @DisplayName("the filter chain of handoff protects the paths of the route, and a program needs no CSRF token there")
    void route() {
        assertThat(application.send(application.post("/acme/reports", "cats")).statusCode())
                .isIn(302, 401, 403);

        URI stream =
                application.handOff(application.post("/acme/reports", "cats").header("Authorization", ANN));

        assertThat(application.read(stream)).first().isEqualTo("message:acme cats");
    }

    @Test
    @DisplayName("a program needs a CSRF token on a path that is below the mapping of the filter but on no route")
    void noRoute() {
        assertThat(application
                        .send(application.post("/acme/others", "cats").header("Authorization", ANN))
                        .statusCode())
                .isIn(302, 401, 403);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        @Bean
        HandoffCustomizer<HandoffFilter.Builder> routes() {
            return filter -> filter.post(
                    "/{tenant}/reports",
                    request -> Optional.of(Task.of("report", request.pathVariable("tenant") + " " + request.body())));
        }

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit(task.payload());
        }
    }
}
