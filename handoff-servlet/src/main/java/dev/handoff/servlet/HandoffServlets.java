// SPDX-License-Identifier: Apache-2.0
package dev.handoff.servlet;

import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletRegistration;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Registers the filter and the streaming server with a servlet container, in the order and with the settings that they need. Call these
 * methods while the context starts, from a {@code ServletContainerInitializer} or a {@code ServletContextListener}.
 *
 * <pre>{@code
 * final class HandoffListener implements ServletContextListener {
 *
 *     public void contextInitialized(ServletContextEvent event) {
 *         HandoffServlets.register(event.getServletContext(), handoff, routes -> routes
 *                 .post("/reports", request -> Optional.of(Task.of("report", request.body()))));
 *     }
 * }
 * }</pre>
 */
public final class HandoffServlets {

    private static final String EVENTS = "/events/*";

    private HandoffServlets() {}

    /**
     * Holds the two registrations, for further settings.
     *
     * @param filter the registration of the filter
     * @param events the registration of the streaming server
     */
    public record Registrations(FilterRegistration.Dynamic filter, ServletRegistration.Dynamic events) {}

    /**
     * Registers all that an application needs that streams its own results: a filter with these routes, and a streaming server with the default
     * settings. Both are registered as {@link #register(ServletContext, HandoffFilter, EventStreamServlet)} describes. The streaming server has a
     * timer of its own, which ends with the servlet when the container stops the application.
     *
     * <p>The dispatcher, its executor and the store belong to the application, which closes them when its context is destroyed. To change the
     * settings of the streaming server, build it by {@link EventStreamServlet#builder(StreamEndpoint)} and use the other method.
     *
     * @param routes adds the routes, and sets what else differs from the defaults
     * @throws IllegalArgumentException if no route is added
     * @throws IllegalStateException if a name or the path is taken, or the context has started already
     */
    public static Registrations register(
            ServletContext context, Handoff handoff, Consumer<HandoffFilter.Builder> routes) {
        HandoffFilter.Builder filter = HandoffFilter.builder(handoff);
        routes.accept(filter);
        return register(
                context,
                filter.build(),
                EventStreamServlet.builder(StreamEndpoint.of(handoff)).build());
    }

    /**
     * Registers the filter and the streaming server of an application that streams its own results. The filter is registered as {@link
     * #register(ServletContext, HandoffFilter)} describes. The streaming server is mapped to {@code /events/*}, to which {@link Handoff}
     * redirects clients by default.
     *
     * @throws IllegalArgumentException if the filter has no routes
     * @throws IllegalStateException if a filter with the name {@code handoff} or a servlet with the name {@code handoff-events} exists, if
     *     one of the two instances is registered already, if another servlet is mapped to the path, or if the context has started
     */
    public static Registrations register(ServletContext context, HandoffFilter filter, EventStreamServlet events) {
        return new Registrations(register(context, filter), register(context, events, EVENTS));
    }

    /**
     * Registers only the filter, for an application whose streams another server delivers; see {@link Handoff.Builder#eventsUrl}. The
     * filter is mapped to exactly the paths of its routes, and only to requests from clients, not to dispatches within the container. It
     * supports asynchronous processing. For a path with variables it is mapped to all paths below the literal beginning, such as
     * {@code /threads/*}, and passes on the requests that do not match.
     *
     * <p>Tomcat calls a filter only if a servlet is mapped to the path as well. A web application has the default servlet there; an
     * embedded Tomcat needs a servlet at {@code /}, or it answers 404.
     *
     * <p>A filter that authenticates the user must run before this filter. These filters run before it:
     * <ul>
     * <li>filters that {@code web.xml} declares, or that the container was given before the context started,
     * <li>filters that code registers with {@code isMatchAfter} false,
     * <li>filters that code registers with {@code isMatchAfter} true before this call.
     * </ul>
     * A filter that code registers with {@code isMatchAfter} true after this call runs later, so this filter does not see the user that it
     * sets.
     *
     * @throws IllegalArgumentException if the filter has no routes
     * @throws IllegalStateException if a filter with the name {@code handoff} exists, if this instance is registered already, or if the
     *     context has started
     */
    public static FilterRegistration.Dynamic register(ServletContext context, HandoffFilter filter) {
        Set<String> mappings = filter.mappings();
        if (mappings.isEmpty()) {
            throw new IllegalArgumentException("the filter has no routes");
        }
        String name = "handoff";
        FilterRegistration.Dynamic registration = context.addFilter(name, filter);
        if (registration == null) {
            throw taken("filter", name);
        }
        registration.setAsyncSupported(true);
        registration.addMappingForUrlPatterns(
                EnumSet.of(DispatcherType.REQUEST), true, mappings.toArray(new String[0]));
        return registration;
    }

    /**
     * Registers only the streaming server. It supports asynchronous processing and is created when the context starts.
     *
     * @param mapping the path of the streams within the application, as a pattern that begins with a slash and ends with {@code /*}. Set
     *     {@link Handoff.Builder#eventsUrl} to this path, with the context path in front, so that clients are sent there
     * @throws IllegalArgumentException if the mapping is not such a pattern
     * @throws IllegalStateException if a servlet with the name {@code handoff-events} exists, if this instance is registered already, if
     *     another servlet is mapped to the path, or if the context has started
     */
    public static ServletRegistration.Dynamic register(
            ServletContext context, EventStreamServlet events, String mapping) {
        if (!mapping.startsWith("/") || !mapping.endsWith("/*")) {
            throw new IllegalArgumentException("the mapping does not begin with / and end with /*: " + mapping);
        }
        String name = "handoff-events";
        ServletRegistration.Dynamic registration = context.addServlet(name, events);
        if (registration == null) {
            throw taken("servlet", name);
        }
        registration.setAsyncSupported(true);
        // The servlet reports readers only after it is created. A dispatcher that cancels tasks without readers needs
        // these reports.
        registration.setLoadOnStartup(1);
        if (!registration.addMapping(mapping).isEmpty()) {
            throw new IllegalStateException("another servlet is mapped to " + mapping + " already");
        }
        return registration;
    }

    private static IllegalStateException taken(String kind, String name) {
        return new IllegalStateException(
                "a " + kind + " with the name " + name + " is registered already, or this instance is");
    }
}
