// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.handoff.RedirectPolicy;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.servlet.HandoffRoute;
import dev.handoff.servlet.ServletHandoffRequest;
import dev.handoff.task.Task;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import dev.handoff.testkit.contract.FilterServer.LoginFilter;
import dev.handoff.testkit.contract.FilterServer.Settings;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests what routes and controllers see of a request on every servlet container, over real sockets. */
@Timeout(60)
public abstract class HandoffRouteContract {

    private static final String FORM = "application/x-www-form-urlencoded";

    private final HttpClient client = newClient();
    private @Nullable FilterServer started;

    /** Returns a container that has not been started. */
    protected abstract ServletContainer container();

    @AfterEach
    void stop() throws Exception {
        if (started != null) {
            started.close();
        }
    }

    // What a route reads

    @Test
    @DisplayName("a route sees the attributes that an earlier filter has set on the request")
    void attributes() throws Exception {
        Filter tenants = new HttpFilter() {
            private static final long serialVersionUID = 1;

            @Override
            protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                    throws IOException, ServletException {
                request.setAttribute("tenant", request.getHeader("X-Tenant"));
                chain.doFilter(request, response);
            }
        };
        start(Settings.of()
                .declaring(tenants)
                .filter(builder -> builder.post(
                        "/a", echo(request -> request.attribute("tenant") + " " + request.attribute("none")))));
        assertThat(streamed(post("/a", "", "X-Tenant", "acme"))).isEqualTo("acme null");
    }

    @Test
    @DisplayName("a route reads the bytes of a body that is not a text, is compressed, or has several parts")
    void bytes() throws Exception {
        start(route("/a", request -> HexFormat.of().formatHex(request.bodyBytes())));
        byte[] body = {0, (byte) 0xFF, (byte) 0xFE, 13, 10};
        assertThat(streamed(send("/a", body))).isEqualTo("00fffe0d0a");
        assertThat(streamed(send("/a", body, "Content-Type", "text/plain;charset=none")))
                .isEqualTo("00fffe0d0a");
        assertThat(streamed(send("/a", body, "Content-Encoding", "gzip"))).isEqualTo("00fffe0d0a");
        assertThat(streamed(send("/a", body, "Content-Type", "multipart/form-data; boundary=x")))
                .isEqualTo("00fffe0d0a");
        assertThat(streamed(send("/a", new byte[0]))).isEmpty();
    }

    @Test
    @DisplayName("a route reads both bytes and text, in any order, and the application reads the body again")
    void bytesAndText() throws Exception {
        start(Settings.of()
                .filter(builder -> builder.post("/bytes", echo(r -> r.bodyBytes().length + r.body()))
                        .post("/text", echo(r -> r.body() + r.bodyBytes().length))
                        .post("/pass", request -> {
                            assertThat(request.bodyBytes()).hasSize(2);
                            return Optional.empty();
                        })));
        assertThat(streamed(post("/bytes", "ü"))).isEqualTo("2ü");
        assertThat(streamed(post("/text", "ü"))).isEqualTo("ü2");
        assertThat(post("/pass", "ü").body()).isEqualTo("application: POST ü");
    }

    @Test
    @DisplayName("a body that is too large is refused when its bytes are read")
    void bytesTooLarge() throws Exception {
        start(Settings.of()
                .filter(builder -> builder.maxBodyBytes(3).post("/a", echo(r -> "" + r.bodyBytes().length))));
        assertThat(streamed(post("/a", "abc"))).isEqualTo("3");
        assertThat(post("/a", "abcd").statusCode()).isEqualTo(413);
    }

    @Test
    @DisplayName("if a filter has read the parameters of a form, its bytes are rebuilt from the fields")
    void bytesOfForm() throws Exception {
        start(Settings.of()
                .declaring(new FilterServer.ConsumingFilter())
                .filter(builder -> builder.post("/a", echo(r -> new String(r.bodyBytes(), UTF_8)))));
        assertThat(streamed(post("/a", "a=1&b=%26", "Content-Type", FORM, "X-Consume", "parameter")))
                .isEqualTo("a=1&b=%26");
        assertThat(post("/a", "a", "Content-Type", "text/plain", "X-Consume", "stream")
                        .statusCode())
                .isEqualTo(500);
    }

    // Paths with variables

    @Test
    @DisplayName("a route reads the variables of its path without percent-encoding and path parameters")
    void variables() throws Exception {
        start(Settings.of()
                .at("/shop")
                .filter(builder -> builder.post(
                        "/threads/{thread}/runs/{run}",
                        echo(r -> r.pathVariable("thread") + "|" + r.pathVariable("run") + "|" + r.body()))));
        assertThat(streamed(post("/threads/t%C3%BC%20x/runs/7?run=8", "b"))).isEqualTo("tü x|7|b");
        assertThat(streamed(post("/threads/5/runs/7;jsessionid=1", "b"))).isEqualTo("5|7|b");
        assertThat(streamed(post("/threads/5;a=b/runs/7", "b"))).isEqualTo("5|7|b");
    }

    @Test
    @DisplayName("a path with an empty segment, an encoded slash or a control character is not handed off")
    void strictPaths() throws Exception {
        start(Settings.of()
                .filter(builder -> builder.post("/threads/{thread}/runs", echo(HandoffRequest::body))
                        .post("/threads/{thread}", echo(HandoffRequest::body))));
        for (String path : List.of(
                "/threads",
                "/threads/",
                "/threads/5/",
                "/threads//",
                "/threads/5/runs/",
                "/threads/5/6/runs",
                "/threads/a%2Fb",
                "/threads/a%2fruns",
                "/threads/%2e%2e/runs",
                "/threads/a%0Ab",
                "/threads/a%00b")) {
            // Each request has a connection of its own, because a server closes the connection of a path that it
            // refuses.
            HttpResponse<String> answer =
                    newClient().send(request(path, "a".getBytes(UTF_8)), HttpResponse.BodyHandlers.ofString());
            boolean refused = answer.statusCode() == 400;
            assertThat(refused || answer.body().startsWith("application: POST"))
                    .as("%s was answered with %d %s", path, answer.statusCode(), answer.body())
                    .isTrue();
        }
        assertThat(server().run).isEmpty();
        assertThat(streamed(post("/threads/5", "a"))).isEqualTo("a");
    }

    @Test
    @DisplayName("a literal path is used before one with a variable, and other paths pass to the application")
    void literalBeforeVariable() throws Exception {
        start(Settings.of()
                .filter(builder -> builder.post("/threads/{thread}", echo(r -> r.pathVariable("thread")))
                        .post("/threads/new", echo(r -> "literal"))));
        assertThat(streamed(post("/threads/new", ""))).isEqualTo("literal");
        assertThat(streamed(post("/threads/old", ""))).isEqualTo("old");
        assertThat(post("/threads/old/x", "a").body()).isEqualTo("application: POST a");
    }

    @Test
    @DisplayName("R13 a variable that the path does not have is an error of the route")
    void unknownVariable() throws Exception {
        start(Settings.of().filter(builder -> builder.post("/threads/{thread}", echo(r -> r.pathVariable("run")))));
        HttpResponse<String> answer = post("/threads/5", "");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).contains("internal_error").doesNotContain("run");
    }

    // Settings of a route

    @Test
    @DisplayName("a route has its own subject, redirect policy and errors, and another route those of the filter")
    void ownSettings() throws Exception {
        start(Settings.of()
                .declaring(new LoginFilter())
                .filter(builder -> builder.errors(problem -> Reply.of(problem.status(), "text/plain", "of the filter"))
                        .post(
                                "/own",
                                echo(HandoffRouteContract::bodyUnlessFail),
                                settings -> settings.subject(request -> "own/" + request.getRemoteUser())
                                        .redirectPolicy(RedirectPolicy.accepted())
                                        .errors(problem -> Reply.of(problem.status(), "text/plain", "of the route")))
                        .post("/other", echo(HandoffRouteContract::bodyUnlessFail))));
        HttpResponse<String> own = post("/own", "a", "X-User", "alice");
        assertThat(own.statusCode()).isEqualTo(202);
        assertThat(streamed(post("/other", "b", "X-User", "alice"))).isEqualTo("b");
        await().until(() -> server().run.size() == 2);
        assertThat(server().run)
                .extracting(Task::payload, Task::subject)
                .containsExactlyInAnyOrder(tuple("a", "own/alice"), tuple("b", "alice"));
        assertThat(post("/own", "fail").body()).isEqualTo("of the route");
        assertThat(post("/other", "fail").body()).isEqualTo("of the filter");
    }

    @Test
    @DisplayName("a client that resumes at the path of a route gets the settings of that route, with every method")
    void resumesWithOwnSettings() throws Exception {
        start(Settings.of()
                .declaring(new LoginFilter())
                .filter(builder -> builder.post(
                        "/threads/{thread}",
                        echo(HandoffRequest::body),
                        settings -> settings.subject(request -> "own/" + request.getRemoteUser()))));
        HttpResponse<String> first = post("/threads/5", "a", "X-User", "alice");
        assertThat(streamed(first)).isEqualTo("a");
        String id = received(first).get(0).lastEventId();
        for (String method : List.of("GET", "POST")) {
            HttpRequest again = HttpRequest.newBuilder(URI.create(server().root + "/threads/5"))
                    .method(method, HttpRequest.BodyPublishers.noBody())
                    .headers("X-User", "alice", "Last-Event-ID", id)
                    .build();
            HttpResponse<String> rest = client.send(again, HttpResponse.BodyHandlers.ofString());
            assertThat(received(rest)).as(method).isEqualTo(received(first).subList(1, 2));
        }
        assertThat(post("/threads/5", "", "X-User", "bob", "Last-Event-ID", id).statusCode())
                .isEqualTo(403);
        assertThat(server().run).hasSize(1);
    }

    @Test
    @DisplayName("a redirect policy reads the bytes that the route has read, and no others")
    void bytesAfterTheRoute() throws Exception {
        RedirectPolicy reading = (request, grant, location) -> RedirectPolicy.accepted()
                .reply(request, grant, location)
                .with("X-Bytes", Integer.toString(request.bodyBytes().length));
        start(Settings.of()
                .filter(builder -> builder.post(
                                "/bytes", echo(r -> "" + r.bodyBytes().length), s -> s.redirectPolicy(reading))
                        .post("/text", echo(HandoffRequest::body), s -> s.redirectPolicy(reading))));
        assertThat(post("/bytes", "abc").headers().firstValue("X-Bytes")).contains("3");
        assertThat(post("/text", "abc").statusCode()).isEqualTo(500);
    }

    // Replies

    @Test
    @DisplayName(
            "each value of a header of a reply is sent beside those of other filters, and bytes are sent as they are")
    void severalValuesAndBytes() throws Exception {
        Filter session = new HttpFilter() {
            private static final long serialVersionUID = 1;

            @Override
            protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                    throws IOException, ServletException {
                response.addHeader("Set-Cookie", "session=0");
                response.addHeader("Vary", "Cookie");
                response.addHeader("Cache-Control", "private");
                chain.doFilter(request, response);
            }
        };
        Reply refusal = Reply.of(403, "application/octet-stream", new byte[] {0, (byte) 0xFF})
                .with("Cache-Control", "no-store")
                .adding("Set-Cookie", "a=1")
                .adding("Set-Cookie", "b=2")
                .adding("Vary", "Origin")
                .adding("X-Several", "1")
                .adding("X-Several", "2");
        start(Settings.of()
                .declaring(session)
                .filter(builder -> builder.errors(problem -> refusal).post("/a", request -> {
                    throw new ProblemException(403, "no", "No.");
                })));
        HttpResponse<byte[]> answer = client.send(request("/a", new byte[0]), HttpResponse.BodyHandlers.ofByteArray());
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(answer.body()).containsExactly(0, 0xFF);
        assertThat(answer.headers().allValues("Set-Cookie")).containsExactlyInAnyOrder("session=0", "a=1", "b=2");
        assertThat(String.join(", ", answer.headers().allValues("Vary"))).contains("Cookie", "Origin");
        assertThat(answer.headers().allValues("X-Several")).containsExactly("1", "2");
        assertThat(answer.headers().allValues("Cache-Control")).containsExactly("no-store");
    }

    // A controller instead of a route

    @Test
    @DisplayName("a controller hands off, and the default subject is the remote user")
    void controller() throws Exception {
        start(controller(request -> {
            ServletHandoffRequest asked = ServletHandoffRequest.of(request);
            return server().handoff().begin(asked, Task.of("echo", asked.method() + ' ' + asked.body()));
        }));
        assertThat(streamed(post("/controller", "ü", "X-User", "alice"))).isEqualTo("POST ü");
        assertThat(server().run.get(0).subject()).isEqualTo("alice");
    }

    @Test
    @DisplayName("a controller chooses the subject of its request")
    void controllerSubject() throws Exception {
        start(controller(request -> server().handoff()
                .begin(ServletHandoffRequest.of(request, r -> "tenant/" + r.getRemoteUser()), Task.of("echo", "a"))));
        assertThat(streamed(post("/controller", "", "X-User", "alice"))).isEqualTo("a");
        assertThat(server().run.get(0).subject()).isEqualTo("tenant/alice");
    }

    @Test
    @DisplayName("a controller that has read the body can hand off, and a second read fails with content_consumed")
    void controllerReadBody() throws Exception {
        start(controller(request -> {
            String body = new String(request.getInputStream().readAllBytes(), UTF_8);
            ServletHandoffRequest asked = ServletHandoffRequest.of(request);
            try {
                return server().handoff().begin(asked, Task.of("echo", body + asked.body()));
            } catch (ProblemException e) {
                return server().handoff()
                        .begin(asked, Task.of("echo", body + ' ' + e.problem().code()));
            }
        }));
        assertThat(streamed(post("/controller", "ü"))).isEqualTo("ü content_consumed");
    }

    @Test
    @DisplayName("a controller reads a form whose parameters the container has read")
    void controllerForm() throws Exception {
        start(controller(request -> {
            assertThat(request.getParameter("a")).isEqualTo("ü");
            ServletHandoffRequest asked = ServletHandoffRequest.of(request);
            return server().handoff().begin(asked, Task.of("echo", asked.body()));
        }));
        assertThat(streamed(post("/controller", "a=%C3%BC", "Content-Type", FORM + ";charset=UTF-8")))
                .isEqualTo("a=%C3%BC");
    }

    /** Plays a controller of the application. */
    @FunctionalInterface
    private interface Controller {
        Reply handle(HttpServletRequest request) throws IOException;
    }

    private static Settings controller(Controller controller) {
        return Settings.of().declaring(new LoginFilter()).registering((context, register) -> {
            register.run();
            context.addServlet("controller", new HttpServlet() {
                        private static final long serialVersionUID = 1;

                        @Override
                        protected void doPost(HttpServletRequest request, HttpServletResponse response)
                                throws IOException {
                            Reply reply = controller.handle(request);
                            response.setStatus(reply.status());
                            response.setHeader("Location", reply.header("Location"));
                        }
                    })
                    .addMapping("/controller");
        });
    }

    // Client

    private static Settings route(String path, Function<HandoffRequest, String> payload) {
        return Settings.of().filter(builder -> builder.post(path, echo(payload)));
    }

    /** Returns a route whose task emits the text that the function makes of the request. */
    private static HandoffRoute echo(Function<HandoffRequest, String> payload) {
        return request -> Optional.of(Task.of("echo", payload.apply(request)));
    }

    private void start(Settings settings) throws Exception {
        started = new FilterServer(container(), settings);
    }

    private FilterServer server() {
        return Objects.requireNonNull(started);
    }

    private static HttpClient newClient() {
        return HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NORMAL)
                .build();
    }

    private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
        return send(path, body.getBytes(UTF_8), headers);
    }

    private HttpResponse<String> send(String path, byte[] body, String... headers) throws Exception {
        return client.send(request(path, body, headers), HttpResponse.BodyHandlers.ofString());
    }

    private HttpRequest request(String path, byte[] body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(server().root + path))
                .POST(HttpRequest.BodyPublishers.ofByteArray(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        return request.build();
    }

    /** Returns the data of the first event of the stream to which the client was redirected. */
    private static String streamed(HttpResponse<String> answer) throws IOException {
        return received(answer).get(0).data();
    }

    private static List<Received> received(HttpResponse<String> answer) throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/event-stream");
        return new SseReader(new ByteArrayInputStream(answer.body().getBytes(UTF_8))).toEnd();
    }

    private static String bodyUnlessFail(HandoffRequest request) {
        if (request.body().equals("fail")) {
            throw new ProblemException(422, "told_to_fail", "The content says that it fails.");
        }
        return request.body();
    }
}
