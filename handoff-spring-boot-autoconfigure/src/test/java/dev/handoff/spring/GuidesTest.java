// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.example.after.Reports;
import com.example.before.ReportController;
import com.example.shutdown.OrderlyStop;
import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.token.TokenSealer;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.CsrfConfigurer;
import org.springframework.security.web.SecurityFilterChain;

/** Compiles and runs the Java code of the guides. */
class GuidesTest {

    private static final Path CODE = Path.of("src/test/java/com/example");
    private static final String WINDOW = "handoff.drain-window=100ms";
    private static final List<String> PAGES =
            List.of("page:page 1 about rain", "page:page 2 about rain", "page:page 3 about rain");

    @ParameterizedTest
    @CsvSource({
        "migrating-from-sseemitter.md, before/ReportController.java",
        "migrating-from-sseemitter.md, after/Reports.java",
        "migrating-from-sseemitter.md, after/ReportController.java",
        "shutting-down.md, shutdown/OrderlyStop.java"
    })
    @DisplayName("each guide shows the classes that these tests run")
    void shown(String guide, String file) throws IOException {
        Path module = Files.exists(CODE) ? Path.of(".") : Path.of("..");
        String code = Files.readString(module.resolve(CODE).resolve(file)).replaceFirst("// SPDX.*\n", "");
        assertThat(Files.readString(module.resolve("../docs").resolve(guide))).contains("```java\n" + code + "```\n");
    }

    @Test
    @DisplayName("after the migration the client that follows the redirect gets the same events, and then the end")
    void migration() {
        try (RunningApplication before = RunningApplication.start(Before.class, WINDOW)) {
            assertThat(before.send(before.post("/reports", "rain").header("Accept", "text/event-stream"))
                            .body()
                            .split("\n\n"))
                    .hasSize(3)
                    .allMatch(event -> event.startsWith("event:page\ndata:page "));
        }
        try (RunningApplication after = RunningApplication.start(After.class, WINDOW)) {
            URI stream = after.handOff(after.post("/reports", "rain"));
            assertThat(after.read(stream))
                    .containsExactlyElementsOf(Stream.concat(PAGES.stream(), Stream.of("completed:"))
                            .toList());
            URI other = after.handOff(after.post("/archive/2026/reports", "rain"));
            assertThat(after.read(other)).contains("page:page 1 about rain in 2026");
        }
    }

    @Test
    @DisplayName("the stop without a framework drains the streams and the tasks before it stops the container")
    void stop() {
        ExecutorService handlers = Executors.newCachedThreadPool();
        InMemoryEventStore store = InMemoryEventStore.create();
        InProcessTaskDispatcher dispatcher =
                InProcessTaskDispatcher.builder(store, handlers).build();
        Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of(RunningApplication.SECRET))
                .build();
        EventStreamServlet events =
                EventStreamServlet.builder(StreamEndpoint.of(handoff)).build();
        AtomicBoolean stopped = new AtomicBoolean();

        new OrderlyStop(events, dispatcher, handlers, () -> {
                    assertThat(events.drain()).isCompleted();
                    assertThat(handlers.isShutdown()).isFalse();
                    stopped.set(true);
                })
                .run();

        assertThat(stopped).isTrue();
        assertThat(handlers.isShutdown()).isTrue();
    }

    /** Needs neither a login nor CSRF tokens, so that the test needs none. */
    @Configuration(proxyBeanMethods = false)
    static class Open {

        @Bean
        SecurityFilterChain open(HttpSecurity http) throws Exception {
            return http.csrf(CsrfConfigurer::disable)
                    .authorizeHttpRequests(requests -> requests.anyRequest().permitAll())
                    .build();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import({Open.class, ReportController.class})
    static class Before {}

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    @Import({Open.class, Reports.class, com.example.after.ReportController.class})
    static class After {}
}
