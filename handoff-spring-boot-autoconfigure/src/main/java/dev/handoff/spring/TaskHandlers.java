// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import dev.handoff.task.TaskHandler;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationUtils;

/** Finds the handlers among the beans, and the paths of their routes. Creates no bean. Immutable. */
final class TaskHandlers {

    /**
     * A handler.
     *
     * @param path the path that its annotation names; empty if none
     * @param origin the name of the bean or the method in messages
     */
    private record Found(String path, TaskHandler handler, String origin) {}

    private final ConfigurableListableBeanFactory beans;
    private final TaskDecorator decorator;
    private final Map<String, Found> byType = new LinkedHashMap<>();

    /**
     * Finds the handlers.
     *
     * @throws RefusedConfigurationException if two handlers have the same type, or if {@link HandoffHandler} is on something that cannot be
     *     a handler
     */
    TaskHandlers(ConfigurableListableBeanFactory beans, TaskDecorator decorator) {
        this.beans = beans;
        this.decorator = decorator;
        for (String name : beans.getBeanNamesForType(Object.class, true, false)) {
            if (!ScopedProxyUtils.isScopedTarget(name)) {
                addBean(name);
            }
        }
    }

    private void addBean(String name) {
        Class<?> type = typeOf(name);
        if (type == null || type.getName().startsWith("org.springframework.")) {
            return;
        }
        HandoffHandler annotation = beans.findAnnotationOnBean(name, HandoffHandler.class, false);
        if (TaskHandler.class.isAssignableFrom(type)) {
            TaskHandler handler = new BeanHandler(() -> beans.getBean(name, TaskHandler.class));
            add(annotation == null ? name : annotation.value(), annotation, handler, "the bean " + name);
            return;
        }
        if (annotation != null) {
            throw new RefusedConfigurationException(
                    "The bean " + name + " has @HandoffHandler, but is not a TaskHandler: " + type.getName() + '.',
                    "Let it implement TaskHandler, or put @HandoffHandler on one of its methods.");
        }
        if (AnnotationUtils.isCandidateClass(type, HandoffHandler.class)) {
            addMethods(name, type);
        }
    }

    /** Returns the class of a bean; for a proxy, the class behind it. Creates no bean, and no factory bean to ask for the class. */
    private @Nullable Class<?> typeOf(String name) {
        if (beans.containsBeanDefinition(name)
                && beans.getBeanDefinition(name).getAttribute(AutoProxyUtils.ORIGINAL_TARGET_CLASS_ATTRIBUTE)
                        instanceof Class<?> behindProxy) {
            return behindProxy;
        }
        return beans.getType(name, false);
    }

    private void addMethods(String name, Class<?> type) {
        Map<Method, HandoffHandler> methods = MethodIntrospector.selectMethods(
                type, (MethodIntrospector.MetadataLookup<HandoffHandler>) TaskHandlers::annotationOf);
        methods.forEach((method, annotation) -> {
            String origin = type.getName() + '.' + method.getName();
            add(annotation.value(), annotation, MethodHandler.of(method, origin, () -> beans.getBean(name)), origin);
        });
    }

    /** Returns the annotation of a method; null for a {@code @Bean} method, because its bean is found as a bean. */
    private static @Nullable HandoffHandler annotationOf(Method method) {
        return AnnotatedElementUtils.hasAnnotation(method, Bean.class)
                ? null
                : AnnotatedElementUtils.findMergedAnnotation(method, HandoffHandler.class);
    }

    private void add(String type, @Nullable HandoffHandler annotation, TaskHandler handler, String origin) {
        Found other = byType.putIfAbsent(type, new Found(annotation == null ? "" : annotation.path(), handler, origin));
        if (other != null) {
            throw new RefusedConfigurationException(
                    "Two handlers have the type \"" + type + "\": " + other.origin() + " and " + origin + '.',
                    "Give each handler its own type by @HandoffHandler.");
        }
    }

    /** Returns the types of all handlers. */
    Collection<String> types() {
        return Set.copyOf(byType.keySet());
    }

    /** Returns the types of all handlers and of all routes, whose handlers may be in other processes. */
    Collection<String> types(Map<String, String> routes) {
        Set<String> types = new TreeSet<>(byType.keySet());
        types.addAll(routes.keySet());
        return types;
    }

    /** Calls the action with each type and its handler. */
    void forEach(BiConsumer<String, TaskHandler> action) {
        byType.forEach((type, found) -> action.accept(type, decorator.handler(found.handler())));
    }

    /**
     * Returns the path of each type that has one.
     *
     * @param properties the paths that replace those of annotations, by type
     */
    Map<String, String> routes(Map<String, String> properties) {
        Map<String, String> routes = new LinkedHashMap<>();
        byType.forEach((type, found) -> routes.put(type, found.path()));
        routes.putAll(properties);
        routes.values().removeIf(String::isBlank);
        return routes;
    }
}
