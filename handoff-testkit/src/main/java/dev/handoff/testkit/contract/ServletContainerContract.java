package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.task.Task;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import dev.handoff.token.Grant;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code HandoffFilter} and {@code EventStreamServlet} do on every servlet container, over real sockets. */
@Timeout(60)
public abstract class ServletContainerContract extends FaultContract {

    // The hand-off

    @Test
    @DisplayName("a request is answered with a redirect, and events are delivered as they are emitted")
    void handsOff() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a");

        assertThat(redirect.statusCode()).isEqualTo(303);
        String location = redirect.headers().firstValue("Location").orElseThrow();
        assertThat(location).startsWith("/events/");
        assertThat(redirect.headers().firstValue("Cache-Control")).contains("no-store");
        assertThat(redirect.headers().firstValue("x-should-retry")).contains("false");
        assertThat(redirect.headers().firstValue("Content-Type")).contains("application/json");
        assertThat(redirect.body()).contains("redirect").doesNotContain(location.substring("/events/".length()));

        HttpResponse<InputStream> answer = get(location);
        assertThat(answer.statusCode()).isEqualTo(200);
        assertThat(answer.headers().firstValue("Content-Type")).contains("text/event-stream");
        assertThat(answer.headers().firstValue("Cache-Control")).contains("no-cache, no-transform");
        assertThat(answer.headers().firstValue("X-Accel-Buffering")).contains("no");

        SseReader events = new SseReader(answer.body());
        String id = JSON.readTree(redirect.body()).get("task").textValue();
        server.script("a").emit(null, "one");
        assertThat(events.next().map(ContainerClient::unproven)).contains(new Received(id + ":0", "message", "one"));
        server.script("a").emit("two", "2");
        assertThat(events.next().map(ContainerClient::unproven)).contains(new Received(id + ":1", "two", "2"));
        server.script("a").complete("{\"sum\":3}");
        assertThat(events.next().map(ContainerClient::unproven))
                .contains(new Received(id + ":2", "completed", "{\"sum\":3}"));
        assertThat(events.next()).isEmpty();
    }

    @Test
    @DisplayName("a request that no route takes passes untouched, with its body")
    void passesOthers() throws Exception {
        server();
        assertThat(post("/tasks", "pass this").body()).isEqualTo("application: POST pass this");
        assertThat(post("/tasks", "pass this", "X-Read", "reader").body()).isEqualTo("application: POST pass this");
        assertThat(post(
                                "/tasks?pass=0",
                                "pass=1&pass=%C3%BC&b=3",
                                "X-Read",
                                "parameter",
                                "Content-Type",
                                "application/x-www-form-urlencoded")
                        .body())
                .isEqualTo("application: POST 0,1,ü");
        assertThat(post("/other", "a").body()).isEqualTo("application: POST a");
        assertThat(new String(get("/tasks").body().readAllBytes(), UTF_8)).isEqualTo("application: GET ");
        assertThat(get("/other", "Last-Event-ID", "foreign").statusCode()).isEqualTo(200);
    }

    @Test
    @DisplayName("a body that is too large, or no text, is refused")
    void refusesBodies() throws Exception {
        server();
        assertProblem(post("/tasks", "a".repeat((8 << 20) + 1)), 413, "content_too_large");
        assertProblem(
                post("/tasks", "a", "Content-Type", "multipart/form-data; boundary=x"), 415, "unsupported_media_type");
        assertProblem(post("/tasks", "a", "Content-Type", "text/plain; charset=none"), 415, "unsupported_charset");
    }

    @Test
    @DisplayName("a route may go by the query, which it sees as it came")
    void queried() throws Exception {
        ContractServer server = server();
        HttpResponse<InputStream> redirect = get("/queried?a=%20b&c=+");
        assertThat(redirect.statusCode()).isEqualTo(303);
        server.script("a=%20b&c=+").emitNumbered(0, 1).complete(null);
        assertThat(events(get(redirect.headers().firstValue("Location").orElseThrow())))
                .hasSize(2);
        assertThat(new String(get("/queried").body().readAllBytes(), UTF_8)).isEqualTo("application: GET ");
    }

    @Test
    @DisplayName("R10 the same subject and Idempotency-Key: one task, one stream, both get all of it")
    void idempotentDispatch() throws Exception {
        ContractServer server = server();
        String first = location(post("/tasks", "a", "Idempotency-Key", "\"k1\"", "X-Subject", "alice"));
        String second = location(post("/tasks", "a", "Idempotency-Key", "k1", "X-Subject", "alice"));
        String stranger = location(post("/tasks", "b", "Idempotency-Key", "k1", "X-Subject", "bob"));
        server.script("a").emitNumbered(0, 3).complete(null);
        server.script("b").complete(null);

        List<Received> events = events(get(first));
        assertThat(events).hasSize(4).isEqualTo(events(get(second)));
        assertThat(events(get(stranger))).hasSize(1);
        assertThat(server.script("a").runs()).isEqualTo(1);
        assertProblem(
                post("/tasks", "other", "Idempotency-Key", "k1", "X-Subject", "alice"), 422, "idempotency_key_reused");
        assertProblem(post("/tasks", "a", "Idempotency-Key", ""), 400, "invalid_idempotency_key");
    }

    // Reading

    @Test
    @DisplayName("a client that comes back with its last event id gets exactly the rest, wherever it comes back")
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
    @DisplayName("a client that is cut in mid-stream and comes back misses nothing")
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
    @DisplayName("after the end there is nothing: 204")
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
    @DisplayName("R5 readers of one stream share what is encoded, wherever they began, and all get all of it")
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
    @DisplayName("R5 a client that was cut in mid-entry gets the rest of it, though others have had the whole")
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
    @DisplayName("R5 a client that comes back is told when to retry, though others are sent the same events without")
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
    @DisplayName("a long stream is caught up with, complete and in order")
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
    @DisplayName("a stream of large events is caught up with, complete and in order")
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
    @DisplayName("R14 any data arrives as it was emitted, line breaks as LF")
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
    @DisplayName("retry goes out with the first event, and with no other")
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
    @DisplayName("a heartbeat is a comment with one line feed, and harms no event")
    void sendsHeartbeats() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        String location = location(post("/tasks", "a"));
        Socket socket = connect("GET", location, "");
        server.script("a").emit(null, "before");
        String before = readUntil(socket, ":\n");
        server.script("a").emit(null, "after").complete(null);
        String after = readUntil(socket, "event: completed");

        assertThat(before).contains("data: before\n\n");
        assertThat(after).contains("data: after\n\n");
        // The empty line would make a frame without data, which kills some clients.
        assertThat(before + after).doesNotContain(":\n\n").doesNotContain("data: \n");
    }

    @Test
    @DisplayName("a stream that is read over many heartbeats is not harmed")
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

    // How streams end

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
    @DisplayName("what a handler throws is not told to the client")
    void crashedStream() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").crash("a secret of the house");
        List<Received> events = events(get(location));
        assertThat(events).extracting(Received::type).containsExactly("failed");
        assertThat(events.get(0).data()).contains("handler_failed").doesNotContain("secret");
    }

    @Test
    @DisplayName("R9 DELETE cancels, every reader gets the end, and a second DELETE is fine")
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
    @DisplayName("R9 leaving is not cancelling, and a client that has left is noticed")
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
    @DisplayName("R8 a drained server says so and cuts; the client gets the rest elsewhere")
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
            // It has no id of its own, so that the client comes back for what it really misses.
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
    @DisplayName("R8 a store that fails never looks like the end of a stream")
    void storeFails() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        SseReader reader = new SseReader(get(location).body());
        reader.next();
        server.faults.fail("read", new ProblemException(503, "store_unreachable", "The store cannot be reached."));
        server.script("a").emitNumbered(1, 2);
        Received last = reader.next().orElseThrow();
        assertThat(last.type()).isEqualTo("interrupted");
        assertThat(last.data()).contains("store_unreachable");
        assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
    }

    @Test
    @DisplayName("R8 a client that asks for the connection to be closed can tell a cut from an end")
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
    @DisplayName("R8 a container that stops never makes a stream look whole")
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
        // The task is over a moment after its stream, and its time counts from then.
        await().until(() -> !status(location).get("ended").isNull());
        server.clock.tick(Duration.ofHours(2));
        assertProblem(send("GET", location, ""), 410, "stream_gone");
        assertProblem(send("GET", location + "/status", ""), 410, "stream_gone");
        assertProblem(post("/tasks", "a", "Last-Event-ID", last), 410, "stream_gone");
    }

    // The result

    @Test
    @DisplayName("the result format waits, then gives one JSON document")
    void givesResults() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        CompletableFuture<HttpResponse<String>> answer =
                client.sendAsync(request("GET", location, ""), HttpResponse.BodyHandlers.ofString());
        await().until(() -> status(location).get("readers").asInt() == 1);
        String result = "{\"text\":\"" + "\uD83D\uDE00ü".repeat(200_000) + "\"}";
        server.script("a").emit(null, "not shown").complete(result);

        assertThat(answer.get().statusCode()).isEqualTo(200);
        assertThat(answer.get().headers().firstValue("Content-Type")).contains("application/json");
        assertThat(answer.get().body()).isEqualTo(result);
        assertThat(send("GET", location, "").body()).isEqualTo(result);
        await().until(() -> status(location).get("readers").asInt() == 0);
    }

    @Test
    @DisplayName("the result of what failed or was cancelled is an HTTP error, not to be tried again")
    void givesErrors() throws Exception {
        ContractServer server = server();
        String failed = location(post("/tasks", "a", "X-Format", "result"));
        server.script("a").fail(new Problem(502, "upstream_failed", "No answer."));
        HttpResponse<String> error = send("GET", failed, "");
        assertProblem(error, 502, "upstream_failed");
        assertThat(error.headers().firstValue("x-should-retry")).contains("false");

        String cancelled = location(post("/tasks", "b", "X-Format", "result"));
        send("DELETE", cancelled, "");
        assertProblem(send("GET", cancelled, ""), 409, "cancelled");
    }

    @Test
    @DisplayName("R14 an unpaired surrogate in a result becomes U+FFFD, as in an event")
    void replacesUnpairedSurrogates() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        server.script("a").complete("\"a\uD800b\uDC00 \uD83D\uDE00\"");
        assertThat(send("GET", location, "").body()).isEqualTo("\"a\uFFFDb\uFFFD \uD83D\uDE00\"");
    }

    @Test
    @DisplayName("Prefer: wait=N is honoured by the result format")
    void honoursWait() throws Exception {
        ContractServer server = server(s -> s.heartbeat(Duration.ofMillis(20)));
        String location = location(post("/tasks", "a", "X-Format", "result"));
        HttpResponse<String> waited = send("GET", location, "", "Prefer", "wait=0");
        assertThat(waited.statusCode()).isEqualTo(202);
        assertThat(waited.headers().firstValue("Location")).contains(location);
        assertThat(waited.headers().firstValue("Preference-Applied")).contains("wait=0");
        assertThat(JSON.readTree(waited.body()).get("state").textValue()).isIn("queued", "running");
        server.script("a").complete("7");
        assertThat(send("GET", location, "", "Prefer", "wait=100").body()).isEqualTo("7");
    }

    @Test
    @DisplayName("a drained server refuses those who wait for a result")
    void drainsResults() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        CompletableFuture<HttpResponse<String>> answer =
                client.sendAsync(request("GET", location, ""), HttpResponse.BodyHandlers.ofString());
        await().until(() -> status(location).get("readers").asInt() == 1);
        server.events.drain();
        assertProblem(answer.get(), 503, "interrupted");
        HttpResponse<String> late = send("GET", location, "");
        assertProblem(late, 503, "draining");
        assertThat(late.headers().firstValue("Retry-After")).isPresent();
    }

    // What is refused

    @Test
    @DisplayName("R12 a token that is tampered with, cut, foreign or expired: 401 with a problem")
    void refusesTokens() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        char last = location.charAt(location.length() - 1);
        String tampered = location.substring(0, location.length() - 3) + (last == 'A' ? "BBB" : "AAA");
        for (String bad : List.of(
                tampered,
                location.substring(0, location.length() - 1),
                location.substring(0, 60),
                "/events/",
                "/events",
                "/events/a.b.c.d.e",
                location + "x",
                "/events/" + "x".repeat(5000))) {
            // Some containers refuse a path with an empty segment by themselves.
            for (String path : bad.endsWith("/") ? List.of(bad) : List.of(bad, bad + "/status")) {
                HttpResponse<String> answer = send("GET", path, "");
                assertProblem(answer, 401, "invalid_token");
                assertThat(answer.headers().firstValue("WWW-Authenticate")).isPresent();
                assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
            }
            assertProblem(send("DELETE", bad, ""), 401, "invalid_token");
            assertProblem(send("POST", bad, "body"), 401, "invalid_token");
        }
        server.clock.tick(Duration.ofHours(25));
        assertProblem(send("GET", location, ""), 401, "token_expired");
    }

    @Test
    @DisplayName("R12 no other spelling of a token is taken, not even of bits that mean nothing")
    void refusesOtherSpellings() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        String start = location.substring(0, location.length() - 1);
        for (char c : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".toCharArray()) {
            if (!location.equals(start + c)) {
                assertProblem(send("HEAD", start + c, ""), 401, null);
            }
        }
        assertProblem(send("GET", location + "=", ""), 401, "invalid_token");
    }

    @Test
    @DisplayName("a client that waits to be asked for its body is not waited for")
    void expectContinue() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        String answer = exchange("POST", location, "Expect: 100-continue\r\nContent-Length: 5\r\n");
        assertThat(answer).contains("event: completed");
    }

    @Test
    @DisplayName("R12 who is not known may go on reading by the id of an event, but not cancel")
    void resumesAnonymously() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 1);
        String last = new SseReader(get(location).body()).next().orElseThrow().lastEventId();
        String again = location(post("/tasks", "a", "Last-Event-ID", last));
        assertProblem(send("DELETE", again, ""), 403, "right_missing");
        assertThat(send("DELETE", location, "").statusCode()).isEqualTo(202);
    }

    @Test
    @DisplayName("R12 a right that the token does not have: 403")
    void refusesRights() throws Exception {
        ContractServer server = server();
        String id = taskOf(post("/tasks", "a"));
        String readOnly = server.readOnly(id);
        assertProblem(send("DELETE", readOnly, ""), 403, "right_missing");
        String cancelOnly = server.path(id, "standard", Duration.ofHours(1), Grant.Right.CANCEL);
        assertProblem(send("GET", cancelOnly, ""), 403, "right_missing");
        assertProblem(send("GET", cancelOnly + "/status", ""), 403, "right_missing");
        String resultOnly = server.path(id, "result", Duration.ofHours(1), Grant.Right.CANCEL);
        assertProblem(send("GET", resultOnly, ""), 403, "right_missing");
        assertThat(send("DELETE", cancelOnly, "").statusCode()).isEqualTo(202);
    }

    @Test
    @DisplayName("a Last-Event-ID that is not one of the stream: 400, which names it")
    void refusesLastEventIds() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 3);
        String id = status(location).get("task").textValue();
        await().until(() -> status(location).get("events").asInt() == 3);
        String other = Task.of("script", "").id() + ":0";
        for (String bad : List.of(
                "17",
                "abc",
                id,
                id + ":",
                id + ":x",
                id + ":-1",
                id + ":3",
                other,
                id + ":0x",
                id + ":01",
                id + ":0.9",
                id + ":2.1")) {
            HttpResponse<String> answer = send("GET", location, "", "Last-Event-ID", bad);
            assertProblem(answer, 400, "invalid_last_event_id");
            assertThat(JSON.readTree(answer.body()).get("detail").textValue()).contains(bad);
        }
        HttpResponse<String> atTheStart = post("/tasks", "a", "Last-Event-ID", "17");
        assertProblem(atTheStart, 400, "invalid_last_event_id");
        assertThat(atTheStart.body()).contains("17");
        assertProblem(post("/tasks", "a", "Last-Event-ID", other), 403, "not_your_stream");
        assertProblem(post("/tasks", "a", "X-Subject", "alice", "Last-Event-ID", other), 410, "stream_gone");
        assertThat(server.script("a").runs()).isEqualTo(1);
    }

    @Test
    @DisplayName("a stream is given back only to the subject that began it")
    void refusesStrangers() throws Exception {
        server();
        String id = taskOf(post("/tasks", "a", "X-Subject", "alice")) + ":0";
        assertProblem(post("/tasks", "a", "X-Subject", "mallory", "Last-Event-ID", id), 403, "not_your_stream");
        assertProblem(post("/tasks", "a", "Last-Event-ID", id), 403, "not_your_stream");
    }

    @Test
    @DisplayName("methods that mean nothing here: 405")
    void refusesMethods() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        HttpResponse<String> put = send("PUT", location, "x");
        assertProblem(put, 405, "method_not_allowed");
        assertThat(put.headers().firstValue("x-should-retry")).contains("false");
        HttpResponse<String> status = send("DELETE", location + "/status", "");
        assertProblem(status, 405, "method_not_allowed");
        assertThat(status.headers().firstValue("Allow")).contains("GET, HEAD, OPTIONS");
    }

    // The rest of HTTP

    @Test
    @DisplayName("the status says how the task stands")
    void tellsStatus() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2);
        await().until(() -> status(location).get("events").asInt() == 2);
        JsonNode running = status(location);
        assertThat(running.get("state").textValue()).isEqualTo("running");
        assertThat(running.get("queue_position").intValue()).isZero();
        assertThat(running.get("readers").intValue()).isZero();
        assertThat(running.get("created").textValue()).isEqualTo("2030-01-01T00:00:00Z");
        assertThat(running.get("started").textValue()).isEqualTo("2030-01-01T00:00:00Z");
        assertThat(running.get("ended").isNull()).isTrue();

        server.clock.tick(Duration.ofSeconds(5));
        server.script("a").complete(null);
        events(get(location));
        await().until(() -> status(location).get("state").textValue().equals("completed"));
        assertThat(status(location).get("events").intValue()).isEqualTo(2);
        assertThat(status(location).get("ended").textValue()).isEqualTo("2030-01-01T00:00:05Z");
    }

    @Test
    @DisplayName("HEAD gives the headers of GET and holds nothing open")
    void answersHead() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        HttpResponse<String> head = send("HEAD", location, "");
        assertThat(head.statusCode()).isEqualTo(200);
        assertThat(head.headers().firstValue("Content-Type")).contains("text/event-stream");
        assertThat(status(location).get("readers").intValue()).isZero();
        assertThat(send("HEAD", location + "/status", "").statusCode()).isEqualTo(200);
    }

    @Test
    @DisplayName("CORS: by default none")
    void noCors() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        HttpResponse<String> options = send("OPTIONS", location, "", "X-Origin", "https://a.example");
        assertThat(options.statusCode()).isEqualTo(204);
        assertThat(options.headers().map()).doesNotContainKey("access-control-allow-origin");
        assertThat(options.headers().firstValue("Allow")).contains("GET, HEAD, POST, DELETE, OPTIONS");
    }

    @Test
    @DisplayName("CORS: any origin")
    void corsForAll() throws Exception {
        ContractServer server = server(s -> s.corsOrigins("*"));
        String location = location(post("/tasks", "a"));
        String preflight = exchange(
                "OPTIONS",
                location,
                "Origin: null\r\nAccess-Control-Request-Headers: x-stainless-os, last-event-id\r\n");
        assertThat(preflight)
                .startsWith("HTTP/1.1 204")
                .containsIgnoringCase("Access-Control-Allow-Origin: *\r\n")
                .containsIgnoringCase("Access-Control-Allow-Methods: GET, POST, DELETE\r\n")
                .containsIgnoringCase("Access-Control-Allow-Headers: x-stainless-os, last-event-id\r\n");
        assertThat(exchange("OPTIONS", location, "Origin: https://a.example\r\n"))
                .containsIgnoringCase("Access-Control-Allow-Headers: authorization, content-type, last-event-id");
        server.script("a").complete(null);
        assertThat(exchange("GET", location, "Origin: https://a.example\r\n"))
                .containsIgnoringCase("Access-Control-Allow-Origin: *\r\n");
        assertThat(exchange("GET", "/events/bad", "Origin: https://a.example\r\n"))
                .startsWith("HTTP/1.1 401")
                .containsIgnoringCase("Access-Control-Allow-Origin: *\r\n");
    }

    @Test
    @DisplayName("CORS: named origins, with credentials")
    void corsForSome() throws Exception {
        ContractServer server = server(
                s -> s.corsOrigins("https://a.example", "https://b.example").corsCredentials(true));
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        assertThat(exchange("GET", location, "Origin: https://b.example\r\n"))
                .containsIgnoringCase("Access-Control-Allow-Origin: https://b.example\r\n")
                .containsIgnoringCase("Access-Control-Allow-Credentials: true\r\n")
                .containsIgnoringCase("Vary: Origin");
        assertThat(exchange("GET", location, "Origin: https://evil.example\r\n"))
                .doesNotContainIgnoringCase("Access-Control-Allow-Origin")
                .containsIgnoringCase("Vary: Origin");
    }

    // Under load

    @Test
    @DisplayName("R7 a client that stops reading costs little, delays nobody, and is cut off in the end")
    void stuckClients() throws Exception {
        int stuck = 30;
        ContractServer server = server(s -> s.writeDeadline(Duration.ofSeconds(2)));
        String location = location(post("/tasks", "a"));
        server.script("a").emit(null, "first");
        List<Socket> readers = new ArrayList<>();
        for (int i = 0; i < stuck; i++) {
            Socket socket = connect("GET", location, "");
            readUntil(socket, "data: first");
            readers.add(socket);
        }
        long before = usedHeap();
        CountDownLatch emitted = new CountDownLatch(1);
        String payload = "x".repeat(8 << 10);
        for (int i = 0; i < 2000; i++) {
            server.script("a").emit(null, payload);
        }
        server.script("a").then(output -> emitted.countDown());

        CompletableFuture<Integer> quick =
                CompletableFuture.supplyAsync(() -> events(get(location)).size(), server.executor);
        assertThat(emitted.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
        long grown = usedHeap() - before;
        // 16 million characters are in the store once; queued for each client they would be 30 times that.
        assertThat(grown).isLessThan(100L << 20);
        server.script("a").complete(null);
        assertThat(quick.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isEqualTo(2002);

        await().until(() -> status(location).get("readers").asInt() == 0);
        String late = drain(readers.get(0));
        assertThat(late).doesNotContain("event: completed").doesNotEndWith("0\r\n\r\n");
    }

    @Test
    @DisplayName("a stream that is open costs no thread")
    void idleStreamsNeedNoThread() throws Exception {
        int count = 2000;
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        get(location).body().close();
        int before = Thread.activeCount();
        List<Socket> readers = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Socket socket = connect("GET", location, "");
            readUntil(socket, "\r\n\r\n");
            readers.add(socket);
        }
        assertThat(status(location).get("readers").intValue()).isGreaterThanOrEqualTo(count);
        assertThat(Thread.activeCount()).isLessThan(before + 50);
        server.script("a").emit(null, "for all").complete(null);
        for (Socket socket : readers) {
            assertThat(readUntil(socket, "event: completed")).contains("data: for all");
        }
    }
}
