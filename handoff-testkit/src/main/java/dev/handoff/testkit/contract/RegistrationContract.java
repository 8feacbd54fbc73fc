// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.handoff.StreamEndpoint;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.task.Task;
import dev.handoff.testkit.HandoffAssertions;
import dev.handoff.testkit.SseClient;
import dev.handoff.testkit.TestHandoff;
import jakarta.servlet.ServletRegistration;
import jakarta.servlet.http.HttpServlet;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests on a servlet container the registration of a hand-off with one call, and the streaming server that has a timer of its own. */
@Timeout(60)
public abstract class RegistrationContract {

    private static final String TIMER = "handoff-stream-timer";

    private final CountDownLatch finish = new CountDownLatch(1);
    private final TestHandoff test = TestHandoff.of("report", (task, output) -> {
        output.emit("page", "page 1 about " + task.payload());
        finish.await();
        output.emit("page", "page 2 about " + task.payload());
    });
    private final ServletContainer container = container();
    private boolean stopped;

    /** Returns a container that has not been started. */
    protected abstract ServletContainer container();

    @AfterEach
    void stop() throws Exception {
        finish.countDown();
        test.close();
        stopContainer();
    }

    @Test
    @DisplayName(
            "one call registers the routes and the streams, also below a context path, and a lost connection is resumed")
    void oneCall() throws Exception {
        URI root = container.start("/shop", List.of(), context -> {
            HandoffServlets.register(
                    context,
                    test.handoff(),
                    routes -> routes.post("/reports", request -> Optional.of(Task.of("report", request.body()))));
            addApplication(context.addServlet("application", new Application()));
        });

        try (SseClient client = SseClient.open(post(root))) {
            assertThat(client.uri().getPath()).startsWith("/shop/events/");
            HandoffAssertions.assertThat(client).receives("page", "page 1 about rain");
            client.cut();
            finish.countDown();
            HandoffAssertions.assertThat(client)
                    .receives("page", "page 2 about rain")
                    .endsWith("completed");
            assertThat(client.resumptions()).isEqualTo(1);
        }
    }

    @Test
    @DisplayName("one call without a route is refused")
    void noRoute() throws Exception {
        container.start(context -> {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> HandoffServlets.register(context, test.handoff(), routes -> {}))
                    .withMessageContaining("no routes");
            addApplication(context.addServlet("application", new Application()));
        });
    }

    @Test
    @DisplayName(
            "a streaming server with a timer of its own sends heartbeats, and its thread ends with the application")
    void ownTimer() throws Exception {
        URI root = container.start(context -> {
            HandoffFilter filter = HandoffFilter.builder(test.handoff())
                    .post("/reports", request -> Optional.of(Task.of("report", request.body())))
                    .build();
            EventStreamServlet events = EventStreamServlet.builder(StreamEndpoint.builder(test.handoff())
                            .heartbeat(Duration.ofMillis(100))
                            .build())
                    .build();
            HandoffServlets.register(context, filter, events);
            addApplication(context.addServlet("application", new Application()));
        });
        HttpClient client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(
                client.send(post(root), HttpResponse.BodyHandlers.ofInputStream())
                        .body(),
                StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            while (line != null && !line.startsWith(":")) {
                line = lines.readLine();
            }
            assertThat(line).as("a heartbeat, which is a comment").isNotNull();
            assertThat(hasTimer()).isTrue();
            stopContainer();
        }
        await().until(() -> !hasTimer());
    }

    private void stopContainer() throws Exception {
        if (!stopped) {
            stopped = true;
            container.close();
        }
    }

    private static HttpRequest post(URI root) {
        return HttpRequest.newBuilder(URI.create(root + "/reports"))
                .POST(HttpRequest.BodyPublishers.ofString("rain"))
                .build();
    }

    private static boolean hasTimer() {
        return Thread.getAllStackTraces().keySet().stream()
                .anyMatch(thread -> thread.getName().equals(TIMER));
    }

    /** Tomcat calls the filter only if a servlet is mapped to its path. */
    private static void addApplication(ServletRegistration.Dynamic application) {
        application.addMapping("/");
    }

    private static final class Application extends HttpServlet {

        private static final long serialVersionUID = 1;
    }
}
