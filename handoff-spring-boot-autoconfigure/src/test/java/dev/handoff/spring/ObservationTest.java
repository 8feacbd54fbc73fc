// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.delivery.EventFeed;
import dev.handoff.http.Reply;
import dev.handoff.micrometer.HandoffMetrics;
import dev.handoff.micrometer.HandoffTracing;
import dev.handoff.task.Task;
import dev.handoff.task.TaskHandler;
import dev.handoff.testkit.Await;
import dev.handoff.testkit.TestRequest;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationHandler;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.SenderContext;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Which beans observe, and that all parts report to them. */
class ObservationTest {

    private final ApplicationContextRunner runner = new ApplicationContextRunner()
            .withConfiguration(
                    AutoConfigurations.of(HandoffAutoConfiguration.class, HandoffObservationAutoConfiguration.class))
            .withUserConfiguration(Reports.class)
            .withPropertyValues("handoff.secret=" + RunningApplication.SECRET);

    @Test
    @DisplayName(
            "with a meter registry, the dispatcher, the hand-off and the streaming server keep their metrics in it")
    void metrics() {
        runner.withUserConfiguration(Meters.class).run(context -> {
            assertThat(context).hasSingleBean(HandoffMetrics.class).doesNotHaveBean(HandoffTracing.class);
            Handoff handoff = context.getBean(Handoff.class);
            StreamEndpoint endpoint = context.getBean(StreamEndpoint.class);
            read(endpoint, report(handoff));

            MeterRegistry meters = context.getBean(MeterRegistry.class);
            assertThat(meters.get("handoff.tasks.accepted").counter().count()).isEqualTo(1);
            assertThat(meters.get("handoff.tasks.first.event").timer().count()).isEqualTo(1);
            assertThat(meters.get("handoff.readers.first.event").timer().count())
                    .isEqualTo(1);
            endpoint.reportReaders();
            assertThat(meters.get("handoff.delivery.events").counter().count()).isEqualTo(2);
        });
    }

    @Test
    @DisplayName(
            "with an observation registry, dispatch, run and delivery are observed, and the application keeps its claims")
    void traces() {
        runner.withUserConfiguration(Observations.class, Tenants.class).run(context -> {
            assertThat(context).hasSingleBean(HandoffTracing.class).doesNotHaveBean(HandoffMetrics.class);
            Handoff handoff = context.getBean(Handoff.class);
            String token = report(handoff);

            assertThat(handoff.open(token).grant().claims())
                    .containsOnly(Map.entry("tenant", "acme"), Map.entry("traceparent", "of handoff.stream.grant"));
            assertThat(read(context.getBean(StreamEndpoint.class), token)).contains("data: of handoff.task.dispatch");
            List<String> ended = context.getBean(Ended.class).names();
            Await.await().until(() -> ended.size() == 4);
            assertThat(ended)
                    .containsExactlyInAnyOrder(
                            "handoff.stream.grant",
                            "handoff.task.dispatch",
                            "handoff.task.process",
                            "handoff.stream.deliver");
        });
    }

    @Test
    @DisplayName("without a registry, without handoff-micrometer or without Micrometer nothing is observed")
    void nothing() {
        runner.run(context -> assertThat(context)
                .hasNotFailed()
                .doesNotHaveBean(HandoffMetrics.class)
                .doesNotHaveBean(HandoffTracing.class));
        ApplicationContextRunner both = runner.withUserConfiguration(Meters.class, Observations.class);
        both.withClassLoader(new FilteredClassLoader(HandoffMetrics.class, HandoffTracing.class))
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .doesNotHaveBean("handoffMetrics")
                        .doesNotHaveBean("handoffTracing"));
        runner.withClassLoader(new FilteredClassLoader("dev.handoff.micrometer", "io.micrometer"))
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean("handoffMetrics"));
    }

    @Test
    @DisplayName("the metrics and the tracing of the application replace those of the starter")
    void own() {
        runner.withUserConfiguration(Meters.class, Observations.class, Own.class)
                .run(context -> assertThat(context)
                        .hasSingleBean(HandoffMetrics.class)
                        .hasBean("ownMetrics")
                        .hasSingleBean(HandoffTracing.class)
                        .hasBean("ownTracing"));
    }

    @Test
    @DisplayName("of several registries without a primary one, none is used, and the application starts")
    void several() {
        runner.withUserConfiguration(Meters.class)
                .withBean("second", MeterRegistry.class, SimpleMeterRegistry::new)
                .run(context -> assertThat(context).hasNotFailed().doesNotHaveBean(HandoffMetrics.class));
    }

    @Test
    @DisplayName("nothing is observed if handoff is switched off")
    void off() {
        runner.withUserConfiguration(Meters.class, Observations.class)
                .withPropertyValues("handoff.enabled=false")
                .run(context -> assertThat(context)
                        .hasNotFailed()
                        .doesNotHaveBean(HandoffMetrics.class)
                        .doesNotHaveBean(HandoffTracing.class));
    }

    /** Hands a request off, and returns the token of the stream. */
    private static String report(Handoff handoff) {
        Reply reply = handoff.begin(TestRequest.post("/reports", "tea"), Task.of("report", "tea"));
        return String.valueOf(reply.header("Location")).substring("/events/".length());
    }

    /** Reads a stream to its end. */
    private static String read(StreamEndpoint endpoint, String token) throws IOException {
        StreamEndpoint.Answer answer = endpoint.answer(TestRequest.of("GET", "/events/" + token, ""), '/' + token);
        EventFeed feed = ((StreamEndpoint.Events) answer).feed();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            feed.open(() -> {});
            Await.await().until(() -> feed.produce(out) == EventFeed.Produced.LAST);
        } finally {
            feed.close();
        }
        return out.toString();
    }

    @Configuration(proxyBeanMethods = false)
    static class Reports {

        @Bean
        TaskHandler report() {
            return (task, output) ->
                    output.emit(String.valueOf(task.attributes().get("traceparent")));
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Meters {

        @Bean
        MeterRegistry meterRegistry() {
            return new SimpleMeterRegistry();
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Tenants {

        @Bean
        HandoffCustomizer<Handoff.Builder> tenants() {
            return handoff -> handoff.claims(request -> Map.of("tenant", "acme"));
        }
    }

    /**
     * The observations that have ended.
     *
     * @param names their names
     */
    record Ended(List<String> names) {}

    /** Stands for a tracer: sends the name of the observation as trace context. */
    @Configuration(proxyBeanMethods = false)
    static class Observations {

        @Bean
        Ended ended() {
            return new Ended(new CopyOnWriteArrayList<>());
        }

        @Bean
        ObservationRegistry observationRegistry(Ended ended) {
            ObservationRegistry registry = ObservationRegistry.create();
            registry.observationConfig().observationHandler(new ObservationHandler<Observation.Context>() {
                @Override
                public void onStart(Observation.Context context) {
                    if (context instanceof SenderContext<?> sender) {
                        send(sender);
                    }
                }

                private <C> void send(SenderContext<C> context) {
                    context.getSetter().set(context.getCarrier(), "traceparent", "of " + context.getName());
                }

                @Override
                public void onStop(Observation.Context context) {
                    ended.names().add(context.getName());
                }

                @Override
                public boolean supportsContext(Observation.Context context) {
                    return true;
                }
            });
            return registry;
        }
    }

    @Configuration(proxyBeanMethods = false)
    static class Own {

        @Bean
        HandoffMetrics ownMetrics(MeterRegistry registry) {
            return HandoffMetrics.of(registry);
        }

        @Bean
        HandoffTracing ownTracing(ObservationRegistry registry) {
            return HandoffTracing.of(registry);
        }
    }
}
