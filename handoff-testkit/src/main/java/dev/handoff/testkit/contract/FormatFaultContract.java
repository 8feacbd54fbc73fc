// SPDX-License-Identifier: Apache-2.0
package dev.handoff.testkit.contract;

import static dev.handoff.testkit.Await.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.handoff.format.StreamFormat;
import dev.handoff.format.StreamFormat.Frame;
import dev.handoff.http.Reply;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.testkit.SseReader;
import dev.handoff.testkit.SseReader.Received;
import dev.handoff.token.Grant;
import java.io.InputStream;
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
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests what clients get when the format of the application fails or is unknown (R13, R16). */
@Timeout(60)
public abstract class FormatFaultContract extends ContainerClient {

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
    @DisplayName("R13 the format writes the errors as soon as the server has opened the token")
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
    @DisplayName("R16 a format that fails on an event: the events before it arrive, and the client resumes after it")
    void formatFailsOnEvent() throws Exception {
        ContractServer server = server();
        Map<String, Function<Event, List<Frame>>> faults = new LinkedHashMap<>();
        Faults.FAILURES.forEach(f -> faults.put(f.get().getClass().getSimpleName(), event -> Faults.raise(f.get())));
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
    @DisplayName(
            "R16 a format that fails on the end, or shows nothing for it: an error and a cut, then 204 on a resume")
    void formatFailsOnEnd() throws Exception {
        ContractServer server = server();
        List<Function<End, List<Frame>>> faults = new ArrayList<>();
        Faults.FAILURES.forEach(f -> faults.add(end -> Faults.raise(f.get())));
        faults.add(end -> List.of());
        faults.add(end -> nothing());
        faults.add(end -> Collections.singletonList(nothing()));
        for (int i = 0; i < faults.size(); i++) {
            Function<End, List<Frame>> fault = faults.get(i);
            server.faulty.ends = end -> end instanceof End.Completed
                    ? fault.apply(end)
                    : StreamFormat.standard().frames(end);
            assertFailsOnEnd(server, "a" + i, "failed");
            // Now the format cannot show its own failure either.
            server.faulty.ends = fault;
            assertFailsOnEnd(server, "b" + i, "interrupted");
        }
        server.faulty.ends = StreamFormat.standard()::frames;
        server.faulty.clean = end -> Faults.raise(new IllegalStateException());
        assertFailsOnEnd(server, "c", "failed");

        // Now the format can show nothing at all.
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
    @DisplayName("R16 a document format that fails: 500 with x-should-retry: false")
    void documentFails() throws Exception {
        ContractServer server = server();
        String location = location(post("/tasks", "a", "X-Format", FaultyFormat.Document.NAME));
        server.script("a").complete("1");
        assertThat(send("GET", location, "").body()).isEqualTo("1");
        List<Function<End, Reply>> faults = new ArrayList<>();
        Faults.FAILURES.forEach(f -> faults.add(end -> Faults.raise(f.get())));
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
    @DisplayName("all answers have the header fields of the format, and a field that cannot be sent is an error")
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
                .as("a page of another origin can read the header fields")
                .containsIgnoringCase("Access-Control-Expose-Headers: Location, Retry-After, X-Request-Id");
        assertThat(answers).allSatisfy(answer -> {
            assertThat(answer.headers().firstValue("X-Request-Id")).contains("r1");
            assertThat(answer.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
        });

        List<Supplier<Map<String, String>>> faults = new ArrayList<>();
        Faults.FAILURES.forEach(f -> faults.add(() -> Faults.raise(f.get())));
        faults.add(FormatFaultContract::nothing);
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
    @DisplayName("R16 a format that shows no event does not occupy the appending thread")
    void formatShowsNothing() throws Exception {
        ContractServer server = server();
        server.timer.shutdownNow();
        server.faulty.events = event -> List.of();
        assertAppenderGoesOn(server, FaultyFormat.NAME, 0);
    }

    @Test
    @DisplayName("R7 one turn writes a limited number of parts, and another thread continues")
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
        // The reader has reached the end of the empty stream.
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

    /** Returns null, as a faulty format may do. */
    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }
}
