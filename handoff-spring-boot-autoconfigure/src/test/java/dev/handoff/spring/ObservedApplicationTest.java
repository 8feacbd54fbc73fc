// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.Await;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** With the actuator, the registry of Prometheus and a tracer on the class path, and tasks in MongoDB, over real HTTP. */
class ObservedApplicationTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");
    private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
    private static final String LOGGER = "dev.handoff.spring.observed";

    private static MongoServer server;
    private static RunningApplication application;

    @BeforeAll
    static void start() {
        server = StandIn.start();
        application = RunningApplication.start(
                Application.class,
                "spring.data.mongodb.uri=" + server.getConnectionString() + "/observed",
                "spring.mongodb.uri=" + server.getConnectionString() + "/observed",
                "handoff.drain-window=100ms",
                "management.endpoints.web.exposure.include=prometheus",
                "spring.security.user.name=ann",
                "spring.security.user.password=pw");
    }

    @AfterAll
    static void stop() {
        application.close();
        server.shutdownNow();
    }

    private static HttpRequest.Builder report(String key) {
        return application
                .post("/reports", "tea")
                .header("Authorization", ANN)
                .header("Idempotency-Key", key)
                .header("traceparent", "00-" + TRACE + "-b7ad6b7169203331-01");
    }

    @Test
    @DisplayName("/actuator/prometheus shows each metric that docs/observing.md lists")
    void prometheus() throws IOException {
        URI stream = application.handOff(report("metrics"));
        assertThat(application.read(stream)).hasSize(2);
        application.handOff(report("metrics"));
        application.handOff(report("metrics").header("Last-Event-ID", lastEventId(stream)));

        Set<String> documented = documented();
        assertThat(documented).hasSizeGreaterThan(30);
        // A sweep reports the length of the queue.
        Await.await().untilAsserted(() -> assertThat(scraped()).containsAll(documented));
    }

    private static String lastEventId(URI stream) {
        return application
                .send(HttpRequest.newBuilder(stream))
                .body()
                .lines()
                .filter(line -> line.startsWith("id: "))
                .findFirst()
                .orElseThrow()
                .substring("id: ".length());
    }

    private static Set<String> scraped() {
        return application
                .send(application.request("/actuator/prometheus").header("Authorization", ANN))
                .body()
                .lines()
                .filter(line -> line.startsWith("# TYPE "))
                .map(line -> line.split(" ")[2])
                .collect(Collectors.toSet());
    }

    private static Set<String> documented() throws IOException {
        Path docs = Path.of("../docs");
        Path page = (Files.exists(docs) ? docs : Path.of("../../docs")).resolve("observing.md");
        return Files.readAllLines(page).stream()
                .dropWhile(line -> !line.equals("### All metrics"))
                .dropWhile(line -> !line.startsWith("|---"))
                .skip(1)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> line.split("\\|")[2].replace("`", "").strip())
                .collect(Collectors.toSet());
    }

    @Test
    @DisplayName("the log lines of the request, the handler and the streaming server have the trace id of the client")
    void oneTrace() {
        try (TraceIds ids = new TraceIds()) {
            URI stream = application.handOff(report("trace"));
            assertThat(application.read(stream)).hasSize(2);

            Await.await().until(() -> ids.lines.size() >= 6);
            assertThat(ids.lines)
                    .containsOnlyKeys(
                            "a request for a report",
                            "task {} of type {} was dispatched",
                            "a run of task {} of type {} begins",
                            "a report about tea",
                            "a reader of stream {} is connected",
                            "a reader of stream {} was sent its first event")
                    .allSatisfy((line, traces) -> assertThat(traces).containsExactly(TRACE));
        }
    }

    /** Collects the trace ids that log lines have in the MDC, by the message. */
    private static final class TraceIds extends AppenderBase<ILoggingEvent> implements AutoCloseable {

        private final Map<String, List<String>> lines = new ConcurrentHashMap<>();
        private final Map<Logger, Level> loggers = new ConcurrentHashMap<>();

        TraceIds() {
            start();
            for (String name : new String[] {LOGGER, "dev.handoff.micrometer"}) {
                Logger logger = (Logger) LoggerFactory.getLogger(name);
                loggers.put(logger, logger.getEffectiveLevel());
                logger.setLevel(Level.DEBUG);
                logger.addAppender(this);
            }
        }

        @Override
        protected void append(ILoggingEvent event) {
            lines.computeIfAbsent(event.getMessage(), message -> new ArrayList<>())
                    .add(String.valueOf(event.getMDCPropertyMap().get("traceId")));
        }

        @Override
        public void close() {
            loggers.forEach((logger, level) -> {
                logger.detachAppender(this);
                logger.setLevel(level);
            });
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Application {

        @Bean
        TaskHandler report() {
            return (task, output) -> {
                LoggerFactory.getLogger(LOGGER).info("a report about tea");
                output.emit("page", "about " + task.payload());
            };
        }

        @Bean
        HandoffCustomizer<HandoffFilter.Builder> routes() {
            return filter -> filter.post("/reports", request -> {
                LoggerFactory.getLogger(LOGGER).info("a request for a report");
                return Optional.of(Task.of("report", request.body()));
            });
        }
    }
}
