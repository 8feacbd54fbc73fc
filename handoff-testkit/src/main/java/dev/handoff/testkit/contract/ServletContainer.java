// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import jakarta.servlet.Filter;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import java.net.URI;
import java.util.List;

/**
 * Starts and stops a servlet container in this process, for {@link ServletContainerContract}, {@link HandoffFilterContract} and
 * {@link HandoffRouteContract}.
 */
public interface ServletContainer extends AutoCloseable {

    /** Registers servlets and filters. */
    @FunctionalInterface
    interface Application {
        /** Registers the servlets and filters. Called once, before the context starts. */
        void configure(ServletContext context) throws ServletException;
    }

    /**
     * Starts the container with an application at the root context, and returns its address like {@link #start(String, List, Application)}.
     */
    default URI start(Application application) throws Exception {
        return start("", List.of(), application);
    }

    /**
     * Starts the container on a free port of the loopback interface. The container must accept bodies of up to 16 MiB, HTTP/1.1, and an
     * upgrade to HTTP/2 without TLS.
     *
     * @param contextPath the path of the application, which begins with a slash; empty for the root
     * @param declared filters for all paths. The container declares them as it declares the filters of a {@code web.xml}, before the
     *     application registers others. They support asynchronous processing
     * @return the address of the container plus the context path, without a slash at the end
     */
    URI start(String contextPath, List<Filter> declared, Application application) throws Exception;

    /** Stops the container, as on a shutdown. */
    @Override
    void close() throws Exception;
}
