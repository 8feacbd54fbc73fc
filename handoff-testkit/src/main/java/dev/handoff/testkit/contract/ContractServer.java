// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.Handoff;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.testkit.TickingClock;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.ServletRegistration;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/**
 * Runs an application in one container: the filter on {@code POST /tasks}, two streaming servers on {@code /events} and {@code /elsewhere},
 * and behind the filter a servlet that answers with the request that it received. The payload of a task names the {@link Script} that runs
 * it.
 */
final class ContractServer implements AutoCloseable {

    static final String SECRET = "vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E";
    /** How long tests wait. This is less than the time after which any container closes a connection whose client reads nothing. */
    static final Duration PATIENCE = Duration.ofSeconds(20);

    final TickingClock clock = new TickingClock();
    final ExecutorService executor = Executors.newCachedThreadPool();
    /** For a streaming server that is not a servlet. Handlers have other threads, so that a test can tell who called a format. */
    private final ExecutorService streamExecutor = Executors.newCachedThreadPool();

    final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    final InMemoryEventStore memory = InMemoryEventStore.builder()
            .ticker(clock)
            .maxBytes(1L << 30)
            .maxStreamBytes(1L << 30)
            .build();
    final Faults faults = new Faults();
    final FaultyStore store = new FaultyStore(memory, faults);
    final ReportedReaders readers = new ReportedReaders();
    final CountedFormat counted = new CountedFormat();
    final FaultyFormat faulty = new FaultyFormat();
    final FaultyFormat.Document faultyDocument = new FaultyFormat.Document();
    final InProcessTaskDispatcher dispatcher;
    final Handoff handoff;
    final StreamServer events;
    final StreamServer elsewhere;
    private final EventStreamServlet withoutAsync;

    /** The address of the container. */
    private final URI root;
    /** The addresses of the paths that the container does not serve. */
    private final Map<String, URI> streams = new HashMap<>();

    private final Map<String, Script> scripts = new ConcurrentHashMap<>();
    private final ServletContainer container;
    private boolean stopped;

    ContractServer(ServletContainerContract contract, UnaryOperator<ServerSettings> settings) throws Exception {
        this.container = contract.container();
        dispatcher = InProcessTaskDispatcher.builder(store, executor)
                .handler("script", (task, output) -> script(task.payload()).handle(task, output))
                .clock(clock)
                .ticker(clock)
                .build();
        handoff = Handoff.builder(new FaultyDispatcher(dispatcher, faults), store, TokenSealer.of(clock, SECRET))
                .format(counted)
                .format(faulty)
                .format(faultyDocument)
                .observer(readers)
                .clock(clock)
                .build();
        events = streams(contract, settings, "/events");
        elsewhere = streams(contract, settings, "/elsewhere");
        withoutAsync = EventStreamServlet.builder(handoff, timer).build();
        root = container.start(this::configure);
    }

    private StreamServer streams(ServletContainerContract contract, UnaryOperator<ServerSettings> settings, String path)
            throws Exception {
        Optional<StreamServer> server = contract.streamServer(
                settings.apply(new ServerSettings(handoff)).streamServer(path, streamExecutor));
        if (server.isPresent()) {
            streams.put(path, server.get().start());
            return server.get();
        }
        return new ServletStreams(settings.apply(new ServerSettings(handoff)).servlet(timer));
    }

    /** Returns the address of the server that serves a path, without a slash at the end. */
    URI address(String path) {
        return streams.entrySet().stream()
                .filter(stream -> path.startsWith(stream.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(root);
    }

    private void configure(ServletContext context) {
        HandoffFilter filter = HandoffFilter.builder(handoff)
                .post("/tasks", request -> {
                    if (request.body().startsWith("pass")) {
                        return Optional.empty();
                    }
                    String format = request.header("X-Format");
                    Task task = Task.of("script", request.body());
                    return Optional.of(format == null ? task : task.withFormat(format));
                })
                .route(
                        "GET",
                        "/queried",
                        request -> Optional.ofNullable(request.query()).map(query -> Task.of("script", query)))
                .subject(request -> request.getHeader("X-Subject"))
                .maxBodyBytes(8 << 20)
                .build();
        FilterRegistration.Dynamic handOff = context.addFilter("handoff", filter);
        handOff.setAsyncSupported(true);
        handOff.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), false, "/*");
        FilterRegistration.Dynamic outputs = context.addFilter("outputs", new OutputFilter());
        outputs.setAsyncSupported(true);
        outputs.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), false, "/events/*");
        FilterRegistration.Dynamic hostile = context.addFilter("hostile", new HostileFilter());
        hostile.setAsyncSupported(true);
        hostile.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC), false, "/events/*");
        register(context, "events", events, "/events/*");
        register(context, "elsewhere", elsewhere, "/elsewhere/*");
        ServletRegistration.Dynamic registration = context.addServlet("without-async", withoutAsync);
        registration.setAsyncSupported(false);
        registration.addMapping("/without-async/*");
        FilterRegistration.Dynamic plain = context.addFilter("filter-without-async", new PlainFilter());
        plain.setAsyncSupported(false);
        plain.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), false, "/filtered/*");
        register(context, "filtered", EventStreamServlet.builder(handoff, timer).build(), "/filtered/*");
        register(context, "application", new Application(), "/");
    }

    private static void register(ServletContext context, String name, StreamServer streams, String mapping) {
        if (streams instanceof ServletStreams own) {
            register(context, name, own.servlet(), mapping);
        }
    }

    private static void register(ServletContext context, String name, HttpServlet servlet, String mapping) {
        ServletRegistration.Dynamic registration = context.addServlet(name, servlet);
        registration.setAsyncSupported(true);
        registration.setLoadOnStartup(1);
        registration.addMapping(mapping);
    }

    Script script(String name) {
        return scripts.computeIfAbsent(name, n -> new Script());
    }

    /** Returns the path of a stream, with a token that has these rights, format and lifetime. */
    String path(String streamId, String format, Duration lifetime, Grant.Right... rights) {
        Grant grant = new Grant(
                streamId, Set.of(rights), format, null, clock.instant().plus(lifetime));
        return "/events/" + TokenSealer.of(clock, SECRET).seal(grant);
    }

    String readOnly(String streamId) {
        return readOnly(streamId, StreamFormat.standard().name());
    }

    String readOnly(String streamId, String format) {
        return path(streamId, format, Duration.ofHours(1), Grant.Right.READ);
    }

    void stopContainer() throws Exception {
        if (!stopped) {
            stopped = true;
            for (StreamServer server : List.of(events, elsewhere)) {
                if (!(server instanceof ServletStreams)) {
                    server.close();
                }
            }
            container.close();
        }
    }

    @Override
    public void close() throws Exception {
        dispatcher.close();
        stopContainer();
        executor.shutdownNow();
        streamExecutor.shutdownNow();
        timer.shutdownNow();
    }

    /** A standard format that counts its calls and renders events of one type twice. */
    static final class CountedFormat implements StreamFormat.EventFormat {

        static final String NAME = "counted";
        static final String TWICE = "twice";

        private final AtomicInteger events = new AtomicInteger();

        int events() {
            return events.get();
        }

        @Override
        public String name() {
            return NAME;
        }

        @Override
        public List<Frame> frames(Event event) {
            events.incrementAndGet();
            Frame frame = new Frame(event.type(), event.data());
            return TWICE.equals(event.type()) ? List.of(frame, frame) : List.of(frame);
        }

        @Override
        public List<Frame> frames(End end) {
            return StreamFormat.standard().frames(end);
        }

        @Override
        public Frame interrupted(Problem problem) {
            return StreamFormat.standard().interrupted(problem);
        }
    }

    /** The application behind the filter. It answers with the body that it could read. */
    private static final class Application extends HttpServlet {

        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String body = request.getHeader("X-Read") == null
                    ? new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    : switch (request.getHeader("X-Read")) {
                        case "reader" -> request.getReader().readLine();
                        case "parameter" -> String.join(",", request.getParameterValues("pass"));
                        default -> "nothing";
                    };
            response.setContentType("text/plain;charset=UTF-8");
            response.getOutputStream()
                    .write(("application: " + request.getMethod() + ' ' + body).getBytes(StandardCharsets.UTF_8));
        }
    }

    /** Wraps the output of responses to requests with {@code X-Output: faulty}. A test can make the writes fail. */
    private final class OutputFilter extends HttpFilter {

        private static final long serialVersionUID = 1;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            boolean faulty = "faulty".equals(request.getHeader("X-Output"));
            chain.doFilter(request, faulty ? new FaultyResponse(response) : response);
        }
    }

    private final class FaultyResponse extends HttpServletResponseWrapper {

        FaultyResponse(HttpServletResponse response) {
            super(response);
        }

        @Override
        public ServletOutputStream getOutputStream() throws IOException {
            ServletOutputStream out = super.getOutputStream();
            return new ServletOutputStream() {
                @Override
                public boolean isReady() {
                    return out.isReady();
                }

                @Override
                public void setWriteListener(WriteListener listener) {
                    out.setWriteListener(listener);
                }

                @Override
                public void write(int b) throws IOException {
                    write(new byte[] {(byte) b}, 0, 1);
                }

                @Override
                public void write(byte[] bytes, int offset, int length) throws IOException {
                    faults.on("write", "");
                    out.write(bytes, offset, length);
                }

                @Override
                public void flush() throws IOException {
                    out.flush();
                }
            };
        }
    }

    /** A filter without async support, which is the default. */
    private static final class PlainFilter extends HttpFilter {

        private static final long serialVersionUID = 1;
    }
}
