// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.StreamEndpoint;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.actuate.autoconfigure.info.ConditionalOnEnabledInfoContributor;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Adds handoff to the health, the info and the endpoints of the actuator. */
@AutoConfiguration(after = {HandoffAutoConfiguration.class, HandoffServletAutoConfiguration.class})
@ConditionalOnClass(Endpoint.class)
@ConditionalOnBean(HandoffLifecycle.class)
class HandoffActuatorAutoConfiguration {

    @Bean
    HandoffReport handoffReport(
            HandoffProperties properties,
            TaskHandlers handlers,
            Activity activity,
            StreamEndpoint endpoint,
            TaskStore store) {
        return new HandoffReport(properties, handlers, activity, endpoint, store);
    }

    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(
            name = "org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint")
    static class Endpoints {

        @Bean
        @ConditionalOnAvailableEndpoint(endpoint = HandoffEndpoint.class)
        HandoffEndpoint handoffEndpoint(HandoffReport report) {
            return new HandoffEndpoint(report);
        }

        @Bean
        @ConditionalOnEnabledInfoContributor("handoff")
        InfoContributor handoffInfoContributor(HandoffReport report) {
            return info -> info.withDetail("handoff", report.info());
        }
    }

    /** Spring Boot 3 has health in the module of the actuator. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(
            name = "org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator")
    static class HealthOfBoot3 {

        @Bean
        @ConditionalOnMissingBean(name = "handoffHealthIndicator")
        @org.springframework.boot.actuate.autoconfigure.health.ConditionalOnEnabledHealthIndicator("handoff")
        org.springframework.boot.actuate.health.HealthIndicator handoffHealthIndicator(HandoffReport report) {
            return new Boot3Health(report);
        }
    }

    /** Spring Boot 4 has health in a module of its own. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(
            name = "org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator")
    static class HealthOfBoot4 {

        @Bean
        @ConditionalOnMissingBean(name = "handoffHealthIndicator")
        @org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator("handoff")
        org.springframework.boot.health.contributor.HealthIndicator handoffHealthIndicator(HandoffReport report) {
            return new Boot4Health(report);
        }
    }
}
