package dev.handoff.servlet;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletContext;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What containers do differently where the Servlet specification is silent: how an answer that has begun is aborted, so
 * that no client takes a part for the whole. There is no call for it. What works is a dispatch back to the servlet, which
 * then does what its container answers by closing the connection. Each way was tried on the container that it is for, and
 * the contract of handoff-testkit tries it again.
 */
enum Container {
    /** Closes the connection when a dispatch throws; this exception it does not log. */
    JETTY("org.eclipse.jetty.io.EofException"),

    /** Closes the connection when a dispatch throws; this exception it does not log. */
    TOMCAT("org.apache.catalina.connector.ClientAbortException"),

    /** Ends the answer in good order when a dispatch throws, but closes the connection on a timeout. */
    UNDERTOW(null) {
        @Override
        void prepare(HttpServletResponse response) {
            // A flush that does not fit into the socket leaves the rest in this buffer and says that all is well.
            response.setBufferSize(1);
        }

        @Override
        void abort(HttpServletRequest request) {
            AsyncContext async = request.startAsync();
            async.setTimeout(1);
        }
    },

    /** Not tried. A dispatch that throws is the best guess. */
    OTHER(null);

    private static final Logger logger = LoggerFactory.getLogger(Container.class);

    private final @Nullable String quietException;

    Container(@Nullable String quietException) {
        this.quietException = quietException;
    }

    static Container of(ServletContext context) {
        // A server that is built on one of them may give its own name, but not to its classes.
        String info = (context.getServerInfo() + ' ' + context.getClass().getName()).toLowerCase(Locale.ROOT);
        if (info.contains("jetty")) {
            return JETTY;
        }
        if (info.contains("tomcat") || info.contains("org.apache.catalina")) {
            return TOMCAT;
        }
        if (info.contains("undertow")) {
            return UNDERTOW;
        }
        logger.warn("{} was not tried: whether it can cut an answer that has begun is not known", info);
        return OTHER;
    }

    /** To be called before anything is written. */
    void prepare(HttpServletResponse response) {}

    /** To be called in the dispatch; what it throws is for the container. */
    void abort(HttpServletRequest request) throws IOException {
        String message = "the stream was cut before its end";
        if (quietException != null) {
            try {
                throw (IOException) request.getClass()
                        .getClassLoader()
                        .loadClass(quietException)
                        .getConstructor(String.class)
                        .newInstance(message);
            } catch (ReflectiveOperationException | ClassCastException e) {
                throw new IOException(message, e);
            }
        }
        throw new IOException(message);
    }
}
