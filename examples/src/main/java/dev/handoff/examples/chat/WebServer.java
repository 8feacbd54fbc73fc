package dev.handoff.examples.chat;

import dev.handoff.http.Problem;
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
 * Jetty with whatever a role of the deployment serves, and {@code /healthz} and {@code /readyz} beside it. There is no
 * request log: it would hold tokens, which are in the URLs of streams.
 */
final class WebServer implements AutoCloseable {

    /** The path of streams. A POST there is only a repeated one, whose body the streaming servlet drops. */
    static final String STREAMS = "/events/*";

    /**
     * Jetty has 200 threads. Requests that wait for the store or an upstream leave some of them to probes and streams.
     */
    private static final int MAX_REQUESTS_AT_ONCE = 100;

    private static final int MAX_REQUESTS_WAITING = 10_000;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(30);

    private static final long STOP_LIMIT_MILLIS = 1000;
    /** Connections that are kept open for more requests would hold up the stop. */
    private static final long IDLE_LIMIT_AT_STOP_MILLIS = 100;

    private static final Logger logger = LoggerFactory.getLogger(WebServer.class);

    private final Server server = new Server();
    private final ServletContextHandler context = new ServletContextHandler("/", false, false);
    private final ServerConnector connector;
    private final BodyLimits limits;
    private final String host;
    private Predicate<@Nullable String> authorized = authorization -> true;

    /**
     * A server that is not started yet.
     *
     * @param host the address to bind
     * @param port the port to bind, 0 for a free one
     */
    WebServer(String host, int port) {
        this(host, port, BodyLimits.ofHeap(Runtime.getRuntime().maxMemory()));
    }

    WebServer(String host, int port, BodyLimits limits) {
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        // Jetty would keep a table for each connection, of some 100 kB, to recognize the headers of its next request.
        http.setHeaderCacheSize(0);
        // Names of models have slashes, which clients send as %2F.
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
        server.setHandler(new BodyReader(limits, this::readsBody, turns));
        server.setStopTimeout(STOP_LIMIT_MILLIS);
        connector.setShutdownIdleTimeout(IDLE_LIMIT_AT_STOP_MILLIS);
        FilterMapping everything = new FilterMapping();
        everything.setPathSpec("/*");
        addFilter(new Precautions(), everything);
        serve("/healthz", new Probe(() -> true, "ok"));
    }

    /**
     * Reads bodies only of requests whose {@code Authorization} field passes; null stands for none. The others are refused
     * later, and should not take memory before.
     */
    WebServer readBodiesIf(Predicate<@Nullable String> authorized) {
        this.authorized = authorized;
        return this;
    }

    private boolean readsBody(Request request) {
        return !Request.getPathInContext(request).startsWith("/events/")
                && authorized.test(request.getHeaders().get(HttpHeader.AUTHORIZATION));
    }

    /** Returns the most bytes that the body of a request can have. */
    int maxBodyBytes() {
        return limits.maxBytes();
    }

    /** Serves this on {@code /readyz}: whether requests shall be sent here. */
    WebServer ready(BooleanSupplier ready) {
        return serve("/readyz", new Probe(ready, "ready"));
    }

    /** Serves this on one path, such as {@code /healthz}, or on all paths below a prefix, such as {@code /events/*}. */
    WebServer serve(String path, Servlet servlet) {
        return serve(List.of(path), List.of(), servlet);
    }

    /**
     * Serves this on several paths, behind filters.
     *
     * <p>The filters are mapped to the servlet and not to its paths. Jetty matches filters and servlets by different
     * spellings of a path that holds an encoded slash, so a filter on the same path could be passed by.
     */
    WebServer serve(List<String> paths, List<Filter> filters, Servlet servlet) {
        ServletHandler handler = context.getServletHandler();
        ServletHolder holder = new ServletHolder(servlet);
        holder.setAsyncSupported(true);
        // Otherwise Jetty creates the servlet at its first request, and until then no attendance is reported.
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
     * Starts, and returns when requests are taken.
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

    /** Returns the address that was to be bound, as it was given. */
    String host() {
        return host;
    }

    /** The port that is bound. */
    int port() {
        return connector.getLocalPort();
    }

    /** Where a client on this machine finds it. */
    String url() {
        String name = host.equals("0.0.0.0") || host.equals("::") ? "127.0.0.1" : host;
        return "http://" + (name.indexOf(':') < 0 ? name : '[' + name + ']') + ':' + port();
    }

    /** Stops, within about a second. Doing it again changes nothing. */
    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception e) {
            // It has stopped all the same, but had to cut somebody off.
            logger.debug("the web server did not stop in good order", e);
        }
    }

    /** Refuses TRACE, which would echo keys and cookies, and keeps browsers from guessing the type of an answer. */
    private static final class Precautions extends HttpFilter {

        private static final long serialVersionUID = 1;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            response.setHeader("X-Content-Type-Options", "nosniff");
            if (request.getMethod().equals("TRACE")) {
                Replies.write(
                        response,
                        OpenAiErrors.reply(new Problem(405, "method_not_allowed", "TRACE cannot be used here.")));
                return;
            }
            chain.doFilter(request, response);
        }
    }

    /** Says yes or no. */
    private static final class Probe extends HttpServlet {

        private static final long serialVersionUID = 1;

        private final transient BooleanSupplier fine;
        private final String yes;

        Probe(BooleanSupplier fine, String yes) {
            this.fine = fine;
            this.yes = yes;
        }

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            boolean now = fine.getAsBoolean();
            response.setStatus(now ? HttpServletResponse.SC_OK : HttpServletResponse.SC_SERVICE_UNAVAILABLE);
            response.setContentType("text/plain;charset=utf-8");
            response.getOutputStream().print(now ? yes : "not " + yes);
        }

        /** The answer that is inherited would also name TRACE, which is refused. */
        @Override
        protected void doOptions(HttpServletRequest request, HttpServletResponse response) {
            response.setHeader("Allow", "GET, HEAD, OPTIONS");
        }
    }
}
