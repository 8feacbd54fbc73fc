// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.stream.End;
import dev.handoff.testkit.SseReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how streams end over HTTP/2, where several streams share a connection. */
@Timeout(60)
public abstract class Http2Contract extends ContainerClient {

    @Test
    @DisplayName("R8 over HTTP/2 a stream that is cut is reset, and the other streams of the connection continue")
    void resetsOverHttp2() throws Exception {
        ContractServer server = server();
        HttpClient http2 =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
        server.faulty.clean = end -> !(end instanceof End.Failed);
        String whole = location(post("/tasks", "whole"));
        String failed = location(post("/tasks", "failed", "X-Format", FaultyFormat.NAME));
        HttpResponse<String> redirect = post("/tasks", "broken");
        String broken = location(redirect);
        String document = location(post("/tasks", "document", "X-Format", "result"));
        server.script("document").complete("1");

        SseReader other = new SseReader(overHttp2(http2, whole).body());
        SseReader ofFailed = new SseReader(overHttp2(http2, failed).body());
        SseReader ofBroken = new SseReader(overHttp2(http2, broken).body());
        for (String script : List.of("whole", "failed", "broken")) {
            server.script(script).emit(null, "one");
        }
        for (SseReader reader : List.of(other, ofFailed, ofBroken)) {
            assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
        }

        server.script("failed").fail(new Problem(502, "upstream_failed", "No answer."));
        assertThat(ofFailed.next().orElseThrow().type()).isEqualTo("failed");
        assertThatThrownBy(ofFailed::next).isInstanceOf(UncheckedIOException.class);

        server.faults.set("read", id -> {
            if (id.equals(taskOfUnchecked(redirect))) {
                Faults.raise(new IllegalStateException("no connection"));
            }
        });
        server.script("broken").emit(null, "two");
        assertThat(ofBroken.next().orElseThrow().type()).isEqualTo("interrupted");
        assertThatThrownBy(ofBroken::next).isInstanceOf(UncheckedIOException.class);
        server.faults.clear();

        assertThat(new String(overHttp2(http2, document).body().readAllBytes(), UTF_8))
                .isEqualTo("1");
        server.script("whole").emitNumbered(0, 1000).complete(null);
        assertThat(other.toEnd()).hasSize(1001);

        String drained = location(post("/tasks", "drained"));
        SseReader ofDrained = new SseReader(overHttp2(http2, drained).body());
        server.events.drain();
        assertThat(ofDrained.next().orElseThrow().type()).isEqualTo("interrupted");
        assertThatThrownBy(ofDrained::next).isInstanceOf(UncheckedIOException.class);
        // The answer may be reset before this client has seen it.
        assertThatThrownBy(() -> overHttp2(http2, drained).body().readAllBytes())
                .isInstanceOf(IOException.class);
    }

    @Test
    @DisplayName("R8 a stream that is cut is reset even if it upgraded the connection to HTTP/2")
    void resetsUpgradedStream() throws Exception {
        ContractServer server = server();
        HttpClient http2 =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
        String location = location(post("/tasks", "a"));
        SseReader reader = new SseReader(overHttp2(http2, location).body());
        server.script("a").emit(null, "one");
        assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
        server.events.drain();
        assertThat(reader.next().orElseThrow().type()).isEqualTo("interrupted");
        assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
    }

    @Test
    @DisplayName("R7 over HTTP/2, if a client leaves during a turn, the server closes the watch only after the turn")
    void leavesOverHttp2() throws Exception {
        ContractServer server = server();
        HttpClient http2 =
                HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
        CountDownLatch latch = new CountDownLatch(1);
        CountDownLatch hangs = new CountDownLatch(1);
        List<Boolean> closedInTurn = Collections.synchronizedList(new ArrayList<>());
        server.faulty.events = event -> {
            hangs.countDown();
            Faults.await(latch);
            return StreamFormat.standard().frames(event);
        };
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", FaultyFormat.NAME);
        String location = location(redirect);
        String left = taskOf(redirect);
        server.faults.set("close", id -> {
            if (id.equals(left) && latch.getCount() > 0) {
                closedInTurn.add(true);
            }
        });
        String other = location(post("/tasks", "b", "X-Format", "result"));
        server.script("b").complete("1");
        try {
            HttpResponse<InputStream> stream = overHttp2(http2, location);
            server.script("a").emit(null, "one");
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            stream.body().close();
            // The server reads the reset before these requests, which come over the same connection.
            try {
                for (int i = 0; i < 3; i++) {
                    assertThat(overHttp2(http2, other).body().readAllBytes()).isEqualTo("1".getBytes(UTF_8));
                }
            } catch (IOException e) {
                // A server may also close the connection after a reset. Then it has read the reset, too.
            }
            assertThat(closedInTurn).isEmpty();
        } finally {
            latch.countDown();
        }
        server.script("a").emit(null, "two").emit(null, "three");
        await().until(() -> server.store.openWatches() == 0);
    }

    private static String taskOfUnchecked(HttpResponse<String> redirect) {
        try {
            return taskOf(redirect);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
