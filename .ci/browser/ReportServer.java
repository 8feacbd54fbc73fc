import dev.handoff.store.EventStore;
import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.RedirectPolicy;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskOutput;
import dev.handoff.token.TokenSealer;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/**
 * The application of docs/browsers.md: reports in the standard format, 303 or 202 as the client prefers. Serves the scripts of
 * a folder and an empty page beside it.
 *
 * <p>Starts three servers over one store and prints their ports. POST /drain drains the server that gets it.
 *
 * <p>A report is asked for as "TOPIC [PAGES [PAUSE_MS [fail]]]".
 */
final class ReportServer {

    private ReportServer() {}

    public static void main(String[] arguments) throws Exception {
        Path scripts = Path.of(arguments[0]);
        EventStore store = InMemoryEventStore.create();
        TaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, Executors.newFixedThreadPool(16))
                .handler("report", ReportServer::report)
                .build();
        Handoff handoff = Handoff.builder(dispatcher, store, TokenSealer.of("Zq4uX9b2VnE7cTgK1rYw5sLd8hJm3fPa"))
                .redirectPolicy(RedirectPolicy.negotiated(RedirectPolicy.seeOther()))
                .build();
        ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        StringBuilder ports = new StringBuilder("ready on");
        for (int i = 0; i < 3; i++) {
            ports.append(' ').append(start(handoff, timer, scripts));
        }
        System.out.println(ports);
        new CountDownLatch(1).await();
    }

    private static void report(Task task, TaskOutput output) throws Exception {
        String[] asked = task.payload().split(" ");
        int pages = asked.length > 1 ? Integer.parseInt(asked[1]) : 3;
        long pause = asked.length > 2 ? Long.parseLong(asked[2]) : 10;
        CountDownLatch cancelled = new CountDownLatch(1);
        output.onCancel(cancelled::countDown);
        for (int page = 1; page <= pages && !output.cancelled(); page++) {
            output.emit("page", "page " + page + " about " + asked[0]);
            cancelled.await(pause, java.util.concurrent.TimeUnit.MILLISECONDS);
        }
        if (asked.length > 3) {
            throw new IllegalStateException("the report was to fail");
        }
        output.complete(pages + " pages");
    }

    private static int start(Handoff handoff, ScheduledExecutorService timer, Path scripts) throws Exception {
        Server server = new Server();
        ServerConnector connector = new ServerConnector(server);
        connector.setHost("127.0.0.1");
        server.addConnector(connector);
        ServletContextHandler context = new ServletContextHandler("/");
        EventStreamServlet events = EventStreamServlet.builder(
                        StreamEndpoint.builder(handoff)
                                .corsOrigins("*")
                                .retry(Duration.ofMillis(200))
                                .build(),
                        timer)
                .drainWindow(Duration.ofMillis(100))
                .build();
        HandoffFilter filter = HandoffFilter.builder(handoff)
                .post("/reports", request -> Optional.of(Task.of("report", request.body())))
                .build();
        add(context, new FilterHolder(new CrossOrigin()));
        add(context, new FilterHolder(filter));
        ServletHolder streams = new ServletHolder(events);
        streams.setAsyncSupported(true);
        context.addServlet(streams, "/events/*");
        context.addServlet(new ServletHolder(new HttpServlet() {
            @Override
            protected void doPost(HttpServletRequest request, HttpServletResponse response) {
                events.drain().join();
            }
        }), "/drain");
        context.addServlet(new ServletHolder(new Scripts(scripts)), "/");
        server.setHandler(context);
        server.start();
        return connector.getLocalPort();
    }

    private static void add(ServletContextHandler context, FilterHolder filter) {
        filter.setAsyncSupported(true);
        context.addFilter(filter, "/reports", EnumSet.of(DispatcherType.REQUEST));
    }

    /** Lets pages of any origin ask for reports. For streams the servlet does that. */
    private static final class CrossOrigin extends HttpFilter {

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            response.setHeader("Access-Control-Allow-Origin", "*");
            if (request.getMethod().equals("OPTIONS")) {
                response.setHeader("Access-Control-Allow-Headers", "prefer, idempotency-key");
                response.setStatus(204);
            } else {
                chain.doFilter(request, response);
            }
        }
    }

    private static final class Scripts extends HttpServlet {

        private final Path folder;

        Scripts(Path folder) {
            this.folder = folder;
        }

        @Override
        protected void doGet(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String name = request.getServletPath().substring(1);
            if (name.matches("[a-z-]+\\.js")) {
                response.setContentType("text/javascript; charset=utf-8");
                response.getOutputStream().write(Files.readAllBytes(folder.resolve(name)));
            } else if (name.isEmpty()) {
                response.setContentType("text/html; charset=utf-8");
                response.getOutputStream().write("<!DOCTYPE html><title>Reports</title>".getBytes());
            } else {
                response.setStatus(404);
            }
        }
    }
}
