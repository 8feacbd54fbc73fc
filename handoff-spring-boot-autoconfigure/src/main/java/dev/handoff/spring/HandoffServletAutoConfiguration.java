// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.servlet.HandoffRoute;
import dev.handoff.spring.HandoffProperties.Limits;
import dev.handoff.spring.HandoffProperties.Role;
import dev.handoff.task.Task;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Servlet;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnWebApplication;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.boot.web.servlet.ServletRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.util.function.SingletonSupplier;

/** Registers the filter that hands requests off, and the streaming server. */
@AutoConfiguration(after = HandoffAutoConfiguration.class)
@ConditionalOnWebApplication(type = ConditionalOnWebApplication.Type.SERVLET)
@ConditionalOnClass({Servlet.class, HandoffFilter.class})
@ConditionalOnBean(HandoffLifecycle.class)
class HandoffServletAutoConfiguration {

    @Bean
    FilterRegistrationBean<HandoffFilter> handoffFilter(
            Handoff handoff,
            HandoffProperties properties,
            TaskHandlers handlers,
            ObjectProvider<HandoffCustomizer<HandoffFilter.Builder>> customizers) {
        HandoffFilter.Builder builder = HandoffFilter.builder(handoff);
        limit(builder, properties.limits());
        Map<String, String> routes = handlers.routes(properties.routes());
        routes.forEach((type, path) -> addRoute(builder, type, path, properties.joinRetriesWithin()));
        Settings.customize(builder, customizers);
        HandoffFilter filter = builder.build();
        FilterRegistrationBean<HandoffFilter> registration = new FilterRegistrationBean<>(filter);
        registration.setName("handoff");
        registration.setUrlPatterns(filter.mappings());
        registration.setDispatcherTypes(DispatcherType.REQUEST);
        registration.setAsyncSupported(true);
        registration.setOrder(properties.filterOrder());
        // Without a pattern, Spring Boot would map the filter to all paths.
        registration.setEnabled(properties.has(Role.APP) && !filter.mappings().isEmpty());
        return registration;
    }

    private static void addRoute(HandoffFilter.Builder builder, String type, String path, Duration joinRetriesWithin) {
        HandoffRoute route = request -> Optional.of(Task.of(type, request.body()));
        try {
            builder.post(
                    path, joinRetriesWithin.isZero() ? route : HandoffRoute.joiningRetries(joinRetriesWithin, route));
        } catch (IllegalArgumentException e) {
            throw new RefusedConfigurationException(
                    "The path of tasks of the type \"" + type + "\" cannot be used: " + e.getMessage() + '.',
                    "Change the property handoff.routes." + type + ", or the path in @HandoffHandler.",
                    e);
        }
    }

    private static void limit(HandoffFilter.Builder builder, Limits limits) {
        Settings.setBytes(limits.body(), bytes -> builder.maxBodyBytes(Math.toIntExact(bytes)));
        Settings.setBytes(limits.bodiesInFlight(), builder::maxBodyBytesInFlight);
        Settings.set(limits.bodyDeadline(), builder::bodyDeadline);
        Settings.set(limits.minBodyRate(), builder::minBodyRate);
        Settings.set(limits.waitingBodies(), builder::maxWaitingBodies);
    }

    @Bean
    EventStreamServlet handoffEventStreams(
            StreamEndpoint endpoint,
            HandoffThreads threads,
            HandoffProperties properties,
            ConfigurableListableBeanFactory beans,
            ObjectProvider<HandoffCustomizer<EventStreamServlet.Builder>> customizers) {
        if (properties.has(Role.STREAM)) {
            requireOwnEndpoint(beans);
        }
        EventStreamServlet.Builder builder = EventStreamServlet.builder(endpoint, threads.timer("handoff-timer-", 1))
                .executor(threads.jobs("handoff-streams-"))
                .writeDeadline(properties.writeDeadline())
                .drainWindow(properties.drainWindow());
        Settings.customize(builder, customizers);
        return builder.build();
    }

    /**
     * Checks that the endpoint of a child context has the settings that the application wants. Each context has an endpoint of its own, so
     * that one can stop without the others. It would not have the settings of an endpoint that a parent declares.
     */
    private static void requireOwnEndpoint(ConfigurableListableBeanFactory beans) {
        if (!beans.containsLocalBean(HandoffAutoConfiguration.ENDPOINT)) {
            return;
        }
        for (String name :
                BeanFactoryUtils.beanNamesForTypeIncludingAncestors(beans, StreamEndpoint.class, true, false)) {
            if (!name.equals(HandoffAutoConfiguration.ENDPOINT)) {
                throw new RefusedConfigurationException(
                        "This child context would deliver streams without the settings of the bean " + name
                                + " of its parent, because each context needs a StreamEndpoint of its own.",
                        "Replace the bean " + name
                                + " by a HandoffCustomizer<StreamEndpoint.Builder> bean, or declare a"
                                + " StreamEndpoint bean in each child context, too.");
            }
        }
    }

    @Bean
    ServletRegistrationBean<EventStreamServlet> handoffEventStreamsRegistration(
            EventStreamServlet servlet, HandoffProperties properties) {
        ServletRegistrationBean<EventStreamServlet> registration =
                new ServletRegistrationBean<>(servlet, Settings.eventsPath(properties) + "/*");
        registration.setName("handoff-events");
        registration.setAsyncSupported(true);
        // Created at the start, because handoff.cancel-unattended-after needs the readers that the servlet reports.
        registration.setLoadOnStartup(1);
        registration.setEnabled(properties.has(Role.STREAM));
        return registration;
    }

    @Bean
    StreamDrain handoffStreamDrain(EventStreamServlet servlet) {
        return new StreamDrain() {
            @Override
            public CompletableFuture<Void> drain() {
                return servlet.drain();
            }

            @Override
            public void reopen() {
                servlet.reopen();
            }
        };
    }

    @Bean
    HandoffPaths handoffPaths(
            HandoffProperties properties, ObjectProvider<FilterRegistrationBean<HandoffFilter>> filters) {
        // Asked only once, because each POST request needs the filters.
        Supplier<List<HandoffFilter>> enabled = SingletonSupplier.of(() -> filters.stream()
                .filter(FilterRegistrationBean::isEnabled)
                .map(FilterRegistrationBean::getFilter)
                .toList());
        return new HandoffPaths(
                properties.has(Role.STREAM) ? Settings.eventsPath(properties) : null,
                request -> enabled.get().stream().anyMatch(filter -> filter.hasRoute(request)));
    }

    /** Keeps tokens out of traces. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(
            name = {
                "io.micrometer.observation.ObservationFilter",
                "org.springframework.http.server.observation.ServerRequestObservationContext"
            })
    static class Observations {

        @Bean
        TokenFreeObservations handoffTokenFreeObservations(HandoffPaths paths) {
            return new TokenFreeObservations(paths);
        }
    }
}
