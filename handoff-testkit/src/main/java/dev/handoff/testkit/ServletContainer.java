package dev.handoff.testkit;

import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import java.net.URI;

/** A servlet container in this process, for {@link ServletContainerContract}. */
public interface ServletContainer extends AutoCloseable {

    /** What registers servlets and filters. */
    @FunctionalInterface
    interface Application {
        /** Registers them. Called once, before the context is started. */
        void configure(ServletContext context) throws ServletException;
    }

    /**
     * Starts it at the root context, on a free port of the loopback interface, with bodies of 16 MiB allowed.
     *
     * @return where it listens, without a slash at the end
     */
    URI start(Application application) throws Exception;

    /** Stops it, as on a shutdown. */
    @Override
    void close() throws Exception;
}
