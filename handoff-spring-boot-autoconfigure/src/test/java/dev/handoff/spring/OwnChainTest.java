// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.servlet.HandoffFilter;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.web.SecurityFilterChain;

/** An application with a security filter chain of its own, in which users log in by a form. */
class OwnChainTest {

    private static final Pattern TOKEN = Pattern.compile("name=\"_csrf\"[^>]*value=\"([^\"]+)\"");

    private static RunningApplication application;

    @BeforeAll
    static void start() {
        application = RunningApplication.start(
                OwnChain.class, "spring.security.user.name=ann", "spring.security.user.password=pw");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @Test
    @DisplayName("handoff adds no filter chain to those of the application")
    void noChain() {
        assertThat(application.context.getBeanNamesForType(SecurityFilterChain.class))
                .containsExactly("security");
    }

    @Test
    @DisplayName(
            "a user who has logged in posts with a CSRF token and reads the stream; without the token the request is refused")
    void browser() throws Exception {
        HttpClient browser =
                HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
        String login = token(get(browser, "/login"));
        assertThat(post(browser, "/login", "username=ann&password=pw&_csrf=" + login)
                        .statusCode())
                .isEqualTo(302);
        String csrf = token(get(browser, "/login"));

        assertThat(post(browser, "/reports/2026", "about=cats").statusCode()).isEqualTo(403);
        HttpResponse<String> redirect = post(browser, "/reports/2026", "about=cats&_csrf=" + csrf);
        assertThat(redirect.statusCode()).isEqualTo(303);
        URI stream =
                redirect.uri().resolve(redirect.headers().firstValue("Location").orElseThrow());
        assertThat(application.read(stream)).first().asString().startsWith("message:ann 2026 about=cats");
    }

    @Test
    @DisplayName("a program with a password needs no CSRF token, neither to start nor to cancel")
    void program() {
        URI stream = application.handOff(application
                .post("/reports/2025", "dogs")
                .header("Authorization", RunningApplication.basic("ann", "pw")));
        assertThat(application.read(stream)).first().isEqualTo("message:ann 2025 dogs");
        assertThat(application.send(HttpRequest.newBuilder(stream).DELETE()).statusCode())
                .isEqualTo(204);
    }

    @Test
    @DisplayName("without a login a request starts no task, and other POST requests keep their CSRF protection")
    void refused() {
        assertThat(application.send(application.post("/reports/2026", "x")).statusCode())
                .isIn(302, 401, 403);
        assertThat(application
                        .send(application
                                .post("/elsewhere", "x")
                                .header("Authorization", RunningApplication.basic("ann", "pw")))
                        .statusCode())
                .isIn(302, 401, 403);
    }

    private static String token(HttpResponse<String> page) {
        Matcher token = TOKEN.matcher(page.body());
        assertThat(token.find()).as(page.body()).isTrue();
        return token.group(1);
    }

    private static HttpResponse<String> get(HttpClient browser, String path) throws Exception {
        return browser.send(
                HttpRequest.newBuilder(URI.create(application.url() + path)).build(), BodyHandlers.ofString());
    }

    private static HttpResponse<String> post(HttpClient browser, String path, String form) throws Exception {
        return browser.send(
                HttpRequest.newBuilder(URI.create(application.url() + path))
                        .header("Content-Type", "application/x-www-form-urlencoded")
                        .header("Origin", application.url())
                        .POST(BodyPublishers.ofString(form))
                        .build(),
                BodyHandlers.ofString());
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class OwnChain {

        @Bean
        SecurityFilterChain security(HttpSecurity http) throws Exception {
            HandoffSecurity.openStreams(http);
            return http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated())
                    .formLogin(Customizer.withDefaults())
                    .httpBasic(Customizer.withDefaults())
                    .build();
        }

        @Bean
        HandoffCustomizer<HandoffFilter.Builder> routes() {
            return filter -> filter.post(
                    "/reports/{year}",
                    request -> Optional.of(Task.of("report", request.pathVariable("year") + " " + request.body())));
        }

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit(task.subject() + " " + task.payload());
        }
    }
}
