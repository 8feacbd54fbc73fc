// SPDX-License-Identifier: Apache-2.0
package dev.handoff.spring;

import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.RequestMappingInfoHandlerMapping;

/**
 * Warns if the application has controllers at the path of the streams. They would get no requests, because the container prefers the
 * mapping of the streaming server to that of Spring MVC.
 */
final class EventsPathCheck implements SmartInitializingSingleton {

    private static final Logger logger = LoggerFactory.getLogger(EventsPathCheck.class);

    private final @Nullable String eventsPath;
    private final String servletPath;
    private final ObjectProvider<RequestMappingInfoHandlerMapping> mappings;

    /**
     * Creates the check.
     *
     * @param eventsPath the path of the streams; null if this process delivers none
     * @param servletPath the path of the servlet of Spring MVC, without a slash at the end
     */
    EventsPathCheck(
            @Nullable String eventsPath,
            String servletPath,
            ObjectProvider<RequestMappingInfoHandlerMapping> mappings) {
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
        for (RequestMappingInfoHandlerMapping mapping : mappings) {
            mapping.getHandlerMethods()
                    .forEach((info, method) -> hiddenPatterns(info, events)
                            .map(pattern -> pattern + " (" + nameOf(method) + ')')
                            .forEach(hidden::add));
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

    private Stream<String> hiddenPatterns(RequestMappingInfo info, String events) {
        return info.getPatternValues().stream()
                .map(pattern -> servletPath + pattern)
                .filter(path -> path.equals(events) || path.startsWith(events + '/'));
    }

    private static String nameOf(HandlerMethod method) {
        return method.getBeanType().getName() + '#' + method.getMethod().getName();
    }
}
