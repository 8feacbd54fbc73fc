// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.http.Problem;
import dev.handoff.observation.HandoffObserver.ReaderEnd;
import dev.handoff.testkit.SseReader;
import java.net.Socket;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests the reason that {@code EventStreamServlet} reports when a reader is closed, on every servlet container, over real sockets. */
@Timeout(60)
public abstract class ReaderEndContract extends ContainerClient {

    /** Waits until this many readers are closed, and checks that each was opened and closed once, for these reasons. */
    private static void assertEnds(ContractServer server, ReaderEnd... ends) {
        await().until(() -> server.readers.ends().size() >= ends.length);
        assertThat(server.readers.ends()).containsExactly(ends);
        assertThat(server.readers.opened()).isEqualTo(ends.length);
    }

    @Test
    @DisplayName("a reader that has received the end of its task is reported with that end")
    void ended() throws Exception {
        ContractServer server = server();
        String completed = location(post("/tasks", "a"));
        server.script("a").emit(null, "one").complete(null);
        events(get(completed));
        assertEnds(server, ReaderEnd.COMPLETED);

        String failed = location(post("/tasks", "b"));
        server.script("b").fail(new Problem(502, "upstream_failed", "No answer."));
        events(get(failed));
        assertEnds(server, ReaderEnd.COMPLETED, ReaderEnd.FAILED);

        String cancelled = location(post("/tasks", "c"));
        assertThat(send("DELETE", cancelled, "").statusCode()).isEqualTo(202);
        events(get(cancelled));
        assertEnds(server, ReaderEnd.COMPLETED, ReaderEnd.FAILED, ReaderEnd.CANCELLED);

        String document = location(post("/tasks", "d", "X-Format", "result"));
        server.script("d").complete("{}");
        assertThat(send("GET", document, "").body()).isEqualTo("{}");
        assertEnds(server, ReaderEnd.COMPLETED, ReaderEnd.FAILED, ReaderEnd.CANCELLED, ReaderEnd.COMPLETED);
    }

    @Test
    @DisplayName("R9 a client that leaves is reported as gone")
    void clientGone() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        Socket socket = connect("GET", location(post("/tasks", "a")), "");
        server.script("a").emit(null, "one");
        readUntil(socket, "data: one\n\n");
        socket.close();
        assertEnds(server, ReaderEnd.CLIENT_GONE);
    }

    @Test
    @DisplayName("R7 a client that takes nothing is reported as too slow")
    void tooSlow() throws Exception {
        ContractServer server = server(s -> s.writeDeadline(Duration.ofSeconds(1)));
        Socket socket = connect("GET", location(post("/tasks", "a")), "");
        server.script("a").emit(null, "first");
        readUntil(socket, "data: first");
        String payload = "x".repeat(64 << 10);
        for (int i = 0; i < 256; i++) {
            server.script("a").emit(null, payload);
        }
        assertEnds(server, ReaderEnd.TOO_SLOW);
    }

    @Test
    @DisplayName("R8 a reader of a server that drains is reported as drained")
    void drained() throws Exception {
        ContractServer server = server();
        SseReader reader = new SseReader(get(location(post("/tasks", "a"))).body());
        server.script("a").emit(null, "one");
        reader.next();
        server.events.drain().get();
        assertEnds(server, ReaderEnd.DRAINED);
    }

    @Test
    @DisplayName("R16 a reader whose format fails is reported as cut")
    void cut() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", FaultyFormat.NAME));
        server.faulty.events = event -> {
            throw new IllegalStateException("a test of a format that fails");
        };
        server.script("a").emit(null, "one");
        drain(connect("GET", location, ""));
        assertEnds(server, ReaderEnd.CUT);
    }
}
