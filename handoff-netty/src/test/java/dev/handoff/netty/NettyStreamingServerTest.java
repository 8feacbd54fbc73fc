// SPDX-License-Identifier: Apache-2.0
package dev.handoff.netty;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.StreamEndpoint;
import dev.handoff.http.Reply;
import dev.handoff.task.Task;
import dev.handoff.testkit.TestHandoff;
import dev.handoff.testkit.TestRequest;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the parts of the server that no contract of containers covers: connections, requests that are not valid, TLS, and the transports. */
@Timeout(60)
class NettyStreamingServerTest {

    private static final String GET = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private static final int LIMIT_MILLIS = 20_000;

    private final ExecutorService executor = Executors.newCachedThreadPool();
    private final CountDownLatch goOn = new CountDownLatch(1);
    private final TestHandoff app = TestHandoff.builder()
            .handler("words", (task, output) -> {
                for (String word : task.payload().split(" ")) {
                    output.emit(word);
                }
            })
            .handler("waiting", (task, output) -> {
                output.emit("first");
                goOn.await();
            })
            .build();
    private final StreamEndpoint endpoint = StreamEndpoint.builder(app.handoff())
            .heartbeat(Duration.ofMillis(50))
            .build();
    private @Nullable NettyStreamingServer started;

    @AfterEach
    void stop() {
        goOn.countDown();
        if (started != null) {
            started.close();
        }
        app.close();
        executor.shutdownNow();
    }

    private NettyStreamingServer server(UnaryOperator<NettyStreamingServer.Builder> settings) throws IOException {
        return server(executor, settings);
    }

    private NettyStreamingServer server(Executor threads, UnaryOperator<NettyStreamingServer.Builder> settings)
            throws IOException {
        NettyStreamingServer server = settings.apply(NettyStreamingServer.builder(endpoint, threads)
                        .address(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .drainWindow(Duration.ZERO))
                .build();
        server.start();
        started = server;
        return server;
    }

    /** Begins a task and returns the path of its stream. */
    private String begin(String type, String payload) {
        Reply redirect = app.handoff().begin(TestRequest.post("/", ""), Task.of(type, payload));
        return redirect.header("Location");
    }

    private Socket send(NettyStreamingServer server, String request) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
        socket.setSoTimeout(LIMIT_MILLIS);
        socket.getOutputStream().write(request.getBytes(UTF_8));
        return socket;
    }

    private static String readUntil(Socket socket, String text) throws IOException {
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        while (!seen.toString(UTF_8).endsWith(text)) {
            int next = in.read();
            assertThat(next).as(seen.toString(UTF_8)).isNotNegative();
            seen.write(next);
        }
        return seen.toString(UTF_8);
    }

    private String exchange(NettyStreamingServer server, String request) throws IOException {
        try (Socket socket = send(server, request)) {
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }

    @Test
    @DisplayName("requests that come at once are answered one after the other, on the same connection")
    void pipelining() throws Exception {
        NettyStreamingServer server = server(s -> s.get("/healthz", request -> Reply.of(200, "text/plain", "fine")));
        String stream = begin("words", "one two");
        String all = ("GET " + stream + GET).repeat(2) + "GET /healthz" + GET + "HEAD /healthz" + GET + "GET /other"
                + GET + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        String answers = exchange(server, all);
        assertThat(answers.split("data: two\n", -1)).hasSize(3);
        assertThat(answers.split("\r\n0\r\n\r\n", -1)).hasSize(3);
        assertThat(answers.split("HTTP/1.1 200 OK\r\n", -1)).hasSize(6);
        assertThat(answers).contains("HTTP/1.1 404 Not Found\r\n").endsWith("fine");
    }

    @Test
    @DisplayName("a client that sends a second request while it reads an open stream gets its answer after the stream")
    void pipelinedBehindOpenStream() throws Exception {
        NettyStreamingServer server = server(s -> s.get("/healthz", request -> Reply.of(200, "text/plain", "fine")));
        try (Socket socket = send(server, "GET " + begin("waiting", "") + GET)) {
            readUntil(socket, "data: first\n");
            socket.getOutputStream().write(("GET /healthz" + GET).getBytes(UTF_8));
            readUntil(socket, ":\n");
            goOn.countDown();
            assertThat(readUntil(socket, "\r\n\r\nfine")).contains("event: completed");
        }
    }

    @Test
    @DisplayName("the content of a response over HTTP/1.0 has no chunks, and the connection ends it")
    void http10() throws Exception {
        NettyStreamingServer server = server(s -> s);
        String answer = exchange(server, "GET " + begin("words", "one") + " HTTP/1.0\r\n\r\n");
        assertThat(answer).contains("\r\n\r\nid: ").contains("data: one\n\n").doesNotContain("chunked");
        assertThat(answer).endsWith("\n\n");
    }

    @Test
    @DisplayName("R8 over HTTP/1.0 a cut resets the connection, since its end would look like the end of the stream")
    void cutOverHttp10() throws Exception {
        NettyStreamingServer server = server(s -> s);
        try (Socket socket = send(server, "GET " + begin("waiting", "") + " HTTP/1.0\r\n\r\n")) {
            readUntil(socket, "data: first\n\n");
            server.drain();
            readUntil(socket, "event: interrupted\n");
            assertThatThrownBy(() -> socket.getInputStream().readAllBytes()).isInstanceOf(SocketException.class);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "400:GET /events/x HTTP/1.1\r\n\r\n",
                "400:GET /events/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "400:GET /events/%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                "400:nonsense\r\n\r\n",
                "414:GET /events/LONG HTTP/1.1\r\nHost: a\r\n\r\n",
                "431:GET /events/x HTTP/1.1\r\nHost: a\r\nX: LONGLONG\r\n\r\n"
            })
    @DisplayName("a request that is not valid HTTP, or too long, is refused, and its connection is closed")
    void refusals(String line) throws Exception {
        NettyStreamingServer server = server(s -> s);
        String request = line.substring(4).replace("LONG", "x".repeat(9000));
        assertThat(exchange(server, request)).startsWith("HTTP/1.1 " + line.substring(0, 3));
    }

    @Test
    @DisplayName(
            "a connection that sends no whole request within the time is closed, and one with an open stream is not")
    void idleConnections() throws Exception {
        NettyStreamingServer server = server(s -> s.requestTime(Duration.ofMillis(300)));
        try (Socket reader = send(server, "GET " + begin("waiting", "") + GET);
                Socket silent = send(server, "");
                Socket slow = send(server, "GET /events/x HTTP/1.1\r\nHost:")) {
            assertThat(silent.getInputStream().read()).isNegative();
            assertThat(slow.getInputStream().read()).isNegative();
            goOn.countDown();
            readUntil(reader, "event: completed");
        }
    }

    @Test
    @DisplayName("R16 the server answers 503 while the executor rejects requests")
    void rejects() throws Exception {
        NettyStreamingServer server = server(
                job -> {
                    throw new RejectedExecutionException();
                },
                s -> s);
        assertThat(exchange(server, "GET /events/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 503")
                .containsIgnoringCase("Retry-After: 1\r\n");
    }

    @Test
    @DisplayName("R16 a function for another path that throws makes the answer 500, and the server goes on")
    void failingFunction() throws Exception {
        NettyStreamingServer server = server(s -> s.get("/broken", request -> {
            throw new IllegalStateException("a test of a function that fails");
        }));
        assertThat(exchange(server, "GET /broken" + GET)).startsWith("HTTP/1.1 500");
        assertThat(exchange(server, "POST /broken HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
                .startsWith("HTTP/1.1 405");
    }

    @Test
    @DisplayName("readers that share frames get heartbeats")
    void heartbeatsAfterSharedFrames() throws Exception {
        NettyStreamingServer server = server(s -> s);
        String stream = begin("waiting", "");
        try (Socket one = send(server, "GET " + stream + GET);
                Socket two = send(server, "GET " + stream + GET)) {
            for (Socket socket : new Socket[] {one, two}) {
                readUntil(socket, "data: first\n");
                readUntil(socket, "\r\n:\n\r\n");
            }
        }
    }

    @Test
    @DisplayName("R9 the server notices at once that a client has left, without a write")
    void noticesLeavers() throws Exception {
        StreamEndpoint quiet = StreamEndpoint.of(app.handoff());
        try (NettyStreamingServer server = NettyStreamingServer.builder(quiet, executor)
                .address(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .drainWindow(Duration.ZERO)
                .build()) {
            server.start();
            Socket socket = send(server, "GET " + begin("waiting", "") + GET);
            readUntil(socket, "data: first\n");
            assertThat(quiet.hasReaders()).isTrue();
            socket.close();
            await().until(() -> !quiet.hasReaders());
        }
    }

    private enum Kind {
        EPOLL_OR_NIO,
        NIO
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    @DisplayName("with TLS a client chooses HTTP/2 or HTTP/1.1, and sees a cut over both")
    void tls(Kind kind) throws Exception {
        X509Bundle identity = new CertificateBuilder()
                .subject("CN=localhost")
                .addSanDnsName("localhost")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        SslContext context = SslContextBuilder.forServer(identity.toKeyManagerFactory())
                .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
                .applicationProtocolConfig(new ApplicationProtocolConfig(
                        ApplicationProtocolConfig.Protocol.ALPN,
                        ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                        ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                        "h2",
                        "http/1.1"))
                .build();
        NettyStreamingServer server =
                server(s -> s.tls(context).transport(kind == Kind.NIO ? Transport.nio() : Transport.best()));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(identity.toKeyStore("password".toCharArray()));
        SSLContext client = SSLContext.getInstance("TLS");
        client.init(null, trust.getTrustManagers(), null);
        for (HttpClient.Version version : HttpClient.Version.values()) {
            HttpClient http =
                    HttpClient.newBuilder().version(version).sslContext(client).build();
            HttpResponse<String> whole = http.send(request(server, begin("words", "one two")), ofString());
            assertThat(whole.version()).isEqualTo(version);
            assertThat(whole.body()).contains("data: one\n", "data: two\n", "event: completed");
        }
        HttpClient http = HttpClient.newBuilder().sslContext(client).build();
        HttpRequest open = request(server, begin("waiting", ""));
        var cut = http.sendAsync(open, ofString());
        await().until(endpoint::hasReaders);
        server.drain().get(LIMIT_MILLIS, TimeUnit.MILLISECONDS);
        assertThatThrownBy(() -> cut.get(LIMIT_MILLIS, TimeUnit.MILLISECONDS))
                .hasRootCauseInstanceOf(IOException.class);
    }

    private static HttpResponse.BodyHandler<String> ofString() {
        return HttpResponse.BodyHandlers.ofString();
    }

    private static HttpRequest request(NettyStreamingServer server, String path) {
        return HttpRequest.newBuilder(URI.create("https://localhost:" + server.port() + path))
                .timeout(Duration.ofMillis(LIMIT_MILLIS))
                .build();
    }

    @Test
    @DisplayName("a server that cannot bind its address says so, and leaves no thread")
    void portTaken() throws Exception {
        NettyStreamingServer server = server(s -> s);
        NettyStreamingServer second = NettyStreamingServer.builder(app.handoff(), executor)
                .address(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()))
                .build();
        assertThatThrownBy(second::start)
                .isInstanceOf(IOException.class)
                .hasMessageContaining("cannot listen on")
                .hasMessageContaining(Integer.toString(server.port()));
        second.close();
        assertThatThrownBy(server::start).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @DisplayName("the event loops end when the server closes")
    void close() throws Exception {
        NettyStreamingServer server = server(s -> s.eventLoops(1));
        try (Socket socket = send(server, "GET " + begin("waiting", "") + GET)) {
            readUntil(socket, "data: first\n");
            server.close();
            assertThat(readAll(socket)).contains("event: interrupted").doesNotEndWith("0\r\n\r\n");
        }
        await().until(() -> Thread.getAllStackTraces().keySet().stream()
                .noneMatch(thread -> thread.isAlive() && thread.getName().startsWith("handoff-netty")));
    }

    private static String readAll(Socket socket) {
        try {
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @DisplayName("settings that cannot work are refused")
    void settings() {
        NettyStreamingServer.Builder builder = NettyStreamingServer.builder(app.handoff(), executor);
        assertThatThrownBy(() -> builder.path("events")).hasMessageContaining("events");
        assertThatThrownBy(() -> builder.path("/")).hasMessageContaining("/");
        assertThatThrownBy(() -> builder.eventLoops(0)).hasMessageContaining("0");
        assertThatThrownBy(() -> builder.build().port()).isInstanceOf(IllegalStateException.class);
    }
}
