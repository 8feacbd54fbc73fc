// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.mongo.testing.StandIn;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import java.net.URI;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Contexts that are stopped and started again, and contexts with children. */
class RestartTest {

    private static final String ANN = RunningApplication.basic("ann", "pw");
    private static final String[] PROPERTIES = {
        "handoff.routes.report=/reports",
        "handoff.drain-window=100ms",
        "spring.security.user.name=ann",
        "spring.security.user.password=pw"
    };

    @Test
    @DisplayName("a context that is stopped and started twice accepts tasks and delivers their streams")
    void restarts() {
        try (RunningApplication application = RunningApplication.start(Reports.class, PROPERTIES)) {
            for (int i = 0; i < 2; i++) {
                application.context.stop();
                application.context.start();
                assertThat(report(application)).containsExactly("page:about cats", "completed:");
            }
        }
    }

    @Test
    @DisplayName("a context with tasks in MongoDB has a new worker after it is stopped and started")
    void restartsOnMongo() {
        MongoServer server = StandIn.start();
        String uri = server.getConnectionString() + "/restart";
        try (RunningApplication application = RunningApplication.start(
                Reports.class, with("spring.data.mongodb.uri=" + uri, "spring.mongodb.uri=" + uri))) {
            for (int i = 0; i < 2; i++) {
                application.context.stop();
                application.context.start();
                assertThat(report(application)).containsExactly("page:about cats", "completed:");
            }
        } finally {
            server.shutdownNow();
        }
    }

    @Test
    @DisplayName("a dispatcher of the application that runs tasks in this process accepts them after a restart, too")
    void restartsForeign() {
        try (RunningApplication application = RunningApplication.start(OwnDispatcher.class, PROPERTIES)) {
            application.context.stop();
            application.context.start();
            assertThat(report(application)).containsExactly("page:about cats", "completed:");
        }
    }

    @Test
    @DisplayName(
            "when one of two child contexts is closed, the other one still accepts tasks and delivers their streams")
    void children() {
        try (RunningApplication parent =
                        RunningApplication.start(Reports.class, with("spring.main.web-application-type=none"));
                RunningApplication second = RunningApplication.startChild(parent, Child.class, PROPERTIES)) {
            RunningApplication first = RunningApplication.startChild(parent, Child.class, PROPERTIES);
            assertThat(report(first)).containsExactly("page:about cats", "completed:");

            first.close();

            assertThat(report(second)).containsExactly("page:about cats", "completed:");
        }
    }

    @Test
    @DisplayName("child contexts share the worker of their parent on MongoDB, and closing one does not stop it")
    void childrenOnMongo() {
        MongoServer server = StandIn.start();
        String uri = server.getConnectionString() + "/children";
        String[] properties = with("spring.data.mongodb.uri=" + uri, "spring.mongodb.uri=" + uri);
        String[] ofParent = Stream.concat(Stream.of(properties), Stream.of("spring.main.web-application-type=none"))
                .toArray(String[]::new);
        try (RunningApplication parent = RunningApplication.start(Reports.class, ofParent);
                RunningApplication second = RunningApplication.startChild(parent, Child.class, properties)) {
            RunningApplication.startChild(parent, Child.class, properties).close();

            assertThat(report(second)).containsExactly("page:about cats", "completed:");
        } finally {
            server.shutdownNow();
        }
    }

    @Test
    @DisplayName("the streaming server of a child context has the settings that a customizer of the parent sets")
    void inheritedSettings() {
        try (RunningApplication parent =
                        RunningApplication.start(Customized.class, with("spring.main.web-application-type=none"));
                RunningApplication child = RunningApplication.startChild(parent, Child.class, PROPERTIES)) {
            URI stream = child.handOff(child.post("/reports", "cats").header("Authorization", ANN));
            assertThat(child.open(stream).statusCode()).isEqualTo(403);
        }
    }

    @Test
    @DisplayName("a child context that would lack the settings of its parent's StreamEndpoint bean does not start")
    void ownEndpoint() {
        try (RunningApplication parent =
                RunningApplication.start(OwnEndpoint.class, with("spring.main.web-application-type=none"))) {
            assertThatThrownBy(() -> RunningApplication.startChild(parent, Child.class, PROPERTIES))
                    .hasRootCauseInstanceOf(RefusedConfigurationException.class)
                    .hasStackTraceContaining("without the settings of the bean strictEndpoint of its parent");
        }
    }

    @Test
    @DisplayName(
            "a child context does not start if its parent, which runs its tasks, does not have one of its handlers")
    void handlerOfChild() {
        try (RunningApplication parent =
                RunningApplication.start(Reports.class, with("spring.main.web-application-type=none"))) {
            assertThatThrownBy(() -> RunningApplication.startChild(parent, MoreHandlers.class, PROPERTIES))
                    .hasRootCauseInstanceOf(RefusedConfigurationException.class)
                    .hasStackTraceContaining("handlers of the types [summary]");
        }
    }

    @Test
    @DisplayName("a child context may declare the handlers of its parent a second time")
    void sameHandlers() {
        try (RunningApplication parent =
                        RunningApplication.start(Reports.class, with("spring.main.web-application-type=none"));
                RunningApplication child = RunningApplication.startChild(parent, Reports.class, PROPERTIES)) {
            assertThat(report(child)).containsExactly("page:about cats", "completed:");
        }
    }

    private static Iterable<String> report(RunningApplication application) {
        URI stream = application.handOff(application.post("/reports", "cats").header("Authorization", ANN));
        return application.read(stream);
    }

    private static String[] with(String... more) {
        return Stream.concat(Stream.of(PROPERTIES), Stream.of(more)).toArray(String[]::new);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Child {}

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class Reports {

        @Bean
        TaskHandler report() {
            return (task, output) -> output.emit("page", "about " + task.payload());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class MoreHandlers extends Reports {

        @Bean
        TaskHandler summary() {
            return (task, output) -> output.emit("all about " + task.payload());
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Customized extends Reports {

        @Bean
        HandoffCustomizer<StreamEndpoint.Builder> nobody() {
            return endpoint -> endpoint.authorization((request, grant) -> false);
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class OwnEndpoint extends Reports {

        @Bean
        StreamEndpoint strictEndpoint(Handoff handoff) {
            return StreamEndpoint.builder(handoff)
                    .authorization((request, grant) -> false)
                    .build();
        }
    }

    @Configuration(proxyBeanMethods = false)
    @EnableAutoConfiguration
    static class OwnDispatcher {

        @Bean
        EventStore store() {
            return InMemoryEventStore.create();
        }

        /** Holds the executor, because a bean of that type would change those of Spring Boot. */
        record Threads(ExecutorService executor) implements AutoCloseable {

            @Override
            public void close() {
                executor.shutdownNow();
            }
        }

        @Bean
        Threads threads() {
            return new Threads(Executors.newCachedThreadPool());
        }

        @Bean
        TaskDispatcher dispatcher(EventStore store, Threads threads) {
            return InProcessTaskDispatcher.builder(store, threads.executor())
                    .handler("report", (task, output) -> output.emit("page", "about " + task.payload()))
                    .build();
        }
    }
}
