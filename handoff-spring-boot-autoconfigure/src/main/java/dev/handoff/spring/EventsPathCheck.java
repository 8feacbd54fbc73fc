// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.handler.AbstractUrlHandlerMapping;
import org.springframework.web.servlet.mvc.method.RequestMappingInfoHandlerMapping;

/**
 * Warns if the application has controllers, view controllers or resources at the path of the streams. They would get no requests, because
 * the container prefers the mapping of the streaming server to that of Spring MVC.
 */
final class EventsPathCheck implements SmartInitializingSingleton {

    private static final Logger logger = LoggerFactory.getLogger(EventsPathCheck.class);

    private final @Nullable String eventsPath;
    private final String servletPath;
    private final ObjectProvider<HandlerMapping> mappings;

    /**
     * Creates the check.
     *
     * @param eventsPath the path of the streams; null if this process delivers none
     * @param servletPath the path of the servlet of Spring MVC, without a slash at the end
     */
    EventsPathCheck(@Nullable String eventsPath, String servletPath, ObjectProvider<HandlerMapping> mappings) {
        this.eventsPath = eventsPath;
        this.servletPath = servletPath;
        this.mappings = mappings;
    }

    @Override
    public void afterSingletonsInstantiated() {
        String events = eventsPath;
        if (events == null) {
            return;
        }
        Set<String> hidden = new TreeSet<>();
        for (HandlerMapping mapping : mappings) {
            if (mapping instanceof RequestMappingInfoHandlerMapping controllers) {
                controllers
                        .getHandlerMethods()
                        .forEach((info, method) -> info.getPatternValues()
                                .forEach(pattern -> addIfBelow(events, pattern, nameOf(method), hidden)));
            } else if (mapping instanceof AbstractUrlHandlerMapping urls) {
                urls.getHandlerMap()
                        .forEach((pattern, handler) -> addIfBelow(events, pattern, nameOf(handler), hidden));
            }
        }
        if (!hidden.isEmpty()) {
            logger.warn(
                    "these controllers of the application get no requests, because handoff delivers its streams at {}/*:"
                            + " {}. Set another path for the streams, such as handoff.events-path=/streams, or another"
                            + " path for the controllers",
                    events,
                    String.join(", ", hidden));
        }
    }

    private void addIfBelow(String events, String pattern, String handler, Set<String> hidden) {
        String path = servletPath + pattern;
        if (path.equals(events) || path.startsWith(events + '/')) {
            hidden.add(path + " (" + handler + ')');
        }
    }

    private static String nameOf(Object handler) {
        if (handler instanceof HandlerMethod method) {
            return method.getBeanType().getName() + '#' + method.getMethod().getName();
        }
        return handler instanceof String bean ? bean : handler.getClass().getName();
    }
}
