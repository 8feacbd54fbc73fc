// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import dev.handoff.Handoff;
import dev.handoff.RedirectPolicy;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.servlet.HandoffFilter;
import dev.handoff.servlet.HandoffRoute;
import dev.handoff.servlet.HandoffServlets;
import dev.handoff.task.Task;
import dev.handoff.task.TaskDispatcher;
import dev.handoff.task.TaskStatus;
import dev.handoff.token.TokenSealer;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Runs an application in one container, registered by {@link HandoffServlets}. Each task emits its payload and completes. The header fields
 * of a request make parts of the application fail.
 */
final class FilterServer implements AutoCloseable {

    /** The settings of one server. */
    record Settings(
            String contextPath,
            List<Filter> declared,
            UnaryOperator<HandoffFilter.Builder> filter,
            BiConsumer<ServletContext, Runnable> registration) {

        static Settings of() {
            return new Settings("", List.of(), UnaryOperator.identity(), (context, register) -> register.run());
        }

        Settings at(String path) {
            return new Settings(path, declared, filter, registration);
        }

        Settings declaring(Filter... filters) {
            return new Settings(contextPath, List.of(filters), filter, registration);
        }

        Settings filter(UnaryOperator<HandoffFilter.Builder> more) {
            return new Settings(contextPath, declared, more, registration);
        }

        /** Returns settings that register other filters before or after the hand-off. */
        Settings registering(BiConsumer<ServletContext, Runnable> order) {
            return new Settings(contextPath, declared, filter, order);
        }
    }

    final List<Task> run = new CopyOnWriteArrayList<>();
    final URI root;

    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger tickerReads = new AtomicInteger();
    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    private final InProcessTaskDispatcher dispatcher;
    private final ServletContainer container;
    private final Handoff handoff;
    private volatile boolean broken;

    FilterServer(ServletContainer container, Settings settings) throws Exception {
        this.container = container;
        InMemoryEventStore store = InMemoryEventStore.create();
        dispatcher = InProcessTaskDispatcher.builder(store, executor)
                .handler("echo", (task, output) -> {
                    run.add(task);
                    output.emit(task.payload());
                })
                .build();
        RedirectPolicy policy = (request, grant, location) -> {
            failIf("policy", request.header("X-Fail"));
            return RedirectPolicy.seeOther().reply(request, grant, location);
        };
        handoff = Handoff.builder(new BreakableDispatcher(), store, TokenSealer.of(ContractServer.SECRET))
                .redirectPolicy(policy)
                .build();
        root = container.start(settings.contextPath(), settings.declared(), context -> configure(context, settings));
    }

    private void configure(ServletContext context, Settings settings) {
        HandoffFilter.Builder builder = HandoffFilter.builder(handoff)
                .post("/tasks", request -> {
                    failIf("route", request.header("X-Fail"));
                    failIf("error", request.header("X-Fail"));
                    failIf("checked", request.header("X-Fail"));
                    if (request.header("X-Catch") != null && !isReadable(request)) {
                        return Optional.empty();
                    }
                    Task task = Task.of("echo", request.body());
                    String format = request.header("X-Format");
                    return request.header("X-Pass") != null
                            ? Optional.empty()
                            : Optional.of(format == null ? task : task.withFormat(format));
                })
                .post("/unread", request -> Optional.of(Task.of("echo", "unread")))
                .post(
                        "/joined",
                        HandoffRoute.joiningRetries(
                                Duration.ofMinutes(5), request -> Optional.of(Task.of("echo", request.body()))))
                .ticker(() -> {
                    tickerReads.incrementAndGet();
                    return nanos.get();
                })
                .subject(request -> {
                    failIf("subject", request.getHeader("X-Fail"));
                    return request.getRemoteUser();
                });
        HandoffFilter filter = settings.filter().apply(builder).build();
        EventStreamServlet events = EventStreamServlet.builder(handoff, timer)
                .drainWindow(Duration.ofMillis(100))
                .build();
        settings.registration().accept(context, () -> HandoffServlets.register(context, filter, events));
        var application = context.addServlet("application", new Application());
        application.setAsyncSupported(true);
        application.addMapping("/");
    }

    private static boolean isReadable(HandoffRequest request) {
        try {
            return !request.body().isEmpty();
        } catch (ProblemException e) {
            return false;
        }
    }

    private static void failIf(String part, @Nullable String failing) {
        if (part.equals(failing)) {
            if (part.equals("error")) {
                throw new StackOverflowError("of the " + part);
            }
            if (part.equals("checked")) {
                Faults.raise(new IOException("of a route in another language"));
            }
            throw new IllegalStateException("of the " + part);
        }
    }

    /** Returns the hand-off, for controllers. */
    Handoff handoff() {
        return handoff;
    }

    void breakDispatcher() {
        broken = true;
    }

    /** Moves the time of the limits on bodies forward. */
    void tick(Duration time) {
        nanos.addAndGet(TimeUnit.NANOSECONDS.convert(time));
    }

    /** Returns how many times the filter has read the time: once when it begins to read a body, and once before each wait. */
    int tickerReads() {
        return tickerReads.get();
    }

    @Override
    public void close() throws Exception {
        dispatcher.close();
        container.close();
        executor.shutdownNow();
        timer.shutdownNow();
    }

    private final class BreakableDispatcher implements TaskDispatcher {

        private TaskDispatcher whole() {
            if (broken) {
                throw new IllegalStateException("of the dispatcher");
            }
            return dispatcher;
        }

        @Override
        public TaskStatus dispatch(Task task) {
            return whole().dispatch(task);
        }

        @Override
        public void accept(Task task) {
            whole().accept(task);
        }

        @Override
        public Optional<TaskStatus> status(String taskId) {
            return whole().status(taskId);
        }

        @Override
        public Optional<TaskStatus> latestLike(Task task, Duration within) {
            return whole().latestLike(task, within);
        }

        @Override
        public boolean cancel(String taskId) {
            return whole().cancel(taskId);
        }
    }

    /** Sets the user by wrapping the request, as many login filters do. */
    static final class LoginFilter extends HttpFilter {

        private static final long serialVersionUID = 1;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            chain.doFilter(
                    new HttpServletRequestWrapper(request) {
                        @Override
                        public String getRemoteUser() {
                            return getHeader("X-User");
                        }
                    },
                    response);
        }
    }

    /** Reads the body before the filter of the hand-off. The field {@code X-Consume} names the method. */
    static final class ConsumingFilter extends HttpFilter {

        private static final long serialVersionUID = 1;

        @Override
        protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws IOException, ServletException {
            String way = request.getHeader("X-Consume");
            switch (way == null ? "not" : way) {
                case "parameter" -> request.getParameter("some");
                case "stream" -> request.getInputStream().readAllBytes();
                case "reader" -> request.getReader();
                default -> {
                    // The body stays unread.
                }
            }
            chain.doFilter(request, response);
        }
    }

    /** The application behind the filter. */
    private static final class Application extends HttpServlet {

        private static final long serialVersionUID = 1;

        @Override
        protected void service(HttpServletRequest request, HttpServletResponse response) throws IOException {
            String does = request.getHeader("X-Application");
            if ("fail".equals(does)) {
                throw new IllegalStateException("of the application");
            }
            AsyncContext async = "async".equals(does) ? request.startAsync() : null;
            String parameter = request.getHeader("X-Parameter");
            String seen = parameter == null
                    ? new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                    : String.join(",", request.getParameterValues(parameter));
            response.setContentType("text/plain;charset=UTF-8");
            response.getOutputStream()
                    .write(("application: " + request.getMethod() + ' ' + seen).getBytes(StandardCharsets.UTF_8));
            if (async != null) {
                async.complete();
            }
        }
    }
}
