// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.Handoff;
import dev.handoff.RedirectPolicy;
import dev.handoff.StreamEndpoint;
import dev.handoff.format.StreamFormat;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.observation.HandoffObserver;
import dev.handoff.spring.HandoffProperties.Limits;
import dev.handoff.spring.HandoffProperties.Role;
import dev.handoff.store.EventStore;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.token.TokenSealer;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.HierarchicalBeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.SearchStrategy;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.system.JavaVersion;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.core.env.Environment;

/**
 * Creates what each process of an application with handoff needs. An application replaces one of these by a bean of its own: {@link
 * TokenSealer}, {@link EventStore}, {@link TaskDispatcher}, {@link Handoff}, {@link StreamEndpoint}, {@link RedirectPolicy}. It adds beans
 * of the types {@link StreamFormat} and {@link HandoffObserver}, and changes the builders of these beans by a {@link HandoffCustomizer}.
 *
 * <p>Other auto-configurations of this package add the filter and the streaming server, Spring MVC, Spring Security, the actuator, and
 * MongoDB. They declare no bean of the types {@code Executor}, {@code ScheduledExecutorService} and {@code ObjectMapper}.
 */
@AutoConfiguration
@ConditionalOnProperty(prefix = "handoff", name = "enabled", matchIfMissing = true)
@EnableConfigurationProperties(HandoffProperties.class)
public class HandoffAutoConfiguration {

    /** The name of the bean that is the streaming server, unless the application declares one. */
    static final String ENDPOINT = "handoffStreamEndpoint";

    /** Creates the configuration. Spring calls this. */
    HandoffAutoConfiguration() {}

    @Bean
    @ConditionalOnMissingBean
    TokenSealer handoffTokenSealer(HandoffProperties properties, Environment environment) {
        return Secret.sealer(properties, environment);
    }

    @Bean
    HandoffThreads handoffThreads(Environment environment) {
        boolean virtual = environment.getProperty("spring.threads.virtual.enabled", Boolean.class, false)
                && JavaVersion.getJavaVersion().isEqualOrNewerThan(JavaVersion.TWENTY_ONE);
        return new HandoffThreads(virtual);
    }

    @Bean
    TaskHandlers handoffTaskHandlers(ConfigurableListableBeanFactory beans, ObjectProvider<TaskDecorator> decorator) {
        return new TaskHandlers(beans, decorator.getIfAvailable(() -> TaskDecorator.NONE));
    }

    @Bean
    @ConditionalOnMissingBean
    Activity handoffActivity() {
        return new Activity();
    }

    @Bean
    ObserverOfAll handoffObserverOfAll(Activity activity, ObjectProvider<HandoffObserver> observers) {
        return ObserverOfAll.of(activity.observer(), observers.orderedStream());
    }

    @Bean
    @ConditionalOnMissingBean(EventStore.class)
    InMemoryEventStore handoffEventStore(
            HandoffProperties properties, ObjectProvider<HandoffCustomizer<InMemoryEventStore.Builder>> customizers) {
        InMemoryEventStore.Builder builder = InMemoryEventStore.builder();
        Limits limits = properties.limits();
        Settings.set(properties.retention(), builder::retention);
        Settings.setBytes(limits.stream(), builder::maxStreamBytes);
        Settings.setBytes(limits.streams(), builder::maxBytes);
        Settings.customize(builder, customizers);
        return builder.build();
    }

    @Bean
    @ConditionalOnMissingBean
    Handoff handoff(
            TaskDispatcher dispatcher,
            EventStore store,
            TokenSealer sealer,
            HandoffProperties properties,
            ObserverOfAll observer,
            ObjectProvider<TaskDecorator> decorator,
            ObjectProvider<RedirectPolicy> redirectPolicy,
            ObjectProvider<StreamFormat> formats,
            ObjectProvider<HandoffCustomizer<Handoff.Builder>> customizers) {
        TaskDispatcher observed =
                decorator.getIfAvailable(() -> TaskDecorator.NONE).dispatcher(dispatcher);
        Handoff.Builder builder = Handoff.builder(observed, store, sealer)
                .redirectPolicy(redirectPolicy.getIfAvailable(properties.redirect()::policy))
                .grantLifetime(properties.tokenLifetime())
                .observer(observer.observer())
                .eventsPath(Settings.eventsPath(properties));
        Settings.set(properties.eventsUrl(), builder::eventsUrl);
        formats.orderedStream().forEach(builder::format);
        Settings.customize(builder, customizers);
        return builder.build();
    }

    /** Creates an endpoint for each context, so that a child context can drain its own without that of its parent. */
    @Bean(ENDPOINT)
    @Primary
    @ConditionalOnMissingBean(search = SearchStrategy.CURRENT)
    StreamEndpoint handoffStreamEndpoint(
            Handoff handoff,
            HandoffProperties properties,
            ObjectProvider<HandoffCustomizer<StreamEndpoint.Builder>> customizers) {
        StreamEndpoint.Builder builder = StreamEndpoint.builder(handoff)
                .heartbeat(properties.heartbeat())
                .corsOrigins(properties.cors().origins().toArray(String[]::new))
                .corsCredentials(properties.cors().credentials());
        Settings.set(properties.retry(), builder::retry);
        Settings.customize(builder, customizers);
        return builder.build();
    }

    @Bean
    HandoffLifecycle handoffLifecycle(
            StreamEndpoint endpoint,
            TaskStore tasks,
            HandoffProperties properties,
            ObjectProvider<StreamDrain> streams,
            TaskHandlers handlers,
            ConfigurableListableBeanFactory beans) {
        Settings.requireRole(properties);
        boolean own = hasTasks(beans);
        if (!own && properties.has(Role.WORKER)) {
            requireHandlersOfParent(handlers, beans.getParentBeanFactory());
        }
        return new HandoffLifecycle(endpoint, own ? tasks : null, properties, streams.getIfAvailable());
    }

    /** Returns whether tasks belong to this context, and not to one of its parents. */
    private static boolean hasTasks(ListableBeanFactory beans) {
        return beans.getBeanNamesForType(TaskStore.class, true, false).length > 0;
    }

    /**
     * Checks that the parent that runs the tasks of a child context has the handlers of the child. Otherwise they would never be called.
     *
     * @param parent the parent of the child context
     */
    private static void requireHandlersOfParent(TaskHandlers handlers, @Nullable BeanFactory parent) {
        BeanFactory owner = parent;
        while (owner instanceof ListableBeanFactory listable && !hasTasks(listable)) {
            owner = owner instanceof HierarchicalBeanFactory child ? child.getParentBeanFactory() : null;
        }
        if (owner == null) {
            return;
        }
        Set<String> unknown = new TreeSet<>(handlers.types());
        unknown.removeAll(owner.getBean(TaskHandlers.class).types());
        if (!unknown.isEmpty()) {
            throw new RefusedConfigurationException(
                    "This child context has handlers of the types " + unknown
                            + ", but its parent runs the tasks and does not have these handlers.",
                    "Declare the handlers in the parent context.");
        }
    }

    @Bean
    @ConditionalOnMissingBean
    TaskStore handoffForeignTasks(TaskDispatcher dispatcher) {
        return new ForeignTasks(dispatcher);
    }

    /** Runs the tasks in this process, unless the application declares a dispatcher or the tasks are in MongoDB. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnMissingBean(TaskDispatcher.class)
    static class InProcess {

        @Bean
        InProcessTaskDispatcher handoffTaskDispatcher(
                EventStore store,
                TaskHandlers handlers,
                HandoffThreads threads,
                HandoffProperties properties,
                ObserverOfAll observer,
                ObjectProvider<ExecutorDecorator> decorator,
                ObjectProvider<HandoffCustomizer<InProcessTaskDispatcher.Builder>> customizers) {
            Settings.requireRole(properties);
            requireAllRoles(properties);
            requireHandlers(handlers, handlers.routes(properties.routes()));
            Executor executor = threads.handlers(
                    properties.worker().maxRunning(), properties.worker().maxQueued());
            for (ExecutorDecorator one : decorator) {
                executor = one.decorate(executor);
            }
            InProcessTaskDispatcher.Builder builder =
                    InProcessTaskDispatcher.builder(store, executor).observer(observer.observer());
            handlers.forEach(builder::handler);
            Settings.set(properties.retention(), builder::retention);
            Settings.set(properties.cancelUnattendedAfter(), builder::cancelUnattendedAfter);
            Settings.setBytes(properties.limits().pendingTasks(), builder::maxPendingBytes);
            Settings.customize(builder, customizers);
            return builder.build();
        }

        @Bean
        MemoryTasks handoffMemoryTasks(InProcessTaskDispatcher dispatcher, HandoffThreads threads, Activity activity) {
            return new MemoryTasks(dispatcher, threads, activity);
        }

        private static void requireAllRoles(HandoffProperties properties) {
            if (!properties.roles().containsAll(Set.of(Role.values()))) {
                throw new RefusedConfigurationException(
                        "The property handoff.roles names only " + properties.roles()
                                + ", but no other process can see the tasks and streams of this one.",
                        "Remove handoff.roles, or keep tasks and streams in MongoDB: add the dependency handoff-mongo"
                                + " and set spring.data.mongodb.uri (Spring Boot 3) or spring.mongodb.uri (Spring Boot"
                                + " 4).");
            }
        }

        private static void requireHandlers(TaskHandlers handlers, Map<String, String> routes) {
            routes.forEach((type, path) -> {
                if (!handlers.types().contains(type)) {
                    throw new RefusedConfigurationException(
                            "The property handoff.routes." + type + " leads to tasks that have no handler.",
                            "Declare a TaskHandler bean with @HandoffHandler(\"" + type + "\"). There are handlers for "
                                    + handlers.types() + '.');
                }
            });
        }
    }

    /** Passes the context of requests to handlers that run in this process. */
    @Configuration(proxyBeanMethods = false)
    @ConditionalOnClass(name = "io.micrometer.context.ContextSnapshotFactory")
    static class Context {

        @Bean
        ContextCapture handoffContextCapture() {
            return new ContextCapture();
        }
    }
}
