// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.handoff.http.Problem;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** Starts the server of a contract and sends requests to it. */
abstract class ContainerClient implements ServletContainerContract {

    static final ObjectMapper JSON = new ObjectMapper();
    static final Duration PATIENCE = ContractServer.PATIENCE;
    /** The interval of heartbeats; short, because some tests wait for several. */
    static final Duration HEARTBEAT = Duration.ofMillis(20);

    final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final List<Socket> sockets = new ArrayList<>();
    private @Nullable ContractServer started;

    @AfterEach
    void stop() throws Exception {
        for (Socket socket : sockets) {
            socket.close();
        }
        if (started != null) {
            started.close();
        }
    }

    ContractServer server() throws Exception {
        return server(settings -> settings);
    }

    ContractServer server(UnaryOperator<ServerSettings> settings) throws Exception {
        ContractServer server = new ContractServer(this, settings);
        started = server;
        return server;
    }

    /** Returns the address of the server that serves a path. */
    private URI address(String path) {
        return Objects.requireNonNull(started).address(path);
    }

    HttpRequest request(String method, String path, String body, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address(path) + path))
                .timeout(PATIENCE)
                .method(
                        method,
                        body.isEmpty()
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body));
        return (headers.length == 0 ? request : request.headers(headers)).build();
    }

    HttpResponse<String> send(String method, String path, String body, String... headers) throws Exception {
        return client.send(request(method, path, body, headers), HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> post(String path, String body, String... headers) throws Exception {
        return send("POST", path, body, headers);
    }

    HttpResponse<InputStream> get(String path, String... headers) {
        try {
            return client.send(request("GET", path, "", headers), info -> new ReceivedBody());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Sends a request over HTTP/2 and returns the response, whose body is read as it arrives. */
    HttpResponse<InputStream> overHttp2(HttpClient http2, String path, String... headers) throws Exception {
        HttpResponse<InputStream> answer = http2.send(request("GET", path, "", headers), info -> new ReceivedBody());
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(answer.statusCode()).isEqualTo(200);
        return answer;
    }

    /** Returns the event with its id, but without the proof in the id. */
    static Received unproven(Received event) {
        return new Received(event.lastEventId().replaceFirst(":[^:]{16}$", ""), event.type(), event.data());
    }

    /** Reads a stream in another thread. Returns a list that grows with each event. */
    List<Received> follow(String location) {
        List<Received> arrived = new CopyOnWriteArrayList<>();
        SseReader events = new SseReader(get(location).body());
        Objects.requireNonNull(started).executor.execute(() -> {
            for (Optional<Received> next = events.next(); next.isPresent(); next = events.next()) {
                arrived.add(next.get());
            }
        });
        return arrived;
    }

    static String location(HttpResponse<String> redirect) {
        assertThat(redirect.statusCode()).as(redirect.body()).isEqualTo(303);
        return redirect.headers().firstValue("Location").orElseThrow();
    }

    static String taskOf(HttpResponse<String> redirect) throws IOException {
        return JSON.readTree(redirect.body()).get("task").textValue();
    }

    static List<Received> events(HttpResponse<InputStream> answer) {
        assertThat(answer.statusCode()).isEqualTo(200);
        return new SseReader(answer.body()).toEnd();
    }

    JsonNode status(String location) throws Exception {
        HttpResponse<String> answer = send("GET", location + "/status", "");
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        return JSON.readTree(answer.body());
    }

    /** Asserts that a response is this problem. A null code is for the response to HEAD, which has no body. */
    static void assertProblem(HttpResponse<String> answer, int status, @Nullable String code) throws IOException {
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
        assertThat(answer.headers().firstValue("Content-Type")).contains(Problem.MEDIA_TYPE);
        if (code == null) {
            return;
        }
        JsonNode problem = JSON.readTree(answer.body());
        assertThat(problem.get("status").intValue()).isEqualTo(status);
        assertThat(problem.get("code").textValue()).isEqualTo(code);
        assertThat(problem.get("title").textValue()).isNotEmpty();
        assertThat(problem.get("detail").textValue()).isNotEmpty();
    }

    /**
     * Holds an event stream that was read to its end.
     *
     * @param head the status line and the header fields
     * @param clean whether the stream ended cleanly; false if the server aborted it
     */
    record ReadStream(
            String head, List<Received> events, @Nullable String retry, boolean clean) {}

    /**
     * Reads an event stream to its end over HTTP/1.1. Uses a socket, because the client of the JDK fails if the response is aborted early.
     */
    ReadStream stream(String path, String... headers) throws IOException {
        StringBuilder fields = new StringBuilder();
        for (int i = 0; i < headers.length; i += 2) {
            fields.append(headers[i]).append(": ").append(headers[i + 1]).append("\r\n");
        }
        Socket socket = open(path, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields + "\r\n");
        String head = readUntil(socket, "\r\n\r\n");
        assertThat(head).containsIgnoringCase("Transfer-Encoding: chunked");
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        boolean clean = false;
        try {
            InputStream in = socket.getInputStream();
            for (int size = chunkSize(socket); size > 0; size = chunkSize(socket)) {
                body.write(in.readNBytes(size));
                in.readNBytes(2);
            }
            clean = true;
        } catch (SocketException | EOFException e) {
            // The server has cut the stream.
        }
        SseReader events = new SseReader(new ByteArrayInputStream(body.toByteArray()));
        return new ReadStream(head, events.toEnd(), events.retry(), clean);
    }

    private static int chunkSize(Socket socket) throws IOException {
        return Integer.parseInt(readUntil(socket, "\r\n").strip(), 16);
    }

    /** Sends a request over a new socket and reads nothing; the test reads from the socket. */
    Socket connect(String method, String path, String headers) throws IOException {
        return open(
                path, method + ' ' + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers + "\r\n");
    }

    private Socket open(String path, String request) throws IOException {
        Socket socket = new Socket();
        sockets.add(socket);
        socket.setReceiveBufferSize(32 << 10);
        socket.setSoTimeout((int) PATIENCE.toMillis());
        URI server = address(path);
        socket.connect(new InetSocketAddress(server.getHost(), server.getPort()));
        socket.getOutputStream().write(request.getBytes(UTF_8));
        return socket;
    }

    String exchange(String method, String path, String headers) throws IOException {
        return drain(connect(method, path, headers));
    }

    static String readUntil(Socket socket, String text) throws IOException {
        ByteArrayOutputStream seen = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        while (!seen.toString(UTF_8).endsWith(text)) {
            int next = in.read();
            if (next < 0) {
                throw new EOFException("the stream ended before \"" + text + "\": " + seen.toString(UTF_8));
            }
            seen.write(next);
        }
        return seen.toString(UTF_8);
    }

    static String drain(Socket socket) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(all);
        } catch (SocketException e) {
            // A reset ends the response, too, but not cleanly.
        }
        return all.toString(UTF_8);
    }

    static long usedHeap() {
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }
}
