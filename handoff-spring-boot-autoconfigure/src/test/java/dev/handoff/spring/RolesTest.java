// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskHandler;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.test.context.runner.WebApplicationContextRunner;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.mock.web.MockHttpServletRequest;

/** The paths that a process takes, by its roles. */
class RolesTest {

    private final WebApplicationContextRunner runner = new WebApplicationContextRunner()
            .withConfiguration(
                    AutoConfigurations.of(HandoffAutoConfiguration.class, HandoffServletAutoConfiguration.class))
            .withPropertyValues("handoff.secret=" + RunningApplication.SECRET, "handoff.routes.report=/reports");

    @Test
    @DisplayName("a process without the role stream takes no path of streams")
    void noStreams() {
        runner.withUserConfiguration(Shared.class)
                .withPropertyValues("handoff.roles=app,worker")
                .run(context -> {
                    assertThat(servlet(context).isEnabled()).isFalse();
                    assertThat(filter(context).isEnabled()).isTrue();
                    assertThat(paths(context).isStream(request("/events/a.b"))).isFalse();
                    assertThat(paths(context).isHandOff(request("/reports"))).isTrue();
                });
    }

    @Test
    @DisplayName("a process with only the role stream takes no path of a route")
    void onlyStreams() {
        runner.withUserConfiguration(Shared.class)
                .withPropertyValues("handoff.roles=stream")
                .run(context -> {
                    assertThat(servlet(context).isEnabled()).isTrue();
                    assertThat(filter(context).isEnabled()).isFalse();
                    assertThat(paths(context).isStream(request("/events/a.b"))).isTrue();
                    assertThat(paths(context).isHandOff(request("/reports"))).isFalse();
                });
    }

    @ParameterizedTest
    @ValueSource(classes = {Shared.class, Memory.class})
    @DisplayName("an application without any role does not start, and the analysis names the roles")
    void noRoles(Class<?> configuration) {
        runner.withUserConfiguration(configuration)
                .withPropertyValues("handoff.roles=")
                .run(context -> {
                    FailureAnalysis analysis = new ConfigurationFailureAnalyzer().analyze(context.getStartupFailure());
                    assertThat(analysis.getDescription()).contains("handoff.roles is empty");
                    assertThat(analysis.getAction()).contains("app, worker, stream");
                });
    }

    @SuppressWarnings("unchecked")
    private static FilterRegistrationBean<HandoffFilter> filter(ApplicationContext context) {
        return context.getBean("handoffFilter", FilterRegistrationBean.class);
    }

    private static ServletRegistrationBean<?> servlet(ApplicationContext context) {
        return context.getBean("handoffEventStreamsRegistration", ServletRegistrationBean.class);
    }

    private static HandoffPaths paths(ApplicationContext context) {
        return context.getBean(HandoffPaths.class);
    }

    private static MockHttpServletRequest request(String path) {
        MockHttpServletRequest request = new MockHttpServletRequest("POST", path);
        request.setServletPath(path);
        return request;
    }

    @Configuration(proxyBeanMethods = false)
    static class Memory {

        @Bean
        @HandoffHandler("report")
        TaskHandler reports() {
            return (task, output) -> {};
        }
    }

    /** A dispatcher of the application, because processes with a part of the roles cannot keep tasks in memory. */
    @Configuration(proxyBeanMethods = false)
    static class Shared {

        @Bean
        EventStore store() {
            return InMemoryEventStore.create();
        }

        @Bean
        TaskDispatcher dispatcher(EventStore store) {
            return InProcessTaskDispatcher.builder(store, Runnable::run).build();
        }
    }
}
