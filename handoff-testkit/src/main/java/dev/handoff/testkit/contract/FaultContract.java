package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.handoff.format.StreamFormat;
import dev.handoff.format.StreamFormat.Frame;
import dev.handoff.http.Problem;
import dev.handoff.http.ProblemException;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import dev.handoff.token.Grant;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Rules for a streaming server whose clients, stores, dispatchers and formats misbehave, over HTTP/1.1 and HTTP/2. */
@Timeout(60)
abstract class FaultContract extends ContainerClient {

    /** What code of an application may throw. */
    private static final List<Supplier<Throwable>> FAILURES = List.of(
            () -> new IllegalStateException("a secret of the house"),
            () -> new NoClassDefFoundError("a secret of the house"),
            () -> new StackOverflowError("a secret of the house"),
            () -> new IOException("a secret of the house"));

    private static final Duration HEARTBEAT = Duration.ofMillis(20);

    // Errors before the first byte

    @Test
    @DisplayName("R13 a last event id in bad percent-encoding: 400, which names it")
    void refusesBadEncoding() throws Exception {
        server();
        String location = location(post("/tasks", "a"));
        for (String bad : List.of("%zz", "%", "a%2")) {
            // The JDK's client refuses to send such a query.
            String answer = exchange("GET", location + "?last_event_id=" + bad, "");
            assertThat(answer).startsWith("HTTP/1.1 400").doesNotContainIgnoringCase("<html");
            // Some containers refuse such a query by themselves, without a body.
            if (!answer.endsWith("\r\n\r\n")) {
                assertThat(answer)
                        .containsIgnoringCase("x-should-retry: false")
                        .contains("invalid_last_event_id")
                        .contains("\\\"" + bad + "\\\"");
            }
        }
    }

    @Test
    @DisplayName("R13 a store or a dispatcher that throws anything: 503 with Retry-After, for every method")
    void storeThrows() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a");
        String events = location(redirect);
        String id = taskOf(redirect);
        String document = server.path(id, "result", Duration.ofHours(1), Grant.Right.values());
        server.script("a").emitNumbered(0, 2);
        String last = new SseReader(get(events).body()).next().orElseThrow().lastEventId();

        for (Supplier<Throwable> failure : FAILURES) {
            for (String method : List.of("open", "status")) {
                server.faults.fail(method, failure.get());
                assertUnavailable(send("GET", events, ""), events);
                assertUnavailable(send("POST", events, ""), events);
                assertUnavailable(send("GET", document, ""), document);
                assertUnavailableHead(events);
                assertUnavailableHead(document);
                assertUnavailable(send("GET", events + "/status", ""), events);
                server.faults.clear();
            }
            server.faults.fail("eventCount", failure.get());
            assertUnavailable(send("GET", events + "/status", ""), events);
            server.faults.fail("cancel", failure.get());
            assertUnavailable(send("DELETE", events, ""), events);
            server.faults.fail("watch", failure.get());
            assertUnavailable(send("GET", events, ""), events);
            assertUnavailable(send("GET", document, ""), document);
            server.faults.clear();
            server.faults.fail("last", failure.get());
            assertUnavailable(send("GET", events, "", "Last-Event-ID", last), events);
            server.faults.clear();
            server.faults.fail("end", failure.get());
            assertUnavailable(send("GET", events, "", "Last-Event-ID", last), events);
            assertProblem(send("GET", document, ""), 503, "interrupted");
            server.faults.clear();
            server.faults.fail("read", failure.get());
            assertUnavailable(send("GET", events, "", "Last-Event-ID", id + ":1.1"), events);
            server.faults.clear();
        }
        server.script("a").complete(null);
        await().until(() -> server.store.openWatches() == 0);
    }

    @Test
    @DisplayName("R13 410, not 200 and a cut, if the first read finds that the stream is no longer kept")
    void goneAtFirstRead() throws Exception {
        ContractServer server = server();
        String events = location(post("/tasks", "a"));
        server.script("a").emitNumbered(0, 2);
        server.faults.fail("read", new ProblemException(410, "stream_gone", "The stream is no longer kept."));
        assertProblem(send("GET", events, ""), 410, "stream_gone");
        server.faults.clear();
        SseReader reader = new SseReader(get(events).body());
        assertThat(reader.next().orElseThrow().data()).isEqualTo("event 0");
        server.script("a").complete(null);
        await().until(() -> server.store.openWatches() == 0);
    }

    private static void assertUnavailable(HttpResponse<String> answer, String location) throws IOException {
        assertProblem(answer, 503, "unavailable");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
        assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        assertThat(answer.body())
                .doesNotContain("secret")
                .doesNotContain(location.substring(location.lastIndexOf('/') + 1));
    }

    private void assertUnavailableHead(String location) throws Exception {
        HttpResponse<String> answer = send("HEAD", location, "");
        assertProblem(answer, 503, null);
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
    }

    @Test
    @DisplayName("R16 a store that throws in mid-stream cuts that stream, and no other one")
    void storeThrowsInMidStream() throws Exception {
        ContractServer server = server();
        String other = location(post("/tasks", "b"));
        SseReader untouched = new SseReader(get(other).body());
        for (int i = 0; i < FAILURES.size(); i++) {
            String script = "a" + i;
            HttpResponse<String> redirect = post("/tasks", script);
            String id = taskOf(redirect);
            server.script(script).emit(null, "one");
            SseReader reader = new SseReader(get(location(redirect)).body());
            assertThat(reader.next().orElseThrow().data()).isEqualTo("one");
            Throwable failure = FAILURES.get(i).get();
            server.faults.set("read", stream -> {
                if (stream.equals(id)) {
                    Faults.raise(failure);
                }
            });
            server.script(script).emit(null, "two");
            assertThat(reader.next().orElseThrow().type()).isEqualTo("interrupted");
            assertThatThrownBy(reader::next).isInstanceOf(UncheckedIOException.class);
            server.faults.clear();
        }
        server.script("b").emit(null, "one").complete(null);
        assertThat(untouched.toEnd()).hasSize(2);
    }

    @Test
    @DisplayName("R16 a watch that cannot be closed does not keep the response open")
    void watchCannotBeClosed() throws Exception {
        ContractServer server = server();
        for (Supplier<Throwable> failure : FAILURES) {
            String script = failure.get().getClass().getName();
            String location = location(post("/tasks", script));
            server.faults.fail("close", failure.get());
            server.script(script).emitNumbered(0, 1).complete(null);
            assertThat(events(get(location))).hasSize(2);
            await().until(() -> status(location).get("readers").asInt() == 0);
        }
    }

    @Test
    @DisplayName("R13 a format that this server does not know: 503, since another server may know it")
    void unknownFormat() throws Exception {
        ContractServer server = server();
        String id = taskOf(post("/tasks", "a"));
        HttpResponse<String> answer = send("GET", server.path(id, "next", Duration.ofHours(1), Grant.Right.READ), "");
        assertProblem(answer, 503, "unknown_format");
        assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
    }

    @Test
    @DisplayName("R13 errors are in the form of the format as soon as the token is opened")
    void errorsOfFormat() throws Exception {
        ContractServer server = server();
        server.faulty.errors = problem -> Reply.of(problem.status(), "text/plain", "format: " + problem.code());
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", FaultyFormat.NAME);
        String location = location(redirect);
        assertThat(send("GET", location, "", "Last-Event-ID", "17").body()).isEqualTo("format: invalid_last_event_id");
        String readOnly = server.path(taskOf(redirect), FaultyFormat.NAME, Duration.ofHours(1), Grant.Right.READ);
        HttpResponse<String> refused = send("DELETE", readOnly, "");
        assertThat(refused.body()).isEqualTo("format: right_missing");
        assertThat(refused.headers().firstValue("x-should-retry")).contains("false");

        server.faults.fail("status", new IllegalStateException("no connection"));
        for (String path : List.of(location, location + "/status")) {
            HttpResponse<String> outage = send("GET", path, "");
            assertThat(outage.statusCode()).isEqualTo(503);
            assertThat(outage.body()).isEqualTo("format: unavailable");
            assertThat(outage.headers().firstValue("Retry-After")).isPresent();
            assertThat(outage.headers().firstValue("x-should-retry")).contains("false");
        }
        server.faulty.errors = problem -> {
            throw new IllegalStateException("no form");
        };
        assertProblem(send("GET", location, ""), 503, "unavailable");
    }

    @Test
    @DisplayName("R13 without async support: 500, which says what to configure")
    void asyncMissing() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", "result");
        server.script("a").complete("1");
        String document = location(redirect);
        String events = server.readOnly(taskOf(redirect));
        for (String location : List.of(document, events)) {
            for (String prefix : List.of("/without-async/", "/filtered/")) {
                HttpResponse<String> answer = send("GET", location.replace("/events/", prefix), "");
                assertProblem(answer, 500, "async_not_supported");
                assertThat(answer.body()).contains("asyncSupported=true").contains("filter");
                assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
            }
        }
        assertThat(send("GET", document, "").body()).isEqualTo("1");
    }

    // Formats

    @Test
    @DisplayName("R16 a format that fails on an event: what comes before is delivered, and the client resumes after it")
    void formatFailsOnEvent() throws Exception {
        ContractServer server = server();
        Map<String, Function<Event, List<Frame>>> faults = new LinkedHashMap<>();
        FAILURES.forEach(f -> faults.put(f.get().getClass().getSimpleName(), event -> Faults.raise(f.get())));
        faults.put("null", event -> nothing());
        faults.put("null-frame", event -> Arrays.asList(new Frame(null, "begun"), null));
        faults.put("null-data", event -> List.of(new Frame(null, nothing())));
        faults.put("line-feed", event -> List.of(new Frame(null, "begun"), new Frame("a\nb", "")));
        server.faulty.events = event -> {
            Function<Event, List<Frame>> fault = faults.get(event.data());
            return fault == null ? StreamFormat.standard().frames(event) : fault.apply(event);
        };
        for (String fault : faults.keySet()) {
            HttpResponse<String> redirect = post("/tasks", "a" + fault, "X-Format", FaultyFormat.NAME);
            String location = location(redirect);
            String id = taskOf(redirect);
            server.script("a" + fault)
                    .emit(null, "good")
                    .emit(null, fault)
                    .emit(null, "better")
                    .complete(null);
            await().until(() -> status(location).get("state").textValue().equals("completed"));

            ReadStream stream = stream(location);
            assertThat(stream.clean()).isFalse();
            assertThat(stream.events()).hasSize(2);
            assertThat(unproven(stream.events().get(0))).isEqualTo(new Received(id + ":0", "message", "good"));
            Received bad = stream.events().get(1);
            assertThat(unproven(bad).lastEventId()).isEqualTo(id + ":1");
            assertThat(bad.type()).isEqualTo("failed");
            assertThat(bad.data()).contains("format_failed").doesNotContain("secret");
            assertThat(events(get(location, "Last-Event-ID", bad.lastEventId())))
                    .extracting(Received::data)
                    .containsExactly("better", "");
        }
    }

    @Test
    @DisplayName("R8 an error of the JVM while a stream is delivered cuts the stream")
    void outOfMemory() throws Exception {
        ContractServer server = server();
        server.faulty.events = event -> event.data().equals("bad")
                ? Faults.raise(new OutOfMemoryError("a test"))
                : StreamFormat.standard().frames(event);
        String location = location(post("/tasks", "a", "X-Format", FaultyFormat.NAME));
        server.script("a").emit(null, "good").emit(null, "bad").complete(null);
        await().until(() -> status(location).get("state").textValue().equals("completed"));

        assertThat(stream(location).clean()).isFalse();
    }

    @Test
    @DisplayName("R16 a format that fails on the end, or shows nothing for it: an error, a cut, and 204 on return")
    void formatFailsOnEnd() throws Exception {
        ContractServer server = server();
        List<Function<End, List<Frame>>> faults = new ArrayList<>();
        FAILURES.forEach(f -> faults.add(end -> Faults.raise(f.get())));
        faults.add(end -> List.of());
        faults.add(end -> nothing());
        faults.add(end -> Collections.singletonList(nothing()));
        for (int i = 0; i < faults.size(); i++) {
            Function<End, List<Frame>> fault = faults.get(i);
            server.faulty.ends = end -> end instanceof End.Completed
                    ? fault.apply(end)
                    : StreamFormat.standard().frames(end);
            assertFailsOnEnd(server, "a" + i, "failed");
            // It cannot show its own failure either.
            server.faulty.ends = fault;
            assertFailsOnEnd(server, "b" + i, "interrupted");
        }
        server.faulty.ends = StreamFormat.standard()::frames;
        server.faulty.clean = end -> Faults.raise(new IllegalStateException());
        assertFailsOnEnd(server, "c", "failed");

        // It can show nothing at all.
        server.faulty.ends = end -> List.of();
        server.faulty.interruptions = problem -> nothing();
        String location = location(post("/tasks", "d", "X-Format", FaultyFormat.NAME));
        server.script("d").emit(null, "good").complete(null);
        ReadStream stream = stream(location);
        assertThat(stream.events()).extracting(Received::data).containsExactly("good");
        assertThat(stream.clean()).isFalse();
    }

    private void assertFailsOnEnd(ContractServer server, String script, String type) throws Exception {
        HttpResponse<String> redirect = post("/tasks", script, "X-Format", FaultyFormat.NAME);
        String location = location(redirect);
        server.script(script).emit(null, "good").complete(null);
        ReadStream stream = stream(location);
        assertThat(stream.clean()).isFalse();
        assertThat(stream.events())
                .hasSize(2)
                .first()
                .extracting(Received::data)
                .isEqualTo("good");
        Received end = stream.events().get(1);
        assertThat(end.type()).isEqualTo(type);
        assertThat(end.data()).contains("format_failed");
        assertThat(unproven(end).lastEventId()).isEqualTo(taskOf(redirect) + ":1");
        assertThat(get(location, "Last-Event-ID", end.lastEventId()).statusCode())
                .isEqualTo(204);
    }

    @Test
    @DisplayName("R16 a document format that fails: 500, not to be tried again")
    void documentFails() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", FaultyFormat.Document.NAME));
        server.script("a").complete("1");
        assertThat(send("GET", location, "").body()).isEqualTo("1");
        List<Function<End, Reply>> faults = new ArrayList<>();
        FAILURES.forEach(f -> faults.add(end -> Faults.raise(f.get())));
        faults.add(end -> nothing());
        faults.add(end -> Reply.of(200).with("X-Junk", "\u20AC"));
        faults.add(end -> Reply.of(200).with("Bad name", "1"));
        faults.add(end -> Reply.of(200).with("Content-Length", "7"));
        server.faultyDocument.errors = problem -> Reply.of(problem.status(), "text/plain", "own " + problem.code());
        for (Function<End, Reply> fault : faults) {
            server.faultyDocument.documents = fault;
            HttpResponse<String> answer = send("GET", location, "");
            assertThat(answer.statusCode()).isEqualTo(500);
            assertThat(answer.body()).isEqualTo("own format_failed");
            assertThat(answer.headers().firstValue("x-should-retry")).contains("false");
            assertThat(send("HEAD", location, "").statusCode()).isEqualTo(500);
        }
        server.faultyDocument.errors = problem -> nothing();
        assertProblem(send("GET", location, ""), 500, "format_failed");
    }

    @Test
    @DisplayName("the header fields of a format are on all its answers, and those that cannot be sent are refused")
    void headersOfFormat() throws Exception {
        ContractServer server = server(s -> s.corsOrigins("https://a.example"));
        server.faulty.headers = () -> Map.of("X-Request-Id", "r1", "Vary", "Accept");
        server.faultyDocument.headers = () -> Map.of("X-Request-Id", "r1");
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", FaultyFormat.NAME);
        String location = location(redirect);
        String document =
                server.path(taskOf(redirect), FaultyFormat.Document.NAME, Duration.ofHours(1), Grant.Right.values());
        server.script("a").complete("1");
        HttpResponse<InputStream> stream = get(location);
        assertThat(String.join(", ", stream.headers().allValues("Vary")).split(", "))
                .contains("Origin", "Accept");
        String last = events(stream).get(0).lastEventId();
        List<HttpResponse<String>> answers = List.of(
                send("GET", location, ""),
                send("HEAD", location, ""),
                send("POST", location, ""),
                send("GET", location, "", "Last-Event-ID", last),
                send("GET", location, "", "Last-Event-ID", "17"),
                send("DELETE", location, ""),
                send("GET", document, ""),
                send("HEAD", document, ""));
        assertThat(answers)
                .extracting(HttpResponse::statusCode)
                .containsExactly(200, 200, 200, 204, 400, 204, 200, 200);
        assertThat(exchange("GET", document, "Origin: https://a.example\r\n"))
                .as("a page of another origin can read them")
                .containsIgnoringCase("Access-Control-Expose-Headers: Location, Retry-After, X-Request-Id");
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.headers().firstValue("X-Request-Id")).contains("r1");
            assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        });

        List<Supplier<Map<String, String>>> faults = new ArrayList<>();
        FAILURES.forEach(f -> faults.add(() -> Faults.raise(f.get())));
        faults.add(FaultContract::nothing);
        faults.add(() -> Collections.singletonMap("X", null));
        faults.add(() -> Map.of("X", "a\r\nSet-Cookie: b=c"));
        faults.add(() -> Map.of("X\n", "a"));
        faults.add(() -> Map.of("", "a"));
        faults.add(() -> Map.of("X", "\u20AC"));
        faults.add(() -> Map.of("Transfer-Encoding", "chunked"));
        for (Supplier<Map<String, String>> fault : faults) {
            server.faulty.headers = fault;
            assertProblem(send("GET", location, ""), 500, "format_failed");
        }
    }

    @Test
    @DisplayName("R16 a format that shows no event does not keep the appending thread")
    void formatShowsNothing() throws Exception {
        ContractServer server = server();
        server.timer.shutdownNow();
        server.faulty.events = event -> List.of();
        assertAppenderGoesOn(server, FaultyFormat.NAME, 0);
    }

    @Test
    @DisplayName("R7 one turn writes a bounded number of parts, and another thread goes on")
    void boundedTurn() throws Exception {
        ContractServer server = server();
        server.timer.shutdownNow();
        assertAppenderGoesOn(server, FaultyFormat.NAME, 20_000);
    }

    private void assertAppenderGoesOn(ContractServer server, String format, int shown) throws Exception {
        int events = 20_000;
        ConcurrentLinkedQueue<Thread> threads = new ConcurrentLinkedQueue<>();
        Function<Event, List<Frame>> frames = server.faulty.events;
        server.faulty.events = event -> {
            threads.add(Thread.currentThread());
            return frames.apply(event);
        };
        String location = location(post("/tasks", "a", "X-Format", format));
        SseReader reader = new SseReader(get(location).body());
        CompletableFuture<List<Received>> received = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
        await().until(() -> server.store.hints.size() == 1);
        // The reader is caught up with nothing.
        await().until(() -> server.faults.calls("read") > 0);
        server.store.hints.get(0).dropped = true;
        CountDownLatch emitted = new CountDownLatch(1);
        List<Thread> appender = new ArrayList<>();
        server.script("a").emitNumbered(0, events).then(output -> emitted.countDown());
        assertThat(emitted.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
        server.store.hints.get(0).dropped = false;
        server.script("a")
                .then(output -> appender.add(Thread.currentThread()))
                .emit(null, "last")
                .complete(null);

        assertThat(received.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(shown == 0 ? 1 : events + 2);
        assertThat(threads).hasSizeGreaterThan(events);
        assertThat(threads.stream().filter(t -> t == appender.get(0)).count()).isLessThan(events / 2);
    }

    // How streams end

    @Test
    @DisplayName(
            "R8 an end that the format does not end cleanly is written and then cut; on return there is nothing left")
    void endsUncleanly() throws Exception {
        ContractServer server = server();
        server.faulty.clean = end -> !(end instanceof End.Failed);
        String location = location(post("/tasks", "a", "X-Format", FaultyFormat.NAME));
        // Two, so that the frames of the end are shared.
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

            // A check that fails is no reason to cut.
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
            // Twice for the stream, not twice for each reader.
            assertThat(server.faults.calls("status") - before).isEqualTo(2);
            stop();
        }
    }

    @Test
    @DisplayName("R6 a reader looks again by itself when a hint is lost")
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
        // Without it no look comes to help.
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

    @Test
    @DisplayName("every watch is closed, and a stream that is read by one client after others shares nothing with them")
    void leavesNothingBehind() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", ContractServer.CountedFormat.NAME));
        List<List<Received>> both = List.of(follow(location), follow(location));
        await().until(() -> status(location).get("readers").asInt() == 2);
        server.script("a").emit(null, "one").complete(null);
        await().until(() -> both.stream().allMatch(a -> a.size() == 2));
        await().until(() -> status(location).get("readers").asInt() == 0);
        await().until(() -> server.store.openWatches() == 0);

        int before = server.counted.events();
        assertThat(events(get(location))).hasSize(2);
        await().until(() -> status(location).get("readers").asInt() == 0);
        assertThat(events(get(location))).hasSize(2);
        assertThat(server.counted.events() - before).isEqualTo(2);
        await().until(() -> server.store.openWatches() == 0);
    }

    @Test
    @DisplayName("a handler that leaves its thread interrupted harms no response")
    void interruptedHandler() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a", "X-Format", "result");
        String document = location(redirect);
        String result = "\"" + "x".repeat(300_000) + '"';
        CompletableFuture<HttpResponse<String>> waiting =
                client.sendAsync(request("GET", document, ""), HttpResponse.BodyHandlers.ofString());
        SseReader reader =
                new SseReader(get(server.readOnly(taskOf(redirect), "standard")).body());
        await().until(() -> server.store.hints.size() == 2);
        server.script("a")
                .then(output -> {
                    Thread.currentThread().interrupt();
                    output.emit("one");
                    assertThat(Thread.interrupted()).isTrue();
                })
                .completeInterrupted(result);
        assertThat(waiting.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS).body())
                .isEqualTo(result);
        assertThat(reader.toEnd()).extracting(Received::data).containsExactly("one", result);
    }

    @Test
    @DisplayName("a servlet that is destroyed while a stream is open leaves no thread behind")
    void leavesNoThread() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a"));
        server.script("a").emit(null, "one");
        SseReader reader = new SseReader(get(location).body());
        reader.next();
        server.events.destroy();
        assertThat(Thread.getAllStackTraces().keySet())
                .extracting(Thread::getName)
                .doesNotContain("CompletableFutureDelayScheduler");
    }

    // Deadlines, and what must not be delayed

    @Test
    @DisplayName(
            "R7 a client that reads steadily but slowly gets an event and a document that take longer than the deadline")
    void slowReaders() throws Exception {
        TickingTicker ticker = new TickingTicker();
        ContractServer server =
                server(s -> s.ticker(ticker).heartbeat(HEARTBEAT).writeDeadline(Duration.ofSeconds(8)));
        HttpResponse<String> redirect = post("/tasks", "a");
        String data = "x".repeat(24 << 20);
        server.script("a").emit(null, data).complete(data);
        await().until(() -> status(location(redirect)).get("state").textValue().equals("completed"));
        for (String location : List.of(location(redirect), server.readOnly(taskOf(redirect), "result"))) {
            Socket socket = connect("GET", location, "");
            InputStream in = socket.getInputStream();
            long total = 0;
            byte[] bytes = in.readNBytes(1 << 20);
            while (bytes.length > 0) {
                total += bytes.length;
                ticker.tick(Duration.ofSeconds(1));
                bytes = in.readNBytes(1 << 20);
            }
            assertThat(total).isGreaterThanOrEqualTo(data.length());
        }
    }

    @Test
    @DisplayName("a request that announces a body and never sends it gets its answer to the end")
    void bodyNeverSent() throws Exception {
        ContractServer server = server();
        HttpResponse<String> redirect = post("/tasks", "a");
        server.script("a").complete("1");
        String document = server.readOnly(taskOf(redirect), "result");
        ReadStream stream = stream(location(redirect), "Content-Length", "5");
        assertThat(stream.events()).extracting(Received::type).containsExactly("completed");
        assertThat(stream.clean()).isTrue();
        assertThat(readUntil(connect("GET", document, "Content-Length: 5\r\n"), "\r\n\r\n1"))
                .startsWith("HTTP/1.1 200");
    }

    @Test
    @DisplayName("a body that never ends is read until the write deadline")
    void bodyWithoutEnd() throws Exception {
        TickingTicker ticker = new TickingTicker();
        ContractServer server =
                server(s -> s.ticker(ticker).heartbeat(HEARTBEAT).writeDeadline(Duration.ofSeconds(2)));
        String location = location(post("/tasks", "a"));
        server.script("a").complete(null);
        Socket socket = connect("POST", location, "Content-Length: 16000000\r\n");
        CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> drainUnchecked(socket), server.executor);
        await().until(() -> {
            try {
                socket.getOutputStream().write('x');
            } catch (IOException e) {
                // The server has closed the connection, so the answer is about to end.
            }
            ticker.tick(Duration.ofMillis(50));
            return answer.isDone();
        });
        assertThat(answer.get()).contains("event: completed");
    }

    private static String drainUnchecked(Socket socket) {
        try {
            return drain(socket);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    @DisplayName(
            "R16 a dispatcher, a store and a format that hang delay no heartbeat and no write deadline of other streams")
    void hangingApplication() throws Exception {
        for (String method : List.of("reportReaders", "read", "status", "format")) {
            ContractServer server = server(s -> s.heartbeat(HEARTBEAT).writeDeadline(Duration.ofSeconds(2)));
            HttpResponse<String> redirect = post("/tasks", "hanging", "X-Format", FaultyFormat.NAME);
            String hanging = taskOf(redirect);
            String location = location(post("/tasks", "b"));
            SseReader affected = new SseReader(get(location(redirect)).body());
            SseReader reader = new SseReader(get(location).body());
            Socket stuck = connect("GET", location, "");
            readUntil(stuck, "\r\n\r\n");
            await().until(() -> server.store.openWatches() == 3);
            CountDownLatch latch = new CountDownLatch(1);
            CountDownLatch hangs = new CountDownLatch(1);
            try {
                if (method.equals("format")) {
                    server.faulty.events = event -> {
                        hangs.countDown();
                        Faults.await(latch);
                        return StreamFormat.standard().frames(event);
                    };
                    server.script("hanging").emit(null, "one");
                } else {
                    server.faults.set(method, id -> {
                        if (id.contains(hanging)) {
                            hangs.countDown();
                            Faults.await(latch);
                        }
                    });
                }
                assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS))
                        .isTrue();

                int before = reader.comments();
                CompletableFuture<Received> next =
                        CompletableFuture.supplyAsync(() -> reader.next().orElseThrow(), server.executor);
                await().until(() -> reader.comments() >= before + 10);
                for (int i = 0; i < 1500; i++) {
                    server.script("b").emit(null, "x".repeat(8 << 10));
                }
                assertThat(next.get().data()).startsWith("x");
                CompletableFuture<List<Received>> rest = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
                // The one that takes nothing is cut; the other two stay.
                await().until(() -> server.store.openWatches() == 2);
                server.script("b").complete(null);
                assertThat(rest.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(1500);
            } finally {
                latch.countDown();
            }
            server.script("hanging").complete(null);
            assertThat(affected.toEnd()).last().extracting(Received::type).isEqualTo("completed");
            stop();
        }
    }

    @Test
    @DisplayName("R16 a format that hangs keeps no thread that serves the sockets of other clients")
    void hangingFormatKeepsNoSocketThread() throws Exception {
        ContractServer server = server();
        CountDownLatch latch = new CountDownLatch(1);
        CountDownLatch hangs = new CountDownLatch(1);
        server.faulty.events = event -> {
            hangs.countDown();
            Faults.await(latch);
            return StreamFormat.standard().frames(event);
        };
        HttpResponse<String> redirect = post("/tasks", "hanging", "X-Format", FaultyFormat.NAME);
        // Before it is read, so that the container begins the delivery.
        server.script("hanging").emit(null, "one").complete(null);
        await().until(() -> status(location(redirect)).get("state").textValue().equals("completed"));
        String other = location(post("/tasks", "b"));
        server.script("b").complete(null);
        try {
            connect("GET", location(redirect), "");
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            // On more connections than there are such threads.
            for (int i = 0; i < 32; i++) {
                assertThat(exchange("GET", other, "")).contains("event: completed");
            }
        } finally {
            latch.countDown();
        }
    }

    @Test
    @DisplayName("R9 a dispatcher hears which streams are read, also when there are none")
    void reportsAttendance() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        List<String> reports = Collections.synchronizedList(new ArrayList<>());
        server.faults.set("reportReaders", reports::add);
        await().until(() -> reports.contains(""));
        HttpResponse<String> redirect = post("/tasks", "a");
        HttpResponse<InputStream> stream = get(location(redirect));
        await().until(() -> reports.contains(taskOf(redirect)));
        server.script("a").complete(null);
        assertThat(events(stream)).hasSize(1);
        reports.clear();
        await().until(() -> reports.contains(""));
    }

    @Test
    @DisplayName("R16 with an executor the timer never waits for a dispatcher, not even while no stream is open")
    void hangingWithoutReaders() throws Exception {
        ExecutorService jobs = Executors.newCachedThreadPool();
        try {
            ContractServer server = server(s -> s.heartbeat(HEARTBEAT).executor(jobs));
            CountDownLatch latch = new CountDownLatch(1);
            CountDownLatch hangs = new CountDownLatch(1);
            server.faults.set("reportReaders", ids -> {
                hangs.countDown();
                Faults.await(latch);
            });
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            CompletableFuture<List<Received>> all;
            try {
                SseReader reader =
                        new SseReader(get(location(post("/tasks", "a"))).body());
                all = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
                await().until(() -> reader.comments() >= 10);
            } finally {
                latch.countDown();
            }
            server.script("a").complete(null);
            assertThat(all.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(1);
        } finally {
            jobs.shutdownNow();
        }
    }

    @Test
    @DisplayName("R16 a heartbeat that cannot be written cuts its stream, and delays no heartbeat of another one")
    void failingHeartbeat() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        HttpResponse<InputStream> broken = get(location(post("/tasks", "a")), "X-Output", "faulty");
        SseReader reader = new SseReader(get(location(post("/tasks", "b"))).body());
        await().until(() -> server.store.openWatches() == 2);
        CompletableFuture<List<Received>> all = CompletableFuture.supplyAsync(reader::toEnd, server.executor);
        server.faults.fail("write", new IllegalStateException("a test of a wrapper that fails"));
        await().until(() -> server.store.openWatches() == 1);
        assertThatThrownBy(() -> broken.body().readAllBytes()).isInstanceOf(IOException.class);
        int before = reader.comments();
        await().until(() -> reader.comments() >= before + 10);
        server.script("b").complete(null);
        assertThat(all.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).hasSize(1);
    }

    @Test
    @DisplayName("R16 streams with readers are reported while an earlier report hangs")
    void hangingReport() throws Exception {
        ContractServer server = server(s -> s.heartbeat(HEARTBEAT));
        List<String> reports = Collections.synchronizedList(new ArrayList<>());
        CountDownLatch latch = new CountDownLatch(1);
        CountDownLatch hangs = new CountDownLatch(1);
        try {
            server.faults.set("reportReaders", ids -> {
                if (!ids.isEmpty() && hangs.getCount() == 1) {
                    hangs.countDown();
                    Faults.await(latch);
                }
                reports.add(ids);
            });
            HttpResponse<String> redirect = post("/tasks", "a");
            HttpResponse<InputStream> stream = get(location(redirect));
            assertThat(hangs.await(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)).isTrue();
            await().until(() -> reports.contains(taskOf(redirect)));
            assertThat(latch.getCount()).isEqualTo(1);
            server.script("a").complete(null);
            assertThat(events(stream)).hasSize(1);
        } finally {
            latch.countDown();
        }
    }

    // HEAD

    @Test
    @DisplayName("HEAD of a document has the headers of GET; before its end it claims no length")
    void headOfDocument() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", "result"));
        assertThat(exchange("HEAD", location, ""))
                .startsWith("HTTP/1.1 200")
                .doesNotContainIgnoringCase("Content-Length");
        server.script("a").complete("{\"sum\":12345}");
        assertThat(send("GET", location, "").statusCode()).isEqualTo(200);
        assertThat(exchange("HEAD", location, ""))
                .startsWith("HTTP/1.1 200")
                .containsIgnoringCase("Content-Length: 13\r\n")
                .containsIgnoringCase("Content-Type: application/json");

        String failed = location(post("/tasks", "b", "X-Format", "result"));
        server.script("b").fail(new Problem(502, "upstream_failed", "No answer."));
        HttpResponse<String> get = send("GET", failed, "");
        HttpResponse<String> head = send("HEAD", failed, "");
        assertThat(head.statusCode()).isEqualTo(502);
        assertThat(head.headers().firstValue("Content-Length"))
                .isEqualTo(get.headers().firstValue("Content-Length"));
        String events = location(post("/tasks", "c"));
        assertThat(exchange("HEAD", events, "")).doesNotContainIgnoringCase("Content-Length");
    }

    // HTTP/2

    @Test
    @DisplayName("R8 over HTTP/2 a stream that is cut is reset, and the other streams of the connection go on")
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
    @DisplayName("R7 over HTTP/2 a client that leaves in the midst of a turn ends it only after the turn")
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
                // A server may also close the connection after a reset, and then it has read that as well.
            }
            assertThat(closedInTurn).isEmpty();
        } finally {
            latch.countDown();
        }
        server.script("a").emit(null, "two").emit(null, "three");
        await().until(() -> server.store.openWatches() == 0);
    }

    private HttpResponse<InputStream> overHttp2(HttpClient http2, String path) throws Exception {
        HttpResponse<InputStream> answer = http2.send(
                HttpRequest.newBuilder(URI.create(root() + path))
                        .timeout(PATIENCE)
                        .build(),
                info -> new ReceivedBody());
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(answer.statusCode()).isEqualTo(200);
        return answer;
    }

    private static String taskOfUnchecked(HttpResponse<String> redirect) {
        try {
            return taskOf(redirect);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns null, as a format without null checks may. */
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }
}
