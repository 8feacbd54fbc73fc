// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.task.Task;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import dev.handoff.testkit.contract.FilterServer.ConsumingFilter;
import dev.handoff.testkit.contract.FilterServer.LoginFilter;
import dev.handoff.testkit.contract.FilterServer.Settings;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests {@code HandoffFilter} and {@code HandoffServlets} on a servlet container, over real sockets. */
@Timeout(60)
public abstract class HandoffFilterContract {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String FORM = "application/x-www-form-urlencoded";
    private static final int SOCKET_TIMEOUT_MILLIS = 15_000;

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<Socket> sockets = new ArrayList<>();
    private @Nullable FilterServer started;

    /** Returns a container that has not been started. */
    protected abstract ServletContainer container();

    @AfterEach
    void stop() throws Exception {
        for (Socket socket : sockets) {
            socket.close();
        }
        if (started != null) {
            started.close();
        }
    }

    // Registration

    @Test
    @DisplayName("R10 after a declared login filter, two users with the same Idempotency-Key get two tasks")
    void declaredLogin() throws Exception {
        start(Settings.of().declaring(new LoginFilter()));
        assertTwoUsersTwoTasks();
    }

    @Test
    @DisplayName("R10 a login filter that code registers with isMatchAfter false runs first, even if registered later")
    void loginRegisteredLater() throws Exception {
        start(Settings.of().registering((context, register) -> {
            register.run();
            login(context, false);
        }));
        assertTwoUsersTwoTasks();
    }

    @Test
    @DisplayName("R10 a login filter that code registers earlier with isMatchAfter true runs first")
    void loginRegisteredEarlier() throws Exception {
        start(Settings.of().registering((context, register) -> {
            login(context, true);
            register.run();
        }));
        assertTwoUsersTwoTasks();
    }

    private static void login(ServletContext context, boolean isMatchAfter) {
        FilterRegistration.Dynamic login = context.addFilter("login", new LoginFilter());
        login.setAsyncSupported(true);
        login.addMappingForUrlPatterns(EnumSet.of(DispatcherType.REQUEST), isMatchAfter, "/*");
    }

    private void assertTwoUsersTwoTasks() throws Exception {
        String key = UUID.randomUUID().toString();
        String alice = taskOf(post("/tasks", "a", "X-User", "alice", "Idempotency-Key", key));
        String bob = taskOf(post("/tasks", "a", "X-User", "bob", "Idempotency-Key", key));
        assertThat(bob).isNotEqualTo(alice);
        assertThat(taskOf(post("/tasks", "a", "X-User", "alice", "Idempotency-Key", key)))
                .isEqualTo(alice);
        await().until(() -> server().run.size() == 2);
        assertThat(server().run).extracting(Task::subject).containsExactlyInAnyOrder("alice", "bob");
    }

    @Test
    @DisplayName("under a context path, the redirect leads to the stream, and a reconnect gets the remaining events")
    void contextPath() throws Exception {
        start(Settings.of().at("/shop"));
        HttpResponse<String> redirect = post("/tasks", "tea");
        String location = location(redirect);
        assertThat(location).startsWith("/shop/events/");
        List<Received> all = events(location);
        assertThat(all).extracting(Received::data).containsExactly("tea", "");

        String again =
                location(post("/tasks", "tea", "Last-Event-ID", all.get(0).lastEventId()));
        assertThat(again).startsWith("/shop/events/");
        assertThat(events(again)).isEqualTo(all.subList(1, 2));
        assertThat(server().run).hasSize(1);
    }

    @Test
    @DisplayName("a servlet behind the filter may start asynchronous processing")
    void asyncBehindTheFilter() throws Exception {
        start(Settings.of());
        assertThat(post("/tasks", "a", "X-Pass", "1", "X-Application", "async").body())
                .isEqualTo("application: POST a");
    }

    @Test
    @DisplayName("an invalid registration is refused")
    void refusesRegistrations() throws Exception {
        start(Settings.of().registering((context, register) -> {
            register.run();
            assertThatIllegalStateException().isThrownBy(register::run).withMessageContaining("handoff");
        }));
        assertThat(post("/tasks", "a").statusCode()).isEqualTo(303);
    }

    // Failures

    @Test
    @DisplayName("R13 an exception of the route, the subject or the policy is answered as a problem with status 500")
    void applicationFails() throws Exception {
        start(Settings.of());
        for (String part : List.of("route", "error", "checked", "subject", "policy")) {
            assertProblem(post("/tasks", "a", "X-Fail", part), 500, "internal_error");
        }
        assertThat(server().run).isEmpty();
    }

    @Test
    @DisplayName("R13 a task in an unknown format is answered as a problem with status 500")
    void unknownFormat() throws Exception {
        start(Settings.of());
        assertProblem(post("/tasks", "a", "X-Format", "none"), 500, "internal_error");
    }

    @Test
    @DisplayName("R13 an exception of the dispatcher is answered with status 503, and the client may try again")
    void dispatcherFails() throws Exception {
        start(Settings.of());
        List<Received> all = events(location(post("/tasks", "a")));
        server().breakDispatcher();
        for (HttpResponse<String> answer : List.of(
                post("/tasks", "a"),
                post("/tasks", "a", "Last-Event-ID", all.get(0).lastEventId()))) {
            assertProblem(answer, 503, "unavailable");
            assertThat(answer.headers().firstValue("Retry-After")).contains("1");
            assertThat(answer.headers().firstValue("x-should-retry")).isEmpty();
        }
    }

    @Test
    @DisplayName("R13 the errors function shapes the reply; if it fails, the reply is problem details")
    void errorsFunction() throws Exception {
        start(Settings.of()
                .filter(builder -> builder.errors(problem -> {
                    if (problem.status() == 503) {
                        throw new IllegalStateException("of the errors function");
                    }
                    if (problem.status() == 415) {
                        throw new NoClassDefFoundError("of the errors function");
                    }
                    return Reply.of(problem.status(), "text/plain", "own: " + problem.code());
                })));
        assertThat(post("/tasks", "a", "X-Fail", "route").body()).isEqualTo("own: internal_error");
        assertProblem(post("/tasks", "a", "Content-Type", "multipart/form-data"), 415, "unsupported_media_type");
        server().breakDispatcher();
        assertProblem(post("/tasks", "a"), 503, "unavailable");
    }

    @Test
    @DisplayName("R13 an exception of the application behind the filter passes through to the container")
    void chainFails() throws Exception {
        start(Settings.of());
        HttpResponse<String> answer = post("/tasks", "a", "X-Pass", "1", "X-Application", "fail");
        assertThat(answer.statusCode()).isEqualTo(500);
        assertThat(answer.body()).doesNotContain("internal_error");
        assertThat(answer.headers().firstValue("Content-Type").orElse("")).doesNotContain(Problem.MEDIA_TYPE);
    }

    // Resuming and joining

    @Test
    @DisplayName("a Last-Event-ID of the application itself passes where the method has no route, else it is refused")
    void foreignLastEventId() throws Exception {
        start(Settings.of());
        assertThat(send("GET", "/tasks", "", "Last-Event-ID", "42").body()).isEqualTo("application: GET ");
        assertProblem(post("/tasks", "a", "Last-Event-ID", "42"), 400, "invalid_last_event_id");
        String last = events(location(post("/tasks", "a"))).get(0).lastEventId();
        assertThat(events(location(send("GET", "/tasks", "", "Last-Event-ID", last))))
                .hasSize(1);
    }

    @Test
    @DisplayName("R10 a route may join retries that the client marks without an idempotency key")
    void joinsMarkedRetries() throws Exception {
        start(Settings.of());
        String first = taskOf(post("/joined", "a", "X-Stainless-Retry-Count", "0"));
        assertThat(taskOf(post("/joined", "a", "X-Stainless-Retry-Count", "1"))).isEqualTo(first);
        assertThat(taskOf(post("/joined", "a"))).isNotEqualTo(first);
        assertThat(taskOf(post("/joined", "b", "X-Stainless-Retry-Count", "1"))).isNotEqualTo(first);

        String unjoined = taskOf(post("/tasks", "c"));
        assertThat(taskOf(post("/tasks", "c", "X-Stainless-Retry-Count", "1"))).isNotEqualTo(unjoined);
    }

    // Bodies

    @Test
    @DisplayName("a form that an earlier filter parsed is rebuilt from its parameters, without those of the query")
    void parsedForms() throws Exception {
        start(Settings.of().declaring(new ConsumingFilter()));
        String form = "a=1&b=%C3%BC+%26&a=2";
        taskOf(post("/tasks?a=q&c=q", form, "Content-Type", FORM, "X-Consume", "parameter"));
        await().until(() -> server().run.size() == 1);
        List<String> fields = Arrays.asList(server().run.get(0).payload().split("&"));
        assertThat(fields).containsExactlyInAnyOrder(form.split("&")).containsSubsequence("a=1", "a=2");

        HttpResponse<String> passed = post(
                "/tasks?a=q", form, "Content-Type", FORM, "X-Consume", "parameter", "X-Pass", "1", "X-Parameter", "a");
        assertThat(passed.body()).isEqualTo("application: POST q,1,2");
    }

    @Test
    @DisplayName("a parsed form of unknown length is rebuilt too, and an empty form stays empty")
    void parsedFormsOfUnknownLength() throws Exception {
        start(Settings.of().declaring(new ConsumingFilter()));
        taskOf(sendChunked("/tasks?a=q", "a=1", "Content-Type", FORM, "X-Consume", "parameter"));
        await().until(() -> server().run.size() == 1);
        assertThat(server().run.get(0).payload()).isEqualTo("a=1");

        HttpResponse<String> passed = sendChunked(
                "/tasks", "a=1", "Content-Type", FORM, "X-Consume", "parameter", "X-Pass", "1", "X-Parameter", "a");
        assertThat(passed.body()).isEqualTo("application: POST 1");

        taskOf(sendChunked("/tasks?a=q", "", "Content-Type", FORM));
        await().until(() -> server().run.size() == 2);
        assertThat(server().run.get(1).payload()).isEmpty();
    }

    @Test
    @DisplayName("a body that an earlier filter has read is refused, and no task starts without its payload")
    void consumedBodies() throws Exception {
        start(Settings.of().declaring(new ConsumingFilter()));
        for (String way : List.of("stream", "reader")) {
            assertProblem(post("/tasks", "a", "X-Consume", way), 500, "content_consumed");
        }
        assertProblem(post("/tasks", "a=1", "Content-Type", FORM, "X-Consume", "stream"), 500, "content_consumed");
        assertProblem(sendChunked("/tasks", "a", "X-Consume", "stream"), 500, "content_consumed");
        assertThat(taskOf(post("/tasks", ""))).isNotEmpty();
        assertThat(taskOf(sendChunked("/tasks", "a"))).isNotEmpty();
        await().until(() -> server().run.size() == 2);
        assertThat(server().run).extracting(Task::payload).containsExactlyInAnyOrder("", "a");
    }

    @Test
    @DisplayName(
            "a connection is closed if an earlier filter may have left a part of the body, and the response says so")
    void bodyOfReader() throws Exception {
        start(Settings.of().declaring(new ConsumingFilter()));
        Socket socket = connect("POST /tasks HTTP/1.1\r\nHost: a\r\nX-Consume: reader\r\nContent-Length: 9\r\n\r\n");
        assertClosedAfter(socket, 500, "content_consumed");
    }

    @Test
    @DisplayName("a body is decoded strictly, without its byte order mark")
    void decodesStrictly() throws Exception {
        start(Settings.of());
        assertThat(payload("\uFEFFü".getBytes(UTF_8), "application/json")).isEqualTo("ü");
        assertThat(payload("\uFEFFü".getBytes(UTF_16LE), "text/plain; charset=utf-16"))
                .isEqualTo("ü");
        assertThat(payload("\uFEFFü".getBytes(UTF_16BE), "text/plain; charset=utf-16be"))
                .isEqualTo("ü");
        assertThat(payload("ü".getBytes(ISO_8859_1), "text/plain; charset=iso-8859-1"))
                .isEqualTo("ü");
        assertThat(payload("a \uFFFD".getBytes(UTF_8), "text/plain; charset=utf-8"))
                .isEqualTo("a \uFFFD");

        HttpResponse<String> malformed = send(request("/tasks", new byte[] {'a', 'b', (byte) 0xFC, 'c'}));
        assertProblem(malformed, 400, "malformed_content");
        assertThat(malformed.body()).contains("UTF-8 at byte 2");
    }

    @Test
    @DisplayName("a compressed body is refused, and the response says what to send instead")
    void compressedBodies() throws Exception {
        start(Settings.of());
        HttpResponse<String> gzip = post("/tasks", "a", "Content-Encoding", "gzip");
        assertProblem(gzip, 415, "unsupported_content_encoding");
        assertThat(gzip.body()).contains("gzip");
        assertThat(gzip.headers().firstValue("Accept-Encoding")).contains("identity");
        assertThat(post("/tasks", "a", "Content-Encoding", "identity").statusCode())
                .isEqualTo(303);
    }

    @Test
    @DisplayName("a request that lost a part of its body does not reach the application, even if the route declines it")
    void lostBodies() throws Exception {
        start(Settings.of().filter(builder -> builder.maxBodyBytes(10)));
        assertProblem(post("/tasks", "a".repeat(11), "X-Catch", "1"), 413, "content_too_large");
        assertProblem(sendChunked("/tasks", "a".repeat(11), "X-Catch", "1"), 413, "content_too_large");
        assertThat(post("/tasks", "a".repeat(10), "X-Catch", "1", "X-Pass", "1").body())
                .isEqualTo("application: POST aaaaaaaaaa");
        HttpResponse<String> malformed = send(request("/tasks", new byte[] {(byte) 0xFC}, "X-Catch", "1"));
        assertThat(malformed.body()).startsWith("application: POST ");
    }

    @Test
    @DisplayName("R13 a body that ends too early is refused with status 400, and the connection is closed")
    void cutBodies() throws Exception {
        start(Settings.of());
        Socket cut = beginPost("/tasks", 2000, "a");
        cut.shutdownOutput();
        // Tomcat answers with its own error page.
        assertClosedAfter(cut, 400, "Bad Request");
        assertThat(server().run).isEmpty();
    }

    @Test
    @DisplayName("R15 a body must arrive at the minimum rate; otherwise the connection is closed at once")
    void slowBodies() throws Exception {
        start(Settings.of().filter(builder -> builder.minBodyRate(100)));
        Socket slow = beginPost("/tasks", 2000, "a");
        awaitTickerReads(2);
        server().tick(Duration.ofSeconds(9));
        slow.getOutputStream().write('b');
        awaitTickerReads(3);
        server().tick(Duration.ofSeconds(2));
        slow.getOutputStream().write('c');
        assertClosedAfter(slow, 408, "content_too_slow");
        assertThat(server().run).isEmpty();
    }

    @Test
    @DisplayName("R15 a body must arrive before its deadline at any rate")
    void bodyDeadline() throws Exception {
        start(Settings.of().filter(builder -> builder.minBodyRate(0).bodyDeadline(Duration.ofSeconds(60))));
        Socket slow = beginPost("/tasks", 2000, "a");
        awaitTickerReads(2);
        server().tick(Duration.ofSeconds(59));
        slow.getOutputStream().write('b');
        awaitTickerReads(3);
        server().tick(Duration.ofSeconds(1));
        slow.getOutputStream().write('c');
        assertClosedAfter(slow, 408, "content_too_slow");
    }

    @Test
    @DisplayName("R15 a body that no route reads must also arrive before its deadline")
    void unreadBodies() throws Exception {
        start(Settings.of());
        Socket quick = beginPost("/unread", 3, "abc");
        assertThat(readHead(quick)).startsWith("HTTP/1.1 303");

        Socket slow = beginPost("/unread", 2000, "a");
        awaitTickerReads(2);
        server().tick(Duration.ofMinutes(2));
        slow.getOutputStream().write('b');
        assertClosedAfter(slow, 303, "task");

        Socket waiting =
                connect("POST /unread HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n");
        assertClosedAfter(waiting, 303, "task");
    }

    @Test
    @DisplayName("R15 the number of threads that wait for bodies is limited; bodies already received are read anyway")
    void waitingBodies() throws Exception {
        start(Settings.of().filter(builder -> builder.maxWaitingBodies(1)));
        Socket first = beginPost("/tasks", 10, "a");
        awaitTickerReads(2);

        Socket second = beginPost("/tasks", 10, "a");
        assertThat(assertClosedAfter(second, 503, "too_many_slow_requests")).contains("Retry-After: 1");
        assertThat(readHead(beginPost("/tasks", 3, "abc"))).startsWith("HTTP/1.1 303");
        assertThat(send("GET", "/other", "").statusCode()).isEqualTo(200);

        first.getOutputStream().write("bcdefghij".getBytes(UTF_8));
        assertThat(readHead(first)).startsWith("HTTP/1.1 303");
        int reads = server().tickerReads();
        Socket third = beginPost("/tasks", 2, "a");
        awaitTickerReads(reads + 2);
        third.getOutputStream().write('b');
        assertThat(readHead(third)).startsWith("HTTP/1.1 303");
    }

    @Test
    @DisplayName("R15 the bytes of all bodies are limited, and finished requests release theirs")
    void bodiesInMemory() throws Exception {
        start(Settings.of().filter(builder -> builder.maxBodyBytesInFlight(300_000)));
        assertProblem(post("/tasks", "a".repeat(100_001)), 413, "content_too_large");
        List<Socket> slow = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            int reads = server().tickerReads();
            slow.add(beginPost("/tasks", 100_000, "a"));
            awaitTickerReads(reads + 2);
        }
        HttpResponse<String> refused = post("/tasks", "a".repeat(40_000));
        assertProblem(refused, 503, "too_much_content");
        assertThat(refused.headers().firstValue("Retry-After")).contains("1");

        for (Socket socket : slow) {
            socket.close();
        }
        await().until(() -> post("/tasks", "ü".repeat(50_000)).statusCode() == 303);
        for (int i = 0; i < 10; i++) {
            assertThat(post("/tasks", "a".repeat(100_000), "X-Pass", "1").statusCode())
                    .isEqualTo(200);
        }
    }

    @Test
    @DisplayName("R15 bodies of each size arrive complete, with and without a declared length")
    void sizes() throws Exception {
        start(Settings.of());
        int tasks = 0;
        for (int size : new int[] {0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 524_289, 5_000_000}) {
            String body = "0123456789".repeat(size / 10 + 1).substring(0, size);
            assertThat(post("/tasks", body, "X-Pass", "1").body()).isEqualTo("application: POST " + body);
            assertThat(sendChunked("/tasks", body, "X-Pass", "1").body()).isEqualTo("application: POST " + body);
            post("/tasks", body);
            tasks++;
            int expected = tasks;
            await().until(() -> server().run.size() == expected);
            assertThat(server().run.get(tasks - 1).payload()).isEqualTo(body);
        }
    }

    // The tools

    private void start(Settings settings) throws Exception {
        started = new FilterServer(container(), settings);
    }

    private FilterServer server() {
        return Objects.requireNonNull(started);
    }

    private HttpRequest request(String method, String path, HttpRequest.BodyPublisher body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(
                        server().root.resolve(server().root.getPath() + path))
                .timeout(Duration.ofSeconds(30))
                .method(method, body);
        return (headers.length == 0 ? request : request.headers(headers)).build();
    }

    private HttpRequest request(String path, byte[] body, String... headers) {
        return request("POST", path, HttpRequest.BodyPublishers.ofByteArray(body), headers);
    }

    private HttpResponse<String> send(HttpRequest request) throws Exception {
        return client.send(request, HttpResponse.BodyHandlers.ofString());
    }

    private HttpResponse<String> send(String method, String path, String body, String... headers) throws Exception {
        return send(request(
                method,
                path,
                body.isEmpty() ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body),
                headers));
    }

    private HttpResponse<String> post(String path, String body, String... headers) throws Exception {
        return send("POST", path, body, headers);
    }

    private HttpResponse<String> sendChunked(String path, String body, String... headers) throws Exception {
        return send(request(
                "POST",
                path,
                HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body.getBytes(UTF_8))),
                headers));
    }

    private String payload(byte[] body, String contentType) throws Exception {
        int before = server().run.size();
        taskOf(send(request("/tasks", body, "Content-Type", contentType)));
        await().until(() -> server().run.size() == before + 1);
        return server().run.get(before).payload();
    }

    private static String location(HttpResponse<String> redirect) {
        assertThat(redirect.statusCode()).as(redirect.body()).isEqualTo(303);
        return redirect.headers().firstValue("Location").orElseThrow();
    }

    private static String taskOf(HttpResponse<String> redirect) throws IOException {
        assertThat(redirect.statusCode()).as(redirect.body()).isEqualTo(303);
        return JSON.readTree(redirect.body()).get("task").textValue();
    }

    private List<Received> events(String location) throws Exception {
        HttpResponse<String> answer =
                send(HttpRequest.newBuilder(server().root.resolve(location)).build());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return new SseReader(new ByteArrayInputStream(answer.body().getBytes(UTF_8))).toEnd();
    }

    private static void assertProblem(HttpResponse<String> answer, int status, String code) throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains(Problem.MEDIA_TYPE);
        JsonNode problem = JSON.readTree(answer.body());
        assertThat(problem.get("code").textValue()).isEqualTo(code);
    }

    private void awaitTickerReads(int count) {
        await().until(() -> server().tickerReads() >= count);
    }

    /** Sends the head of a request and the beginning of its body in one segment. */
    private Socket beginPost(String path, int contentLength, String begin) throws IOException {
        return connect("POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: "
                + contentLength + "\r\n\r\n" + begin);
    }

    private Socket connect(String request) throws IOException {
        Socket socket = new Socket(server().root.getHost(), server().root.getPort());
        sockets.add(socket);
        socket.setSoTimeout(SOCKET_TIMEOUT_MILLIS);
        socket.getOutputStream().write(request.getBytes(UTF_8));
        return socket;
    }

    private static String readHead(Socket socket) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream();
        while (!head.toString(UTF_8).endsWith("\r\n\r\n")) {
            int next = socket.getInputStream().read();
            if (next < 0) {
                throw new IOException("ended in the head: " + head.toString(UTF_8));
            }
            head.write(next);
        }
        return head.toString(UTF_8);
    }

    /** Reads a whole response after which the server closes the connection, although the client keeps it open. */
    private static String assertClosedAfter(Socket socket, int status, String text) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(all);
        } catch (SocketException e) {
            // A reset after the whole response counts as a close.
        }
        // Tomcat sends 100 Continue before any filter runs.
        String response = all.toString(UTF_8).replaceFirst("^HTTP/1.1 100 .*\r\n\r\n", "");
        assertThat(response).startsWith("HTTP/1.1 " + status).contains(text).containsIgnoringCase("Connection: close");
        return response;
    }
}
