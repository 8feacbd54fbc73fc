// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.StreamEndpoint;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.SseReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;

class ShutdownTest {

    private static final int STREAMS = 50;
    private static final Duration WINDOW = Duration.ofSeconds(1);
    private static final String ANN = RunningApplication.basic("ann", "pw");

    @Test
    @DisplayName(
            "a graceful shutdown with 50 open streams does not wait for them; each reader sees an interruption or the end of the stream")
    void drains() throws Exception {
        RunningApplication application = start();
        List<SseReader> readers = new ArrayList<>();
        for (int i = 0; i < STREAMS; i++) {
            SseReader reader = new SseReader(application
                    .open(handOff(application, i % 5 == 0 ? "finishes" : "endless"))
                    .body());
            assertThat(reader.next().orElseThrow().data()).isEqualTo("begun");
            readers.add(reader);
        }
        ExecutorService threads = Executors.newFixedThreadPool(STREAMS);
        List<Future<Last>> lasts = readers.stream()
                .map(reader -> threads.submit(() -> last(reader)))
                .toList();

        long start = System.nanoTime();
        application.close();
        Duration took = Duration.ofNanos(System.nanoTime() - start);

        // It takes the window and some milliseconds, and seconds on a loaded machine. Spring Boot alone would wait for
        // 30 s.
        assertThat(took).isLessThan(Duration.ofSeconds(20));
        for (Future<Last> last : lasts) {
            Last seen = last.get(5, TimeUnit.SECONDS);
            assertThat(seen.type()).isIn("interrupted", "completed", "failed");
            assertThat(seen.clean()).isEqualTo(!seen.type().equals("interrupted"));
        }
        threads.shutdownNow();
    }

    @Test
    @DisplayName(
            "a handler that ends within the drain window completes its task, and the readers that are still there see that")
    void finishes() throws Exception {
        RunningApplication application = start();
        SseReader reader =
                new SseReader(application.open(handOff(application, "endless")).body());
        List<SseReader> finishing = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            finishing.add(new SseReader(
                    application.open(handOff(application, "finishes")).body()));
            assertThat(finishing.get(i).next()).isPresent();
        }
        assertThat(reader.next()).isPresent();

        application.close();

        assertThat(finishing.stream().map(ShutdownTest::last).map(Last::type)).contains("completed");
    }

    @Test
    @DisplayName(
            "the lifecycle stops before the graceful shutdown of the web server, and a test framework does not pause it")
    void phase() {
        try (RunningApplication application = start()) {
            HandoffLifecycle lifecycle = application.context.getBean(HandoffLifecycle.class);
            assertThat(lifecycle.isRunning()).isTrue();
            assertThat(lifecycle.isPauseable()).isFalse();
            assertThat(application.context.getBeansOfType(SmartLifecycle.class).entrySet())
                    .filteredOn(
                            bean -> bean.getValue().getClass().getSimpleName().startsWith("WebServer"))
                    .hasSize(2)
                    .allSatisfy(bean -> assertThat(bean.getValue().getPhase()).isLessThan(lifecycle.getPhase()));
        }
    }

    private record Last(String type, boolean clean) {}

    /** Reads to the end of a response. */
    private static Last last(SseReader reader) {
        String type = "";
        try {
            for (Optional<SseReader.Received> next = reader.next(); next.isPresent(); next = reader.next()) {
                type = next.get().type();
            }
            return new Last(type, true);
        } catch (UncheckedIOException e) {
            return new Last(type, false);
        }
    }

    private static RunningApplication start() {
        return RunningApplication.start(
                Reports.class,
                "handoff.routes.report=/reports",
                "handoff.drain-window=" + WINDOW.toMillis() + "ms",
                "server.shutdown=graceful");
    }

    private static URI handOff(RunningApplication application, String body) {
        return application.handOff(application.post("/reports", body).header("Authorization", ANN));
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        /** Does not re-encode the password as Spring Boot's does, which takes long for 50 logins. */
        @Bean
        UserDetailsService users() {
            return name -> User.withUsername(name).password("{noop}pw").build();
        }

        /** A handler "finishes" when the application begins to stop. */
        @Bean
        @HandoffHandler("report")
        TaskHandler reports(ObjectProvider<StreamEndpoint> endpoint) {
            return (task, output) -> {
                CountDownLatch cancelled = new CountDownLatch(1);
                output.onCancel(cancelled::countDown);
                output.emit("begun");
                if (task.payload().equals("finishes")) {
                    Awaitility.await()
                            .atMost(Duration.ofMinutes(1))
                            .until(() -> endpoint.getObject().isDraining());
                } else {
                    cancelled.await();
                }
            };
        }
    }
}
