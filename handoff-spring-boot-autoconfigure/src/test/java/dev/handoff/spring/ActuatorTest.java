// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.StreamEndpoint;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.SseReader;
import java.net.URI;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

class ActuatorTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");

    @Test
    @DisplayName("the actuator shows health, tasks and streams, and what the application is made of")
    void shows() {
        try (RunningApplication application = RunningApplication.start(
                Application.class,
                "handoff.routes.report=/reports",
                "handoff.drain-window=100ms",
                "handoff.worker.max-running=1",
                "management.endpoints.web.exposure.include=health,info,handoff",
                "management.endpoint.health.show-details=always",
                "management.health.mongo.enabled=false",
                "management.health.mongodb.enabled=false",
                "spring.security.user.name=ann",
                "spring.security.user.password=pw")) {
            URI stream = application.handOff(application.post("/reports", "x").header("Authorization", ANN));
            SseReader reader = new SseReader(application.open(stream).body());
            assertThat(reader.next()).isPresent();
            application.handOff(application.post("/reports", "y").header("Authorization", ANN));

            assertThat(get(application, "/actuator/health"))
                    .containsPattern(health("UP"))
                    .contains("\"store\":\"memory\"");
            assertThat(get(application, "/actuator/handoff"))
                    .contains("\"roles\":[\"app\",\"stream\",\"worker\"]")
                    .contains("\"draining\":false")
                    .contains("\"openStreams\":1")
                    .contains("\"report\":{\"queued\":1,\"running\":1}")
                    .containsPattern("\"oldestQueuedSeconds\":[0-9]");
            assertThat(get(application, "/actuator/info"))
                    .contains("\"routes\":{\"report\":\"/reports\"}")
                    .contains("\"handlers\":[\"report\"]");

            application.context.getBean(StreamEndpoint.class).drain();
            assertThat(get(application, "/actuator/health")).containsPattern(health("OUT_OF_SERVICE"));
            assertThat(get(application, "/actuator/handoff")).contains("\"draining\":true");
        }
    }

    /** The status comes before the details or after them. */
    private static String health(String status) {
        return "\"handoff\":\\{(\"details\":\\{[^}]*},)?\"status\":\"" + status + '"';
    }

    private static String get(RunningApplication application, String path) {
        return application
                .send(application.request(path).header("Authorization", ANN))
                .body();
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {

        @Bean
        TaskHandler report() {
            return (task, output) -> {
                CountDownLatch cancelled = new CountDownLatch(1);
                output.onCancel(cancelled::countDown);
                output.emit("begun");
                cancelled.await();
            };
        }
    }
}
