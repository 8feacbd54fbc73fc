// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The roles of the deployment, started before their store. */
@Timeout(180)
class WaitingRolesTest {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    @TempDir
    private Path dir;

    private final List<Process> processes = new ArrayList<>();

    @AfterEach
    void stop() {
        processes.forEach(Process::destroyForcibly);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** Starts a role, which prints to {@code <name>.out} and logs to {@code <name>.err}. */
    private Process start(String role, int mongoPort, String... options) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(
                        Stream.of(
                                Path.of(System.getProperty("java.home"), "bin", "java")
                                        .toString(),
                                "-cp",
                                System.getProperty("java.class.path"),
                                "-Dlogback.configurationFile="
                                        + Path.of("src/main/resources/logback.xml")
                                                .toUri(),
                                ChatCommand.class.getName(),
                                role),
                        Stream.of(options))
                .toList());
        builder.environment().keySet().removeIf(name -> name.startsWith("HANDOFF_") || name.startsWith("OPENAI_"));
        builder.environment().put("HANDOFF_SECRET", TestChat.SECRET);
        builder.environment().put("HANDOFF_MONGODB_URI", "mongodb://127.0.0.1:" + mongoPort + "/handoff");
        builder.redirectOutput(dir.resolve(role + ".out").toFile());
        builder.redirectError(dir.resolve(role + ".err").toFile());
        Process process = builder.start();
        processes.add(process);
        return process;
    }

    private String text(String name) {
        try {
            return Files.readString(dir.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static MongoServer standIn(int port) {
        MongoServer mongo = new MongoServer(new StandInBackend());
        mongo.bind(new InetSocketAddress("127.0.0.1", port));
        return mongo;
    }

    /** Creates the indexes before the waiting roles see the server, as an administrator does. */
    private static MongoServer standInWithIndexes(int port) throws IOException {
        StandInBackend backend = new StandInBackend();
        MongoServer first = new MongoServer(backend);
        first.bind(new InetSocketAddress("127.0.0.1", freePort()));
        try (MongoClient client = MongoClients.create(first.getConnectionString())) {
            MongoIndexes.create(client.getDatabase("handoff"));
        }
        MongoServer mongo = new MongoServer(backend);
        mongo.bind(new InetSocketAddress("127.0.0.1", port));
        return mongo;
    }

    private static int status(URI server, String path) {
        try {
            return RawHttp.send(server, "GET", path, "").status();
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof ConnectException) {
                return 0;
            }
            throw e;
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jetty", "netty"})
    @DisplayName("roles that start before their store wait for it, say so, and then do their work")
    void rolesWaitForTheirStore(String server) throws Exception {
        int mongoPort = freePort();
        URI api = URI.create("http://127.0.0.1:" + freePort());
        URI stream = URI.create("http://127.0.0.1:" + freePort());
        start("api", mongoPort, "--port", Integer.toString(api.getPort()));
        start("stream", mongoPort, "--port", Integer.toString(stream.getPort()), "--server", server);
        start("worker", mongoPort);
        String ask = TestChat.ask(true, "one two", "delay_ms", 0).toString();
        String token = TokenSealer.of(TestChat.SECRET)
                .seal(new Grant(
                        "0123456789abcdef0123456789abcdef",
                        Set.of(Grant.Right.READ),
                        "openai",
                        null,
                        Instant.now().plusSeconds(600)));

        for (URI role : List.of(api, stream)) {
            await().atMost(LIMIT).until(() -> status(role, "/healthz") == 200);
            assertThat(status(role, "/readyz")).isEqualTo(503);
        }
        RawHttp.Answer elsewhere = RawHttp.send(api, "GET", "/events/" + token, "");
        assertThat(elsewhere.status()).isEqualTo(404);
        assertThat(elsewhere.body()).contains("/events/").doesNotContain(token);
        RawHttp.Answer refused = RawHttp.send(api, "POST", "/v1/chat/completions", ask);
        assertThat(refused.status()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).isPresent();
        assertThat(refused.header("x-should-retry")).contains("true");
        assertThat(Json.parse(refused.body()).at("/error/code").asText()).isEqualTo("store_unreachable");
        RawHttp.Answer absent = RawHttp.send(stream, "GET", "/events/" + token, "");
        assertThat(absent.status()).isEqualTo(503);
        assertThat(absent.header("Retry-After")).isPresent();
        assertThat(absent.header("x-should-retry")).contains("false");
        for (String role : List.of("api", "stream", "worker")) {
            await().atMost(LIMIT).until(() -> text(role + ".err").contains("waiting for the store"));
            assertThat(text(role + ".out")).isEmpty();
        }

        MongoServer mongo = standInWithIndexes(mongoPort);
        try {
            for (URI role : List.of(api, stream)) {
                await().atMost(LIMIT).until(() -> status(role, "/readyz") == 200);
            }
            for (String role : List.of("api", "stream", "worker")) {
                await().atMost(LIMIT).until(() -> text(role + ".out").contains("handoff-chat " + role + " ready"));
                assertThat(text(role + ".err").split("waiting for the store", -1))
                        .hasSize(2);
                assertThat(text(role + ".err")).contains("the store is there");
            }
            String location = RawHttp.send(api, "POST", "/v1/chat/completions", ask)
                    .header("Location")
                    .orElseThrow();
            try (EventReader reader = RawHttp.read(stream.resolve(location))) {
                assertThat(EventReader.text(reader.rest())).isEqualTo("one two");
            }
            for (Process process : processes) {
                process.toHandle().destroy();
            }
            for (Process process : processes) {
                assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            }
        } finally {
            mongo.shutdownNow();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"jetty", "netty"})
    @DisplayName("a client whose streaming server is killed resumes on the next one, and misses nothing")
    void resumesAfterKill(String server) throws Exception {
        int mongoPort = freePort();
        MongoServer mongo = standInWithIndexes(mongoPort);
        try {
            URI api = URI.create("http://127.0.0.1:" + freePort());
            URI stream = URI.create("http://127.0.0.1:" + freePort());
            String[] streaming = {"--port", Integer.toString(stream.getPort()), "--server", server};
            start("api", mongoPort, "--port", Integer.toString(api.getPort()));
            Process killed = start("stream", mongoPort, streaming);
            start("worker", mongoPort);
            for (URI role : List.of(api, stream)) {
                await().atMost(LIMIT).until(() -> status(role, "/readyz") == 200);
            }
            String ask = TestChat.ask(true, "one two three four five six", "delay_ms", 500)
                    .toString();
            String location = RawHttp.send(api, "POST", "/v1/chat/completions", ask)
                    .header("Location")
                    .orElseThrow();
            List<Frame> frames = new ArrayList<>();
            try (EventReader reader = RawHttp.read(stream.resolve(location))) {
                frames.addAll(reader.untilText());
                killed.destroyForcibly().waitFor(60, TimeUnit.SECONDS);
                frames.addAll(reader.untilAbort());
            }
            start("stream", mongoPort, streaming);
            await().atMost(LIMIT).until(() -> status(stream, "/readyz") == 200);
            String last = frames.get(frames.size() - 1).id();
            try (EventReader reader = RawHttp.read(stream.resolve(location + "?last_event_id=" + last))) {
                frames.addAll(reader.rest());
            }
            assertThat(EventReader.text(frames)).isEqualTo("one two three four five six");
            assertThat(frames).extracting(Frame::id).doesNotHaveDuplicates();
        } finally {
            mongo.shutdownNow();
        }
    }

    @Test
    @DisplayName("a signal stops roles promptly while they wait for their store")
    void waitingRolesStop() throws Exception {
        int mongoPort = freePort();
        for (String role : List.of("api", "stream", "worker")) {
            Process process = role.equals("worker") ? start(role, mongoPort) : start(role, mongoPort, "--port", "0");
            await().atMost(LIMIT).until(() -> text(role + ".err").contains("waiting for the store"));

            process.toHandle().destroy();

            assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(text(role + ".err")).endsWith("stopped\n").doesNotContain("ERROR", "\tat ", "sweep");
        }
    }

    @Test
    @DisplayName(
            "roles refuse a database without indexes and name the command that creates them, which then lets them start")
    void rolesRefuseWithoutIndexes() throws Exception {
        int mongoPort = freePort();
        MongoServer mongo = standIn(mongoPort);
        try {
            for (String role : List.of("api", "stream", "worker")) {
                Process process =
                        role.equals("worker") ? start(role, mongoPort) : start(role, mongoPort, "--port", "0");
                assertThat(process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
                assertThat(process.exitValue()).isEqualTo(1);
                assertThat(text(role + ".out")).doesNotContain("ready");
                assertThat(text(role + ".err"))
                        .contains("handoff-chat: the database \"handoff\" has no unique index", "bin/chat indexes")
                        .doesNotContain("\tat ");
            }
            Process indexes = start("indexes", mongoPort);
            assertThat(indexes.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(indexes.exitValue()).isZero();
            assertThat(text("indexes.out")).contains("The indexes of the database \"handoff\" are there.");
            start("worker", mongoPort);
            await().atMost(LIMIT).until(() -> text("worker.out").contains("handoff-chat worker ready"));
        } finally {
            mongo.shutdownNow();
        }
    }

    @Test
    @DisplayName("the command that creates the indexes waits for the store")
    void indexesWait() throws Exception {
        int mongoPort = freePort();
        Process indexes = start("indexes", mongoPort);
        await().atMost(LIMIT).until(() -> text("indexes.err").contains("waiting for the store"));
        MongoServer mongo = standIn(mongoPort);
        try {
            assertThat(indexes.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(indexes.exitValue()).isZero();
        } finally {
            mongo.shutdownNow();
        }
    }
}
