// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.spring.mvc;

import static dev.handoff.testkit.HandoffAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseClient;
import dev.handoff.testkit.SseReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Drives the packaged application over HTTP, as browsers of two users do. */
@Timeout(300)
class ReportsTest {

    private static RunningJar application;
    private static UserSession alice;
    private static UserSession bob;

    @BeforeAll
    static void start() throws Exception {
        application = RunningJar.start("reports.pause=200ms");
        alice = UserSession.login(application, "alice", "wonderland");
        bob = UserSession.login(application, "bob", "builder");
    }

    @AfterAll
    static void stop() {
        application.close();
    }

    @Test
    @DisplayName("a user who has logged in reads a report, loses the connection in mid-answer and resumes")
    void resumes() throws Exception {
        try (SseClient client =
                SseClient.open(alice.client, alice.report("rain").build())) {
            assertThat(client).receives("page", "page 1 about rain for alice");
            client.cut();
            assertThat(client)
                    .receives("page", "page 2 about rain for alice", "page 3 about rain for alice")
                    .receives("page", "page 4 about rain for alice", "page 5 about rain for alice")
                    .endsWith("completed");
            assertThat(client.resumptions()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("two users who send the same Idempotency-Key and body get two tasks; the same user gets the same one")
    void keys() throws Exception {
        try (SseClient first = SseClient.open(alice.client, withKey(alice, "snow"));
                SseClient again = SseClient.open(alice.client, withKey(alice, "snow"));
                SseClient other = SseClient.open(bob.client, withKey(bob, "snow"))) {
            assertThat(first).receives("page", "page 1 about snow for alice");
            assertThat(again).receives("page", "page 1 about snow for alice");
            assertThat(other).receives("page", "page 1 about snow for bob");
            assertThat(again.lastEventId()).isEqualTo(first.lastEventId());
            assertThat(other.lastEventId()).isNotEqualTo(first.lastEventId());

            assertThat(bob.cancel(other.uri()).statusCode()).isEqualTo(202);
            assertThat(end(other)).isEqualTo("cancelled");
            assertThat(end(first)).isEqualTo("completed");
        }
    }

    /** Reads the rest of a stream, and returns the type of its last event. */
    private static String end(SseClient client) {
        List<SseReader.Received> rest = client.toEnd();
        return rest.get(rest.size() - 1).type();
    }

    private static HttpRequest withKey(UserSession user, String topic) throws Exception {
        return user.report(topic).header("Idempotency-Key", "\"k-1\"").build();
    }

    @Test
    @DisplayName("a user is led back to the own report by the id of an event, and another user is not")
    void othersCannotResume() throws Exception {
        String id;
        try (SseClient client = SseClient.open(alice.client, alice.report("fog").build())) {
            assertThat(client).receives("page", "page 1 about fog for alice");
            id = client.lastEventId();
        }
        HttpRequest again = alice.report("fog").header("Last-Event-ID", id).build();
        try (SseClient client = SseClient.open(alice.client, again)) {
            assertThat(client).receives("page", "page 2 about fog for alice");
        }
        HttpResponse<String> refused = bob.send(bob.report("fog").header("Last-Event-ID", id));
        assertThat(refused.statusCode()).isEqualTo(403);
        assertThat(refused.body()).contains("not_your_stream");
    }

    @Test
    @DisplayName("whoever has the address of a stream can cancel its task without a CSRF token, and nobody else can")
    void cancels() throws Exception {
        try (SseClient client =
                SseClient.open(alice.client, alice.report("hail").build())) {
            assertThat(client).receives("page", "page 1 about hail for alice");

            // The id of an event names the stream, but it is no token.
            URI guessed = application.uri("/events/" + client.lastEventId());
            assertThat(bob.cancel(guessed).statusCode()).isBetween(400, 499);
            assertThat(client).receives("page", "page 2 about hail for alice");

            assertThat(bob.cancel(client.uri()).statusCode()).isEqualTo(202);
            assertThat(end(client)).isEqualTo("cancelled");
        }
    }

    @Test
    @DisplayName("a POST without a login is refused, also one that looks like one for a stream")
    void needsLogin() throws Exception {
        assertRefused(HttpClient.newHttpClient(), post("/reports"));
        assertRefused(HttpClient.newHttpClient(), post("/reports").header("X-CSRF-TOKEN", "guessed"));
        assertRefused(HttpClient.newHttpClient(), post("/reports;/events/x"));
        assertRefused(HttpClient.newHttpClient(), post("/reports").header("Authorization", basic("alice", "guessed")));
    }

    @Test
    @DisplayName("a POST of a page needs the CSRF token of its user; that of a program needs none")
    void csrf() throws Exception {
        assertRefused(alice.client, post("/reports"));
        assertRefused(
                alice.client,
                HttpRequest.newBuilder(alice.report("rain").build(), (name, value) -> !name.equals("X-CSRF-TOKEN"))
                        .header(
                                "X-CSRF-TOKEN",
                                bob.report("rain")
                                        .build()
                                        .headers()
                                        .firstValue("X-CSRF-TOKEN")
                                        .orElseThrow()));
        try (SseClient curl = SseClient.open(post("/reports")
                .header("Authorization", basic("bob", "builder"))
                .build())) {
            assertThat(curl).receives("page", "page 1 about rain for bob");
        }
    }

    private static HttpRequest.Builder post(String path) {
        return HttpRequest.newBuilder(application.uri(path)).POST(BodyPublishers.ofString("rain"));
    }

    private static String basic(String user, String password) {
        return "Basic " + Base64.getEncoder().encodeToString((user + ':' + password).getBytes(StandardCharsets.UTF_8));
    }

    /** Spring Security answers a refusal in several ways: by a status, or by a redirect to the login page. */
    private static void assertRefused(HttpClient client, HttpRequest.Builder request) throws Exception {
        HttpResponse<String> answer = client.send(request.build(), BodyHandlers.ofString());
        assertThat(answer.statusCode()).isIn(302, 400, 401, 403);
        assertThat(answer.headers().firstValue("Location").orElse("")).doesNotContain("/events/");
    }
}
