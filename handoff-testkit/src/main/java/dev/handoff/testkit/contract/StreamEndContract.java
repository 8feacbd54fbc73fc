// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.stream.End;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how a response ends: cleanly after the end of the stream, and with a cut in all other cases. */
@Timeout(60)
public abstract class StreamEndContract extends ContainerClient {

    @Test
    @DisplayName("a stream that failed ends with its error, then cleanly")
    void failedStream() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1).fail(new Problem(502, "upstream_failed", "No answer."));
        List<Received> events = events(get(location));
        assertThat(events).hasSize(2);
        assertThat(events.get(1).type()).isEqualTo("failed");
        JsonNode problem = JSON.readTree(events.get(1).data());
        assertThat(problem.get("status").intValue()).isEqualTo(502);
        assertThat(problem.get("code").textValue()).isEqualTo("upstream_failed");
        assertThat(problem.get("detail").textValue()).isEqualTo("No answer.");
    }

    @Test
    @DisplayName("the client does not see the exception of a handler")
    void crashedStream() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").crash("a secret of the house");
        List<Received> events = events(get(location));
        assertThat(events).extracting(Received::type).containsExactly("failed");
        assertThat(events.get(0).data()).contains("handler_failed").doesNotContain("secret");
    }

    @Test
    @DisplayName("R9 DELETE cancels, every reader gets the end, and a second DELETE succeeds")
    void cancels() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        SseReader one = new SseReader(get(location).body());
        SseReader two = new SseReader(get(location).body());
        one.next();
        two.next();

        assertThat(send("DELETE", location, "").statusCode()).isEqualTo(202);
        assertThat(one.toEnd()).extracting(Received::type).containsExactly("cancelled");
        assertThat(two.toEnd()).extracting(Received::type).containsExactly("cancelled");
        assertThat(send("DELETE", location, "").statusCode()).isEqualTo(202);
        assertThat(status(location).get("state").textValue()).isEqualTo("cancelled");
    }

    @Test
    @DisplayName("R9 a task that has ended cannot be cancelled: 204")
    void cancelsTooLate() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        events(get(location));
        assertThat(send("DELETE", location, "").statusCode()).isEqualTo(204);
    }

    @Test
    @DisplayName("R9 the server notices that a client has left, and does not cancel the task")
    void leavingIsNotCancelling() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        String location = location(post("/tasks", "a"));
        Socket socket = connect("GET", location, "");
        readUntil(socket, "\r\n\r\n");
        await().until(() -> status(location).get("readers").asInt() == 1);
        socket.close();
        await().until(() -> status(location).get("readers").asInt() == 0);

        assertThat(status(location).get("state").textValue()).isEqualTo("running");
        server.script("a").emit(null, "still there").complete(null);
        assertThat(events(get(location))).extracting(Received::data).containsExactly("still there", "");
    }

    @Test
    @DisplayName("R8 a draining server sends interrupted and cuts the stream, and another server delivers the rest")
    void drains() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2);
        List<SseReader> readers = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            SseReader reader = new SseReader(get(location).body());
            reader.next();
            reader.next();
            readers.add(reader);
        }

        CompletableFuture<Void> drained = server.events.drain();
        for (SseReader reader : readers) {
            Received last = reader.next().orElseThrow();
            assertThat(last.type()).isEqualTo("interrupted");
            // This event has no id of its own, so the client resumes after the last event of the stream that it has
            // received.
            assertThat(unproven(last).lastEventId()).endsWith(":1");
            assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
        }
        drained.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);

        // An EventSource tries again after a 200 that is cut, but not after a 503 (HTML Standard, 9.2.3).
        ReadStream late = stream(location);
        assertThat(late.head()).startsWith("HTTP/1.1 200").containsIgnoringCase("Content-Type: text/event-stream");
        assertThat(late.events()).extracting(Received::type).containsExactly("interrupted");
        assertThat(late.retry()).isEqualTo("1000");
        assertThat(late.clean()).isFalse();
        assertThat(send("HEAD", location, "").statusCode()).isEqualTo(503);

        server.script("a").emitNumbered(2, 3).complete(null);
        String elsewhere = location.replace("/events/", "/elsewhere/");
        String last = status(elsewhere).get("task").textValue() + ":1";
        assertThat(events(get(elsewhere, "Last-Event-ID", last)))
                .extracting(Received::data)
                .containsExactly("event 2", "");
    }

    @Test
    @DisplayName("R8 a server that reopens after a drain delivers streams to their end")
    void reopens() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        server.events.drain().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);

        server.events.reopen();

        SseReader reader = new SseReader(get(location).body());
        assertThat(reader.next().orElseThrow().data()).isEqualTo("event 0");
        server.script("a").complete(null);
        assertThat(reader.toEnd()).extracting(Received::type).containsExactly("completed");
        // The second drain is a drain of its own.
        server.events.drain().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        assertThat(send("HEAD", location, "").statusCode()).isEqualTo(503);
    }

    @Test
    @DisplayName("R8 a client that sends Connection: close can tell a cut from an end")
    void closedAfterTheAnswer() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1).complete(null);
        server.faults.fail("read", new ProblemException(503, "store_unreachable", "The store cannot be reached."));
        ReadStream cut = stream(location, "Connection", "close");
        assertThat(cut.events()).extracting(Received::type).containsExactly("interrupted");
        assertThat(cut.clean()).isFalse();

        server.faults.clear();
        ReadStream whole = stream(location, "Connection", "close");
        assertThat(whole.events()).extracting(Received::data).containsExactly("event 0", "");
        assertThat(whole.clean()).isTrue();
    }

    @Test
    @DisplayName("R8 a container that stops does not end a stream cleanly")
    void containerStops() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        SseReader reader = new SseReader(get(location).body());
        reader.next();
        CompletableFuture<List<String>> rest = CompletableFuture.supplyAsync(
                () -> {
                    List<String> seen = new ArrayList<>();
                    try {
                        reader.toEnd().forEach(e -> seen.add(e.type()));
                        seen.add("clean end");
                    } catch (UncheckedIOException e) {
                        seen.add("cut");
                    }
                    return seen;
                },
                server.executor);
        server.events.drain();
        server.stopContainer();
        assertThat(rest.get()).last().isEqualTo("cut");
    }

    @Test
    @DisplayName("410 once a stream is no longer kept")
    void expires() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1).complete(null);
        String last = events(get(location)).get(0).lastEventId();
        // The task ends a moment after its stream, and its retention time begins then.
        await().until(() -> !status(location).get("ended").isNull());
        server.clock.tick(Duration.ofHours(2));
        assertProblem(send("GET", location, ""), 410, "stream_gone");
        assertProblem(send("GET", location + "/status", ""), 410, "stream_gone");
        assertProblem(post("/tasks", "a", "Last-Event-ID", last), 410, "stream_gone");
    }

    @Test
    @DisplayName("R8 if a format does not end cleanly, the server writes the end and cuts, and a resume gets 204")
    void endsUncleanly() throws Exception {
        ContractServer server = server();
        server.faulty.clean = end -> !(end instanceof End.Failed);
        String location = location(post("/tasks", "a", "X-Format", FaultyFormat.NAME));
        // There are two readers, so that they share the frames of the end.
        List<SseReader> readers = List.of(
                new SseReader(get(location).body()), new SseReader(get(location).body()));
        server.script("a").emit(null, "one");
        for (SseReader reader : readers) {
            assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
        }
        server.script("a").fail(new Problem(502, "upstream_failed", "No answer."));
        for (SseReader reader : readers) {
            Received end = reader.next().orElseThrow();
            assertThat(end.data()).contains("upstream_failed");
            assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
            assertThat(get(location, "Last-Event-ID", end.lastEventId()).statusCode())
                    .isEqualTo(204);
        }
        String other = location(post("/tasks", "b", "X-Format", FaultyFormat.NAME));
        server.script("b").complete(null);
        assertThat(events(get(other))).hasSize(1);
    }

    @Test
    @DisplayName("R2 idle readers are cut when their stream is no longer kept, or is shorter than what they have read")
    void noticesGoneStreams() throws Exception {
        for (boolean shorter : new boolean[] {false, true}) {
            TickingTicker ticker = new TickingTicker();
            ContractServer server = server(s -> s.ticker(ticker).heartbeat(HEARTBEAT));
            HttpResponse<String> redirect = post("/tasks", "a");
            String location = location(redirect);
            String document = server.readOnly(taskOf(redirect), "result");
            server.script("a").emit(null, "one");
            List<SseReader> readers = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                SseReader reader = new SseReader(get(location).body());
                assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
                readers.add(reader);
            }
            CompletableFuture<HttpResponse<String>> waiting =
                    client.sendAsync(request("GET", document, ""), HttpResponse.BodyHandlers.ofString());
            await().until(() -> status(location).get("readers").asInt() == 4);

            // A check that fails must not cut the readers.
            server.faults.fail("status", new IllegalStateException("no connection"));
            int checks = server.faults.calls("status");
            ticker.tick(Duration.ofSeconds(6));
            await().until(() -> server.faults.calls("status") > checks);
            server.faults.clear();
            server.script("a").emit(null, "two");
            for (SseReader reader : readers) {
                assertThat(reader.next().orElseThrow().data()).isEqualTo("two");
            }

            int before = server.faults.calls("status");
            if (shorter) {
                server.store.emptied = true;
            } else {
                server.faults.set(
                        "status",
                        id -> Faults.raise(new ProblemException(410, "stream_gone", "The stream is no longer kept.")));
            }
            ticker.tick(Duration.ofSeconds(6));
            await().until(() -> server.faults.calls("status") > before);
            // A single answer proves nothing. The next check comes at least a second later.
            ticker.tick(Duration.ofSeconds(1));
            for (SseReader reader : readers) {
                Received last = reader.next().orElseThrow();
                assertThat(last.type()).isEqualTo("interrupted");
                assertThat(last.data()).contains("stream_gone");
                assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
            }
            assertProblem(waiting.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS), 410, "stream_gone");
            // The server checks twice for the stream, not twice for each reader.
            assertThat(server.faults.calls("status") - before).isEqualTo(2);
            stop();
        }
    }
}
