// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import dev.handoff.http.ProblemCode;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.Servlet;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.FilterMapping;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.ee10.servlet.ServletMapping;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.QoSHandler;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs Jetty with the servlets of a role, and serves {@code /healthz} and {@code /readyz}. There is no request log, because URLs of streams
 * hold tokens.
 */
final class WebServer implements AutoCloseable {

    /** The path of streams. A POST to it is a redirected request, and the streaming servlet drops its body. */
    static final String STREAMS = "/events/*";

    /**
     * Jetty has 200 threads. Requests that wait for the store or an upstream leave some of them to probes and streams.
     */
    private static final int MAX_REQUESTS_AT_ONCE = 100;

    private static final int MAX_REQUESTS_WAITING = 10_000;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

    private static final long STOP_LIMIT_MILLIS = 1000;
    /** How long a connection may be idle before a stop closes it. Without this limit idle keep-alive connections would delay the stop. */
    private static final long IDLE_LIMIT_AT_STOP_MILLIS = 100;

    private static final Logger logger = LoggerFactory.getLogger(WebServer.class);

    private final Server server = new Server();
    private final ServletContextHandler context = new ServletContextHandler("/", false, false);
    private final ServerConnector connector;
    private final ContentLimits limits;
    private final BodyReader bodies;
    private final String host;
    private Predicate<@Nullable String> authorized = authorization -> true;

    /**
     * Creates a server that is not started.
     *
     * @param host the address to bind
     * @param port the port to bind, 0 for a free one
     */
    WebServer(String host, int port) {
        this(host, port, ContentLimits.ofHeap(Runtime.getRuntime().maxMemory()));
    }

    WebServer(String host, int port, ContentLimits limits) {
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        // Without this Jetty keeps a table of about 100 kB for each connection, to cache header fields.
        http.setHeaderCacheSize(0);
        // Names of models contain slashes, which clients send as %2F.
        http.setUriCompliance(UriCompliance.RFC3986.with("models", UriCompliance.Violation.AMBIGUOUS_PATH_SEPARATOR));
        context.getServletHandler().setDecodeAmbiguousURIs(true);
        context.setErrorHandler(new PlainErrors());
        server.setErrorHandler(new PlainErrors());
        this.host = host;
        this.connector = new ServerConnector(server, new HttpConnectionFactory(http));
        connector.setHost(host);
        connector.setPort(port);
        server.addConnector(connector);
        this.limits = limits;
        QoSHandler turns = new QoSHandler(context);
        turns.setMaxRequestCount(MAX_REQUESTS_AT_ONCE);
        turns.setMaxSuspendedRequestCount(MAX_REQUESTS_WAITING);
        turns.setMaxSuspend(LONGEST_WAIT);
        turns.excludePath("/healthz", "/readyz", STREAMS);
        bodies = new BodyReader(limits, this::readsBody, turns);
        server.setHandler(bodies);
        server.setStopTimeout(STOP_LIMIT_MILLIS);
        connector.setShutdownIdleTimeout(IDLE_LIMIT_AT_STOP_MILLIS);
        FilterMapping everything = new FilterMapping();
        everything.setPathSpec("/*");
        addFilter(new Precautions(), everything);
        serve("/healthz", new Probe(() -> true, "ok"));
    }

    /**
     * Reads bodies only of requests whose {@code Authorization} field passes the test; the argument is null if there is no field. Other
     * requests are refused later, and their bodies should take no memory.
     */
    WebServer readBodiesIf(Predicate<@Nullable String> authorized) {
        this.authorized = authorized;
        return this;
    }

    private boolean readsBody(Request request) {
        return !Request.getPathInContext(request).startsWith("/events/")
                && authorized.test(request.getHeaders().get(HttpHeader.AUTHORIZATION));
    }

    /** Returns the most bytes of the body of a request. */
    int maxBodyBytes() {
        return limits.maxBytes();
    }

    /** Returns the bytes of memory that the bodies of requests take now. */
    long heldBodyBytes() {
        return bodies.heldBytes();
    }

    /** Serves {@code /readyz}, which tells load balancers whether to send requests to this server. */
    WebServer ready(BooleanSupplier ready) {
        return serve("/readyz", new Probe(ready, "ready"));
    }

    /** Maps a servlet to one path, such as {@code /healthz}, or to all paths under a prefix, such as {@code /events/*}. */
    WebServer serve(String path, Servlet servlet) {
        return serve(List.of(path), List.of(), servlet);
    }

    /**
     * Maps a servlet to several paths, with filters before it.
     *
     * <p>The filters are mapped to the servlet and not to its paths. Jetty matches filters and servlets by different spellings of a path
     * that holds an encoded slash, so a request could bypass a filter on the same path.
     */
    WebServer serve(List<String> paths, List<Filter> filters, Servlet servlet) {
        ServletHandler handler = context.getServletHandler();
        ServletHolder holder = new ServletHolder(servlet);
        holder.setAsyncSupported(true);
        // Otherwise Jetty creates the servlet at its first request, and readers are not reported until then.
        holder.setInitOrder(0);
        handler.addServlet(holder);
        ServletMapping mapping = new ServletMapping();
        mapping.setServletName(holder.getName());
        mapping.setPathSpecs(paths.toArray(String[]::new));
        handler.addServletMapping(mapping);
        for (Filter filter : filters) {
            FilterMapping before = new FilterMapping();
            before.setServletName(holder.getName());
            addFilter(filter, before);
        }
        return this;
    }

    private void addFilter(Filter filter, FilterMapping mapping) {
        FilterHolder holder = new FilterHolder(filter);
        holder.setAsyncSupported(true);
        mapping.setFilterName(holder.getName());
        mapping.setDispatcherTypes(EnumSet.of(DispatcherType.REQUEST));
        context.getServletHandler().addFilter(holder, mapping);
    }

    /**
     * Starts, and returns when the server accepts requests.
     *
     * @throws StartException if the address cannot be bound
     */
    void start() {
        try {
            server.start();
        } catch (IOException e) {
            close();
            String reason = e.getCause() == null ? e.getMessage() : e.getCause().getMessage();
            throw new StartException(
                    1,
                    "cannot listen on " + host + " port " + connector.getPort() + ": "
                            + (reason == null ? "no such address" : reason));
        } catch (Exception e) {
            close();
            throw new IllegalStateException("the web server did not start", e);
        }
    }

    /** Returns the address to bind, as the caller passed it. */
    String host() {
        return host;
    }

    /** Returns the bound port. */
    int port() {
        return connector.getLocalPort();
    }

    /** Returns the address for clients on this machine. */
    String url() {
        return url(host, port());
    }

    /** Returns the address for clients on this machine, of a server that is bound to a host and a port. */
    static String url(String host, int port) {
        String name = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
        return "http://" + (name.indexOf(':') < 0 ? name : '[' + name + ']') + ':' + port;
    }

    /** Stops within about a second. Another call changes nothing. */
    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception e) {
            // The server has stopped anyway, but it aborted open connections.
            logger.debug("the web server aborted connections while it stopped", e);
        }
    }

    /** Refuses TRACE, which would echo keys and cookies, and tells browsers not to guess the media type of an answer. */
    private static final class Precautions extends HttpFilter {

        private static final long serialVersionUID = 1;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            response.setHeader("X-Content-Type-Options", "nosniff");
            if (request.getMethod().equals("TRACE")) {
                ServletReplies.write(
                        response,
                        OpenAiErrors.reply(ProblemCode.METHOD_NOT_ALLOWED.problem("TRACE cannot be used here.")));
                return;
            }
            chain.doFilter(request, response);
        }
    }

    /** Answers 200 if a check passes, else 503. */
    private static final class Probe extends HttpServlet {

        private static final long serialVersionUID = 1;

        private final transient BooleanSupplier fine;
        private final String yes;

        Probe(BooleanSupplier fine, String yes) {
            this.fine = fine;
            this.yes = yes;
        }

        /** Replaces the inherited method, which would answer 501 to unknown methods, and name TRACE among the allowed ones. */
        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            switch (request.getMethod()) {
                case "GET", "HEAD" -> tell(response);
                case "OPTIONS" -> response.setHeader("Allow", "GET, HEAD, OPTIONS");
                default -> ServletReplies.write(response, ApiServlet.methodNotAllowed("GET, HEAD"));
            }
        }

        private void tell(HttpServletResponse response) throws IOException {
            boolean now = fine.getAsBoolean();
            response.setStatus(now ? HttpServletResponse.SC_OK : HttpServletResponse.SC_SERVICE_UNAVAILABLE);
            response.setContentType("text/plain;charset=utf-8");
            response.getOutputStream().print(now ? yes : "not " + yes);
        }
    }
}
