// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import java.io.InputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests what a client reads: all of a stream, in order, from the event after its last one, alone or with other clients. */
@Timeout(60)
public abstract class ReadingContract extends ContainerClient {

    @Test
    @DisplayName("a client that resumes with its last event id gets exactly the rest, at each address")
    void resumesAfterEveryEvent() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Subject", "alice"));
        server.script("a").emitNumbered(0, 5).complete("5");
        List<Received> all = events(get(location));
        assertThat(all).hasSize(6);

        for (int k = 1; k < all.size(); k++) {
            String last = all.get(k - 1).lastEventId();
            List<Received> rest = all.subList(k, all.size());
            assertThat(events(get(location, "Last-Event-ID", last))).isEqualTo(rest);
            assertThat(events(get(location + "?last_event_id=" + last))).isEqualTo(rest);
            assertThat(events(get(location + "?x=1&last_event_id=" + last.replace(":", "%3A"))))
                    .isEqualTo(rest);
            assertThat(events(get(location + "?last_event_id=" + all.get(0).lastEventId(), "Last-Event-ID", last)))
                    .isEqualTo(rest);
            String again = location(post("/tasks", "a", "X-Subject", "alice", "Last-Event-ID", last));
            assertThat(events(get(again))).isEqualTo(rest);
            String byGet = location(send("GET", "/tasks", "", "X-Subject", "alice", "Last-Event-ID", last));
            assertThat(events(get(byGet))).isEqualTo(rest);
        }
        assertThat(server.script("a").runs()).isEqualTo(1);
    }

    @Test
    @DisplayName("a client that is cut in mid-stream and resumes misses nothing")
    void resumesLive() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2);
        HttpResponse<InputStream> first = get(location);
        SseReader events = new SseReader(first.body());
        events.next();
        String last = events.next().orElseThrow().lastEventId();
        first.body().close();

        server.script("a").emitNumbered(2, 4);
        SseReader rest = new SseReader(get(location, "Last-Event-ID", last).body());
        assertThat(rest.next().orElseThrow().data()).isEqualTo("event 2");
        server.script("a").emitNumbered(4, 5).complete(null);
        assertThat(rest.toEnd()).extracting(Received::data).containsExactly("event 3", "event 4", "");
    }

    @Test
    @DisplayName("a client that resumes after the end gets 204")
    void nothingAfterTheEnd() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1).complete(null);
        List<Received> all = events(get(location));

        String end = all.get(1).lastEventId();
        assertThat(get(location, "Last-Event-ID", end).statusCode()).isEqualTo(204);
        assertThat(get(location(post("/tasks", "a", "Last-Event-ID", end))).statusCode())
                .isEqualTo(204);
        assertThat(events(get(location, "Last-Event-ID", ""))).isEqualTo(all);
    }

    @Test
    @DisplayName("R5 two readers of one stream both get all of it")
    void twoReaders() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 10);
        CompletableFuture<List<Received>> one =
                CompletableFuture.supplyAsync(() -> events(get(location)), server.executor);
        CompletableFuture<List<Received>> two =
                CompletableFuture.supplyAsync(() -> events(get(location)), server.executor);
        await().until(() -> status(location).get("readers").asInt() == 2);
        server.script("a").emitNumbered(10, 20).complete(null);

        assertThat(one.get()).hasSize(21).isEqualTo(two.get());
    }

    @Test
    @DisplayName("R5 readers of one stream share encoded frames, even if some joined later, and each gets all events")
    void sharesEncoding() throws Exception {
        ContractServer server = server(s -> s.retry(Duration.ofMillis(1500)));
        String location = location(post("/tasks", "a", "X-Format", ContractServer.CountedFormat.NAME));
        int readers = 20;
        int events = 50;
        List<List<Received>> answers = new ArrayList<>();
        for (int i = 0; i < events; i++) {
            if (i % 2 == 0 && answers.size() < readers) {
                answers.add(follow(location));
                answers.add(follow(location));
            }
            server.script("a").emit(null, "event " + i);
            int expected = i + 1;
            await().until(() -> answers.stream().allMatch(a -> a.size() == expected));
        }
        server.script("a").complete(null);
        await().until(() -> answers.stream().allMatch(a -> a.size() == events + 1));

        assertThat(answers.get(0))
                .extracting(Received::data)
                .isEqualTo(IntStream.rangeClosed(0, events)
                        .mapToObj(i -> i == events ? "" : "event " + i)
                        .toList());
        assertThat(answers).hasSize(readers).allSatisfy(a -> assertThat(a).isEqualTo(answers.get(0)));
        assertThat(server.counted.events()).isLessThan(readers * events / 2);
    }

    @Test
    @DisplayName("R5 a client that was cut within an entry gets its rest, although other readers got the whole entry")
    void sharesNoHalves() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", ContractServer.CountedFormat.NAME);
        String location = location(redirect);
        String id = taskOf(redirect);
        List<List<Received>> others = List.of(follow(location), follow(location));
        server.script("a").emit(null, "one");
        await().until(() -> others.stream().allMatch(a -> a.size() == 1));
        server.script("a").emit(ContractServer.CountedFormat.TWICE, "two");
        await().until(() -> others.stream().allMatch(a -> a.size() == 3));

        SseReader half =
                new SseReader(get(location, "Last-Event-ID", id + ":1.1").body());
        assertThat(half.next().map(ContainerClient::unproven))
                .contains(new Received(id + ":1", ContractServer.CountedFormat.TWICE, "two"));
        server.script("a").emit(null, "three").complete(null);
        assertThat(half.toEnd()).hasSize(2);
        await().until(() -> others.stream().allMatch(a -> a.size() == 5));
    }

    @Test
    @DisplayName("R5 a client that resumes gets a retry time, although other readers get the same event without one")
    void sharesNoRetry() throws Exception {
        ContractServer server = server(s -> s.retry(Duration.ofMillis(1500)));
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", ContractServer.CountedFormat.NAME);
        String location = location(redirect);
        String id = taskOf(redirect);
        List<Received> other = follow(location);
        server.script("a").emit(null, "one");
        await().until(() -> other.size() == 1);

        SseReader late = new SseReader(get(location, "Last-Event-ID", id + ":0").body());
        await().until(() -> status(location).get("readers").asInt() == 2);
        server.script("a").emit(null, "two").complete(null);
        assertThat(late.next().map(ContainerClient::unproven)).contains(new Received(id + ":1", "message", "two"));
        assertThat(late.retry()).isEqualTo("1500");
        assertThat(late.toEnd()).hasSize(1);
        await().until(() -> other.size() == 3);
    }

    @Test
    @DisplayName("a reader catches up with a long stream, complete and in order")
    void catchesUp() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 50_000).complete(null);

        assertThat(events(get(location)))
                .extracting(Received::data)
                .isEqualTo(IntStream.rangeClosed(0, 50_000)
                        .mapToObj(i -> i == 50_000 ? "" : "event " + i)
                        .toList());
    }

    @Test
    @DisplayName("a reader catches up with a stream of large events, complete and in order")
    void catchesUpWithLargeEvents() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        List<String> emitted = IntStream.range(0, 1000)
                .mapToObj(i -> i + "x".repeat(i * i % 5000))
                .toList();
        emitted.forEach(data -> server.script("a").emit(null, data));
        server.script("a").complete("end");

        assertThat(events(get(location)))
                .extracting(Received::data)
                .containsExactlyElementsOf(
                        Stream.concat(emitted.stream(), Stream.of("end")).toList());
    }

    @Test
    @DisplayName("R14 any data arrives as it was emitted, except that line breaks become LF")
    void keepsData() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        String large = "0123456789abcd\uD83D\uDE00".repeat(1 << 16);
        List<String> data = List.of(
                "",
                " a",
                "a\rb",
                "a\nb",
                "a\r\nb",
                "\n",
                "\r\n\r\n",
                "\n\r",
                "data: x\n\nid: 7",
                ":",
                "\uD834\uDD1E ü €",
                large);
        data.forEach(d -> server.script("a").emit(null, d));
        server.script("a").complete(null);

        List<String> read = data.stream()
                .map(d -> d.replace("\r\n", "\n").replace('\r', '\n'))
                .toList();
        List<Received> received = events(get(location));
        assertThat(received.subList(0, data.size())).extracting(Received::data).isEqualTo(read);
        assertThat(received.get(data.size()).type()).isEqualTo("completed");
    }

    @Test
    @DisplayName("a body sent to the stream is drained and ignored")
    void drainsBodies() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        CompletableFuture<HttpResponse<InputStream>> answer =
                client.sendAsync(request("POST", location, "x".repeat(12 << 20)), info -> new ReceivedBody());
        server.script("a").emitNumbered(0, 3).complete(null);
        assertThat(events(answer.get())).hasSize(4);
    }

    @Test
    @DisplayName("the first event has a retry time, and no other event has one")
    void sendsRetry() throws Exception {
        ContractServer server = server(s -> s.retry(Duration.ofMillis(1500)));
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2).complete(null);
        String wire = new String(get(location).body().readAllBytes(), UTF_8);
        assertThat(wire).containsOnlyOnce("retry: 1500\n");
        assertThat(wire.substring(0, wire.indexOf("\n\n")))
                .contains("retry: 1500\n")
                .contains("data: event 0");
    }

    @Test
    @DisplayName("a heartbeat is a comment with one line feed, and breaks no event")
    void sendsHeartbeats() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        String location = location(post("/tasks", "a"));
        Socket socket = connect("GET", location, "");
        server.script("a").emit(null, "before");
        // A heartbeat may come before the event as well.
        String before = readUntil(socket, "data: before\n\n") + readUntil(socket, ":\n");
        server.script("a").emit(null, "after").complete(null);
        String after = readUntil(socket, "event: completed");

        assertThat(after).contains("data: after\n\n");
        // The empty line would make a frame without data, which makes some clients fail.
        assertThat(before + after).doesNotContain(":\n\n").doesNotContain("data: \n");
    }

    @Test
    @DisplayName("many heartbeats do not break a stream")
    void survivesHeartbeats() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(10)));
        SseReader events = new SseReader(get(location(post("/tasks", "a"))).body());
        server.script("a").emit(null, "one");
        assertThat(events.next().orElseThrow().data()).isEqualTo("one");
        CompletableFuture<Received> next =
                CompletableFuture.supplyAsync(() -> events.next().orElseThrow(), server.executor);
        await().until(() -> events.comments() >= 5);
        server.script("a").emit(null, "two").complete(null);
        assertThat(next.get().data()).isEqualTo("two");
        assertThat(events.toEnd()).hasSize(1);
    }

    @Test
    @DisplayName("R6 the server reads a stream again by itself when a hint is lost")
    void looksAgain() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        String location = location(post("/tasks", "a"));
        String document = server.readOnly(status(location).get("task").textValue(), "result");
        SseReader reader = new SseReader(get(location).body());
        CompletableFuture<HttpResponse<String>> waiting =
                client.sendAsync(request("GET", document, ""), HttpResponse.BodyHandlers.ofString());
        await().until(() -> server.store.hints.size() == 2);
        server.store.hints.forEach(hint -> hint.dropped = true);
        server.script("a").emit(null, "one");
        assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
        server.script("a").complete("1");
        assertThat(reader.toEnd()).hasSize(1);
        assertThat(waiting.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).body())
                .isEqualTo("1");
    }

    @Test
    @DisplayName("R6 a reader reads the stream again after frames that another reader has encoded")
    void looksAgainAfterSharedFrames() throws Exception {
        ContractServer server = server();
        // Without the timer, only a hint or a reader itself can cause another read.
        server.timer.shutdownNow();
        String location = location(post("/tasks", "a"));
        List<Received> one = follow(location);
        await().until(() -> server.store.hints.size() == 1);
        List<Received> two = follow(location);
        await().until(() -> server.store.hints.size() == 2);
        server.script("a").emit(null, "one");
        await().until(() -> one.size() == 1 && two.size() == 1);
        server.store.hints.get(1).dropped = true;
        server.script("a").emit(null, "two");
        await().until(() -> one.size() == 2);
        server.store.hints.get(0).dropped = true;
        server.store.hints.get(1).dropped = false;
        server.script("a").emit(null, "three");
        await().until(() -> two.size() == 3);
    }
}
