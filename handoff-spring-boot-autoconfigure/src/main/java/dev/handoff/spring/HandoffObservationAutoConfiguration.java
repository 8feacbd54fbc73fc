// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.micrometer.HandoffMetrics;
import dev.handoff.micrometer.HandoffTracing;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;

/**
 * Reports metrics and traces to the registries of the actuator or the application, if handoff-micrometer is on the class path. The
 * properties {@code management.metrics.enable.handoff} and {@code management.observations.enable.handoff} switch them off.
 */
@AutoConfiguration(
        after = HandoffAutoConfiguration.class,
        afterName = {
            "org.springframework.boot.actuate.autoconfigure.metrics.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.actuate.autoconfigure.observation.ObservationAutoConfiguration",
            "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration",
            "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration"
        })
@ConditionalOnClass({HandoffMetrics.class, MeterRegistry.class, ObservationRegistry.class})
@ConditionalOnBean(HandoffLifecycle.class)
class HandoffObservationAutoConfiguration {

    /** Records metrics. The store, the dispatcher, the hand-off and its streaming server report to all beans that are observers. */
    @Bean
    @ConditionalOnSingleCandidate(MeterRegistry.class)
    @ConditionalOnMissingBean
    HandoffMetrics handoffMetrics(MeterRegistry registry) {
        return HandoffMetrics.of(registry);
    }

    /** Makes traces of requests, tasks and readers. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnSingleCandidate(ObservationRegistry.class)
    static class Traces {

        @Bean
        @ConditionalOnMissingBean
        HandoffTracing handoffTracing(ObservationRegistry registry) {
            return HandoffTracing.of(registry);
        }

        @Bean
        TaskDecorator handoffTracedTasks(HandoffTracing tracing) {
            return new TaskDecorator() {
                @Override
                public TaskDispatcher dispatcher(TaskDispatcher dispatcher) {
                    return tracing.dispatcher(dispatcher);
                }

                @Override
                public TaskHandler handler(TaskHandler handler) {
                    return tracing.handler(handler);
                }
            };
        }

        /** Runs after the customizers of the application, because one of them may set claims. */
        @Bean
        @Order(Ordered.LOWEST_PRECEDENCE)
        HandoffCustomizer<Handoff.Builder> handoffTracedClaims(HandoffTracing tracing) {
            return handoff -> handoff.decorateClaims(tracing::claims);
        }

        @Bean
        HandoffCustomizer<StreamEndpoint.Builder> handoffTracedReaders(HandoffTracing tracing) {
            return endpoint -> endpoint.readerObserver(tracing::reader);
        }
    }
}
