package dev.handoff.testkit.contract;

import jakarta.servlet.Filter;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import java.net.URI;
import java.util.List;

/** A servlet container in this process, for {@link ServletContainerContract}, {@link HandoffFilterContract} and {@link HandoffRouteContract}. */
public interface ServletContainer extends AutoCloseable {

    /** What registers servlets and filters. */
    @FunctionalInterface
    interface Application {
        /** Registers them. Called once, before the context is started. */
        void configure(ServletContext context) throws ServletException;
    }

    /** Starts the container with an application at the root context. */
    default URI start(Application application) throws Exception {
        return start("", List.of(), application);
    }

    /**
     * Starts the container on a free port of the loopback interface, with bodies of 16 MiB allowed, and with HTTP/2 without TLS
     * beside HTTP/1.1 (an upgrade by the client).
     *
     * @param contextPath the path of the application, which begins with a slash; empty for the root
     * @param declared filters for all paths, declared in the way in which the container takes the filters of a {@code web.xml}:
     *     before the application registers others. They support asynchronous processing
     * @return where the application is: the address of the container and the context path, without a slash at the end
     */
    URI start(String contextPath, List<Filter> declared, Application application) throws Exception;

    /** Stops it, as on a shutdown. */
    @Override
    void close() throws Exception;
}
