// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.Handoff;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.ResponseEntity;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

class ControllerTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");

    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application = RunningApplication.start(
                Application.class, "spring.security.user.name=ann", "spring.security.user.password=pw");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    private static HttpRequest.Builder post(String path, String body) {
        return application.post(path, body).header("Authorization", ANN);
    }

    @Test
    @DisplayName("a controller takes the request as an argument and returns the reply as a ResponseEntity")
    void handsOff() {
        URI stream = application.handOff(post("/reports/2026", "cats").header("Accept", "text/event-stream"));
        assertThat(application.read(stream)).first().isEqualTo("message:ann 2026 2026 cats");
    }

    @Test
    @DisplayName("a problem that a controller throws is answered as problem details of Spring")
    void problem() {
        HttpResponse<String> response;
        try (Logged log = new Logged(ProblemAdvice.class.getName())) {
            response = application.send(post("/refusing", "x").header("Accept", "text/event-stream"));
            assertThat(log.lines()).singleElement().asString().contains("503 no_paper");
        }
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        assertThat(response.headers().firstValue("Retry-After")).hasValue("1");
        assertThat(response.body())
                .contains("\"status\":503")
                .contains("\"detail\":\"There is no paper.\"")
                .contains("\"code\":\"no_paper\"");
    }

    @Test
    @DisplayName("a refusal of handoff itself is answered in the same way")
    void refusedKey() {
        HttpResponse<String> response =
                application.send(post("/reports/2026", "x").header("Idempotency-Key", "\"unfinished"));
        assertThat(response.statusCode()).isEqualTo(400);
        assertThat(response.headers().firstValue("Content-Type")).hasValue("application/problem+json");
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import(Reports.class)
    static class Application {

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit(task.subject() + " " + task.payload());
        }

        @Bean
        SecurityFilterChain security(HttpSecurity http) throws Exception {
            HandoffSecurity.openStreams(http);
            return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                    .csrf(csrf -> csrf.disable())
                    .httpBasic(Customizer.withDefaults())
                    .build();
        }
    }

    @RestController
    static class Reports {

        private final Handoff handoff;

        Reports(Handoff handoff) {
            this.handoff = handoff;
        }

        @PostMapping("/reports/{year}")
        ResponseEntity<byte[]> report(HandoffRequest request, @PathVariable int year, @RequestBody String about) {
            Task task = Task.of("report", request.pathVariable("year") + " " + year + " " + about);
            return HandoffResponses.of(handoff.begin(request, task));
        }

        @PostMapping("/refusing")
        String refuse() {
            throw new ProblemException(503, "no_paper", "There is no paper.");
        }
    }
}
