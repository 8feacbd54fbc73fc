package dev.handoff.servlet;

import dev.handoff.Handoff;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletRegistration;
import java.util.EnumSet;
import java.util.Set;

/**
 * Registers the filter and the streaming server with a servlet container, in the order and with the settings that they need.
 * Call it while the context starts, from a {@code ServletContainerInitializer} or a {@code ServletContextListener}.
 */
public final class HandoffServlets {

    private static final String EVENTS = "/events/*";

    private HandoffServlets() {}

    /**
     * The two registrations, for further settings.
     *
     * @param filter the registration of the filter
     * @param events the registration of the streaming server
     */
    public record Registrations(FilterRegistration.Dynamic filter, ServletRegistration.Dynamic events) {}

    /**
     * Registers an application that streams its own results: the filter as {@link #register(ServletContext, HandoffFilter)} does, and
     * the streaming server at {@code /events/*}, which is where {@link Handoff} leads clients by default.
     *
     * @throws IllegalArgumentException if the filter has no routes
     * @throws IllegalStateException if the name or the path is taken, or the context has started already
     */
    public static Registrations register(ServletContext context, HandoffFilter filter, EventStreamServlet events) {
        return new Registrations(register(context, filter), register(context, events, EVENTS));
    }

    /**
     * Registers the filter alone, for an application whose streams are served elsewhere; see {@link Handoff.Builder#eventsUrl}. The
     * filter is mapped to exactly the paths of its routes, for requests from clients, and supports asynchronous processing.
     *
     * <p>Tomcat calls a filter only if a servlet is mapped to the path as well. A web application has the default servlet there; an
     * embedded Tomcat needs a servlet at {@code /}, or it answers 404.
     *
     * <p>The filter runs after all filters that {@code web.xml} declares or that the container was given before the context
     * started, and after those that code registered with {@code isMatchAfter} false, or with true before this call. A
     * filter that authenticates the user has to be one of these. If code registers it with {@code isMatchAfter} true
     * after this call, the filter of the hand-off runs before it and does not see the user.
     *
     * @throws IllegalArgumentException if the filter has no routes
     * @throws IllegalStateException if there is a filter with the name {@code handoff} already, or the filter or the context
     *     cannot be registered with any more
     */
    public static FilterRegistration.Dynamic register(ServletContext context, HandoffFilter filter) {
        Set<String> paths = filter.paths();
        if (paths.isEmpty()) {
            throw new IllegalArgumentException("the filter has no routes");
        }
        String name = "handoff";
        FilterRegistration.Dynamic registration = context.addFilter(name, filter);
        if (registration == null) {
            throw taken("filter", name);
        }
        registration.setAsyncSupported(true);
        registration.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), true, paths.toArray(new String[0]));
        return registration;
    }

    /**
     * Registers the streaming server alone, with asynchronous processing, to be loaded when the context starts.
     *
     * @param mapping the path of the streams within the application, as a pattern that ends with {@code /*}. Clients find it by
     *     {@link Handoff.Builder#eventsUrl}, which needs the context path too
     * @throws IllegalArgumentException if the mapping is not such a pattern
     * @throws IllegalStateException if the name {@code handoff-events} or the path is taken, or the context has started already
     */
    public static ServletRegistration.Dynamic register(
            ServletContext context, EventStreamServlet events, String mapping) {
        if (!mapping.startsWith("/") || !mapping.endsWith("/*")) {
            throw new IllegalArgumentException("the mapping is not a path that ends with /*: " + mapping);
        }
        String name = "handoff-events";
        ServletRegistration.Dynamic registration = context.addServlet(name, events);
        if (registration == null) {
            throw taken("servlet", name);
        }
        registration.setAsyncSupported(true);
        // A dispatcher that cancels tasks without readers hears from the servlet only once that is created.
        registration.setLoadOnStartup(1);
        if (!registration.addMapping(mapping).isEmpty()) {
            throw new IllegalStateException("another servlet is mapped to " + mapping + " already");
        }
        return registration;
    }

    private static IllegalStateException taken(String kind, String name) {
        return new IllegalStateException(
                "a " + kind + " with the name " + name + " or this instance is registered already");
    }
}
