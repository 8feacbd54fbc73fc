// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.StreamEndpoint;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.SseReader;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;

/** An application without configuration code, with the filter chain of Spring Boot. */
class HandOffTest {

    private static final String ANN = RunningApplication.basic("ann", "pw-a");
    private static final String BOB = RunningApplication.basic("bob", "pw-b");

    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application = RunningApplication.start(Reports.class, "handoff.routes.report=/reports");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    private static HttpRequest.Builder report(String user, String body) {
        return application.post("/reports", body).header("Authorization", user);
    }

    @Test
    @DisplayName(
            "a program with a password posts to the route and reads the events behind the redirect without a login")
    void streams() {
        URI stream = application.handOff(report(ANN, "cats"));

        assertThat(stream.getPath()).startsWith("/events/");
        assertThat(application.read(stream)).containsExactly("page:ann about cats", "completed:done");
    }

    @Test
    @DisplayName("a request without a login, or with a wrong password, starts no task")
    void login() {
        assertRefused(application.post("/reports", "cats"));
        assertRefused(report(RunningApplication.basic("ann", "wrong"), "cats"));
    }

    @Test
    @DisplayName(
            "a form of another site starts no task although the browser sends the password, because it has no CSRF token")
    void crossSite() {
        assertRefused(report(ANN, "cats").header("Origin", "https://evil.example"));
        assertRefused(report(ANN, "cats").header("Sec-Fetch-Site", "cross-site"));
        assertRefused(report(ANN, "cats").header("Cookie", "JSESSIONID=1"));
    }

    /** Spring Security also refuses its own error page to those who have not logged in, so it answers a refusal in several ways. */
    private static void assertRefused(HttpRequest.Builder request) {
        HttpResponse<String> response = application.send(request);
        assertThat(response.statusCode()).isIn(302, 401, 403);
        assertThat(response.headers().firstValue("Location").orElse("")).doesNotContain("/events/");
    }

    @Test
    @DisplayName("the holder of a token cancels with DELETE, without a login and without a CSRF token")
    void cancels() {
        URI stream = application.handOff(report(ANN, "endless"));
        SseReader events = new SseReader(application.open(stream).body());
        assertThat(events.next()).isPresent();

        assertThat(application.send(HttpRequest.newBuilder(stream).DELETE()).statusCode())
                .isEqualTo(202);
        assertThat(events.next().orElseThrow().type()).isEqualTo("cancelled");
    }

    @Test
    @DisplayName("other paths keep the login of Spring Boot")
    void otherPaths() {
        assertRefused(application.request("/other"));
        assertRefused(application.request("/eventsandmore"));
    }

    @Test
    @DisplayName("two users with the same key and body get two tasks; the same user gets the same one")
    void keys() {
        URI first = application.handOff(report(ANN, "dogs").header("Idempotency-Key", "\"k-1\""));
        URI again = application.handOff(report(ANN, "dogs").header("Idempotency-Key", "\"k-1\""));
        URI other = application.handOff(report(BOB, "dogs").header("Idempotency-Key", "\"k-1\""));

        assertThat(application.read(first)).startsWith("page:ann about dogs");
        assertThat(application.read(again)).startsWith("page:ann about dogs");
        assertThat(application.read(other)).startsWith("page:bob about dogs");
        assertThat(task(again)).isEqualTo(task(first));
        assertThat(task(other)).isNotEqualTo(task(first));
    }

    private static String task(URI stream) {
        return application
                .send(HttpRequest.newBuilder(URI.create(stream + "/status")))
                .body()
                .replaceAll(".*\"task\":\"([0-9a-f]+)\".*", "$1");
    }

    @Test
    @DisplayName("a user resumes the own stream by the id of an event, and cannot resume that of another user")
    void resumes() {
        URI stream = application.handOff(report(ANN, "birds"));
        String id = new SseReader(application.open(stream).body())
                .next()
                .orElseThrow()
                .lastEventId();

        URI resumed = application.handOff(report(ANN, "birds").header("Last-Event-ID", id));
        assertThat(application.read(resumed)).containsExactly("completed:done");
        assertThat(application
                        .send(report(BOB, "birds").header("Last-Event-ID", id))
                        .statusCode())
                .isEqualTo(403);
    }

    @Test
    @DisplayName("a user can read the stream of another user by its address, unless the application checks the owner")
    void authorization() {
        URI open = application.handOff(report(ANN, "fish"));
        assertThat(application
                        .send(HttpRequest.newBuilder(open).header("Authorization", BOB))
                        .statusCode())
                .isEqualTo(200);

        try (RunningApplication strict = RunningApplication.start(OnlyOwners.class, "handoff.routes.report=/reports")) {
            URI stream = strict.handOff(strict.post("/reports", "fish").header("Authorization", ANN));
            assertThat(status(strict, stream, BOB)).isEqualTo(403);
            assertThat(strict.send(HttpRequest.newBuilder(stream)
                                    .header("Authorization", BOB)
                                    .DELETE())
                            .statusCode())
                    .isEqualTo(403);
            assertThat(strict.send(HttpRequest.newBuilder(stream)).statusCode()).isEqualTo(403);
            assertThat(status(strict, stream, ANN)).isEqualTo(200);
        }
    }

    private static int status(RunningApplication application, URI stream, String user) {
        return application
                .send(HttpRequest.newBuilder(stream).header("Authorization", user))
                .statusCode();
    }

    @Test
    @DisplayName("the streams can have another path, a context path, and another redirect")
    void paths() {
        try (RunningApplication other = RunningApplication.start(
                Reports.class,
                "handoff.routes.report=/reports",
                "server.servlet.context-path=/shop",
                "handoff.events-path=/streams",
                "handoff.redirect=accepted")) {
            HttpResponse<String> accepted =
                    other.send(other.post("/shop/reports", "cats").header("Authorization", ANN));
            assertThat(accepted.statusCode()).isEqualTo(202);
            URI stream = accepted.uri()
                    .resolve(accepted.headers().firstValue("Location").orElseThrow());
            assertThat(stream.getPath()).startsWith("/shop/streams/");
            assertThat(other.read(stream)).startsWith("page:ann about cats");
        }
    }

    @Test
    @DisplayName("limits, heartbeat and CORS come from properties")
    void settings() {
        try (RunningApplication other = RunningApplication.start(
                Reports.class,
                "handoff.routes.report=/reports",
                "handoff.limits.body=4B",
                "handoff.heartbeat=50ms",
                "handoff.cors.origins=https://chat.example.com")) {
            assertThat(other.send(other.post("/reports", "12345").header("Authorization", ANN))
                            .statusCode())
                    .isEqualTo(413);
            URI stream = other.handOff(other.post("/reports", "slow").header("Authorization", ANN));
            HttpResponse<String> answer =
                    other.send(HttpRequest.newBuilder(stream).header("Origin", "https://chat.example.com"));
            assertThat(answer.headers().firstValue("Access-Control-Allow-Origin"))
                    .hasValue("https://chat.example.com");
            assertThat(answer.body()).contains("\n:\n");
        }
    }

    @Test
    @DisplayName("without a handler an application starts, and handoff takes no path but that of the streams")
    void nothing() {
        try (RunningApplication other = RunningApplication.start(Nothing.class)) {
            assertThat(other.send(other.request("/events/x")).body()).contains("invalid_token");
            assertThat(other.context.getBean(StreamEndpoint.class).isDraining()).isFalse();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Nothing {}

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        @Bean
        @HandoffHandler("report")
        TaskHandler reports() {
            return (task, output) -> {
                output.emit("page", task.subject() + " about " + task.payload());
                if (task.payload().equals("slow")) {
                    Awaitility.await().pollDelay(Duration.ofMillis(400)).until(() -> true);
                }
                if (task.payload().equals("endless")) {
                    CountDownLatch cancelled = new CountDownLatch(1);
                    output.onCancel(cancelled::countDown);
                    cancelled.await();
                }
                output.complete("done");
            };
        }

        @Bean
        UserDetailsService users() {
            return name -> switch (name) {
                case "ann" -> User.withUsername(name).password("{noop}pw-a").build();
                case "bob" -> User.withUsername(name).password("{noop}pw-b").build();
                default -> throw new UsernameNotFoundException(name);
            };
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class OnlyOwners extends Reports {

        @Bean
        HandoffCustomizer<StreamEndpoint.Builder> onlyTheOwner() {
            return endpoint ->
                    endpoint.authorization((request, grant) -> Objects.equals(request.subject(), grant.subject()));
        }
    }
}
