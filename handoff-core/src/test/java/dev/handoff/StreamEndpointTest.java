// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.handoff.delivery.DocumentFeed;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.delivery.FrameWriter;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.HandoffRequest;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.testing.TickingClock;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** The reading side without a server: requests and answers are values. */
class StreamEndpointTest {

    private static final ObjectMapper JSON = new ObjectMapper();

    private final TickingClock clock = new TickingClock();
    private final TokenSealer sealer = TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E");
    private final InMemoryEventStore store = InMemoryEventStore.create();
    // The task stays queued: the test appends its events.
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, job -> {})
            .handler("any", (task, output) -> {})
            .build();
    private final Counted counted = new Counted();
    private final Handoff handoff =
            Handoff.builder(dispatcher, store, sealer).format(counted).build();
    private final StreamEndpoint endpoint = StreamEndpoint.builder(handoff)
            .ticker(clock)
            .heartbeat(Duration.ofSeconds(15))
            .build();
    private final Task task = Task.of("any", "");
    private final EventAppender writer;

    StreamEndpointTest() {
        dispatcher.dispatch(task);
        writer = store.appender(task.id(), 1);
    }

    // What a client sends.

    private record Request(String method, @Nullable String query, Map<String, String> headers)
            implements HandoffRequest {

        Request with(String name, String value) {
            Map<String, String> more = new HashMap<>(headers);
            more.put(name.toLowerCase(Locale.ROOT), value);
            return new Request(method, query, more);
        }

        @Override
        public String path() {
            return "/events/token";
        }

        @Override
        public @Nullable String header(String name) {
            return headers.get(name.toLowerCase(Locale.ROOT));
        }

        @Override
        public @Nullable String subject() {
            return null;
        }

        @Override
        public String body() {
            return "";
        }

        @Override
        public byte[] bodyBytes() {
            return new byte[0];
        }
    }

    private static Request get() {
        return request("GET");
    }

    private static Request request(String method) {
        return new Request(method, null, Map.of());
    }

    private static Request query(String query) {
        return new Request("GET", query, Map.of());
    }

    private String token(String format, Grant.Right... rights) {
        return tokenOf(task.id(), format, rights);
    }

    private String tokenOf(String streamId, String format, Grant.Right... rights) {
        return sealer.seal(
                new Grant(streamId, Set.of(rights), format, null, Instant.now().plusSeconds(60)));
    }

    private String events() {
        return '/' + token("standard", Grant.Right.READ);
    }

    private String document() {
        return '/' + token("result", Grant.Right.READ);
    }

    private Reply reply(HandoffRequest request, String path) {
        return ((StreamEndpoint.Whole) endpoint.answer(request, path)).reply();
    }

    private EventFeed feed(HandoffRequest request, String path) {
        return ((StreamEndpoint.Events) endpoint.answer(request, path)).feed();
    }

    private EventFeed opened(HandoffRequest request, String path) {
        EventFeed feed = feed(request, path);
        feed.open(() -> {});
        return feed;
    }

    /** Returns what a feed writes until it has no more. */
    private static String read(EventFeed feed) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try {
            Produced produced;
            do {
                produced = feed.produce(out);
            } while (produced == Produced.PART);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static List<String> data(String frames) {
        List<String> data = new ArrayList<>();
        for (String line : frames.split("\n")) {
            if (line.startsWith("data: ")) {
                data.add(line.substring("data: ".length()));
            }
        }
        return data;
    }

    private static String id(String frames, int index) {
        return frames.lines()
                .filter(line -> line.startsWith("id: "))
                .map(line -> line.substring("id: ".length()))
                .toList()
                .get(index);
    }

    private static String code(Reply reply) {
        try {
            return JSON.readTree(reply.body()).path("code").asText();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    @DisplayName("R1 a feed gives the events in order, and says that it has caught up")
    void inOrder() throws IOException {
        writer.append(null, "a");
        writer.append("b", "b");
        EventFeed feed = opened(get(), events());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.CAUGHT_UP);
        assertThat(data(out.toString(StandardCharsets.UTF_8))).containsExactly("a", "b");
        assertThat(feed.produce(out)).isEqualTo(Produced.NOTHING);
        writer.append(null, "c");
        assertThat(data(read(feed))).containsExactly("c");
        writer.end(End.completed("{}"));
        assertThat(feed.produce(new ByteArrayOutputStream())).isEqualTo(Produced.LAST);
    }

    @Test
    @DisplayName(
            "R6 a part that was written in slices does not say that the reader has caught up, since hints may have come between them")
    void slices() throws IOException {
        writer.append(null, "x".repeat(40 << 10));
        EventFeed feed = opened(get(), events());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.PART);
        assertThat(feed.isWithinPart()).isTrue();
        writer.append(null, "two");
        assertThat(feed.produce(out)).isEqualTo(Produced.PART);
        assertThat(feed.isWithinPart()).isFalse();
        assertThat(feed.produce(out)).isEqualTo(Produced.CAUGHT_UP);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("data: two\n");
        feed.close();
    }

    @Test
    @DisplayName(
            "R6 the first part does not say that the reader has caught up if a hint has come since the stream was opened")
    void earlyHint() throws IOException {
        writer.append(null, "one");
        EventFeed feed = opened(get(), events());
        writer.append(null, "two");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.PART);
        assertThat(feed.produce(out)).isEqualTo(Produced.CAUGHT_UP);
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("data: two\n");
        feed.close();
    }

    @Test
    @DisplayName("the hint of a feed runs when the stream has more, and not after the feed is closed")
    void hints() {
        AtomicInteger hints = new AtomicInteger();
        EventFeed feed = feed(get(), events());
        feed.open(hints::incrementAndGet);
        writer.append(null, "a");
        assertThat(hints).hasValue(1);
        feed.close();
        writer.append(null, "b");
        assertThat(hints).hasValue(1);
    }

    @Test
    @DisplayName(
            "R5 a client resumes after the event that Last-Event-ID names, in the header or in the query; the header counts first")
    void resumes() {
        writer.append(null, "a");
        writer.append(null, "b");
        writer.append(null, "c");
        String all = read(opened(get(), events()));
        String afterA = id(all, 0);
        String afterB = id(all, 1);
        assertThat(data(read(opened(get().with("Last-Event-ID", afterA), events()))))
                .containsExactly("b", "c");
        assertThat(data(read(opened(query("x=1&last_event_id=" + afterA.replace(":", "%3A")), events()))))
                .containsExactly("b", "c");
        Request both = new Request("GET", "last_event_id=" + afterA, Map.of("last-event-id", afterB));
        assertThat(data(read(opened(both, events())))).containsExactly("c");
        assertThat(data(read(opened(query("last_event_id="), events())))).containsExactly("a", "b", "c");
    }

    @Test
    @DisplayName("R5 an id of another stream, of an event that has not been, or of no form is refused with 400")
    void badIds() {
        writer.append(null, "a");
        String foreign = "0".repeat(32) + ":0";
        for (String bad : List.of(foreign, task.id() + ":7", "7", task.id() + ":0.1")) {
            Reply refusal = reply(get().with("Last-Event-ID", bad), events());
            assertThat(refusal.status()).as(bad).isEqualTo(400);
            assertThat(code(refusal)).isEqualTo("invalid_last_event_id");
        }
        assertThat(reply(query("last_event_id=%zz"), events()).status()).isEqualTo(400);
    }

    @Test
    @DisplayName("a client that has had all of an ended stream is answered with 204")
    void nothingLeft() {
        writer.append(null, "a");
        writer.end(End.completed(null));
        String end = id(read(opened(get(), events())), 1);
        assertThat(reply(get().with("Last-Event-ID", end), events()).status()).isEqualTo(204);
    }

    @Test
    @DisplayName("HEAD has the headers of GET and no content, for events and for a document")
    void head() {
        Reply head = reply(request("HEAD"), events());
        StreamEndpoint.Events get = (StreamEndpoint.Events) endpoint.answer(get(), events());
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.headers()).isEqualTo(get.headers()).containsEntry("Content-Type", List.of("text/event-stream"));
        assertThat(head.body()).isNull();
        assertThat(reply(request("HEAD"), document()).headers()).containsEntry("Cache-Control", List.of("no-store"));
        writer.end(End.completed("{\"a\":1}"));
        assertThat(reply(request("HEAD"), document()).headers()).containsEntry("Content-Type", List.of(Reply.JSON));
    }

    @Test
    @DisplayName("methods that cannot be used are refused with 405, and OPTIONS says which can")
    void methods() {
        assertThat(reply(request("PUT"), events()).headers())
                .containsEntry("Allow", List.of("GET, HEAD, POST, DELETE, OPTIONS"));
        assertThat(reply(request("PUT"), events()).status()).isEqualTo(405);
        assertThat(reply(request("POST"), events() + "/status").headers())
                .containsEntry("Allow", List.of("GET, HEAD, OPTIONS"));
        assertThat(reply(request("OPTIONS"), "/any").status()).isEqualTo(204);
    }

    @Test
    @DisplayName("R12 a bad token is refused with 401, a missing right with 403, a stream that is not kept with 410")
    void refusals() {
        assertThat(reply(get(), "/no-token").status()).isEqualTo(401);
        for (String path : List.of("", "/", "/status", "status", "//status", "/a/b/status")) {
            assertThat(reply(get(), path).status()).as(path).isEqualTo(401);
        }
        String cancelOnly = '/' + token("standard", Grant.Right.CANCEL);
        assertThat(reply(get(), cancelOnly).status()).isEqualTo(403);
        assertThat(reply(request("DELETE"), events()).status()).isEqualTo(403);
        Task unknown = Task.of("any", "");
        String gone = tokenOf(unknown.id(), "standard", Grant.Right.values());
        for (String path : List.of('/' + gone, '/' + gone + "/status")) {
            assertThat(reply(get(), path).status()).isEqualTo(410);
        }
        assertThat(reply(request("DELETE"), '/' + gone).status()).isEqualTo(410);
    }

    @Test
    @DisplayName("R12 an application may refuse the holder of a token, for reading, status and cancelling alike")
    void authorization() {
        StreamEndpoint strict = StreamEndpoint.builder(handoff)
                .authorization((request, grant) -> grant.streamId().equals(request.header("X-Stream")))
                .build();
        String path = '/' + token("standard", Grant.Right.values());
        for (Request request : List.of(get(), request("HEAD"), request("POST"), request("DELETE"))) {
            assertThat(((StreamEndpoint.Whole) strict.answer(request, path))
                            .reply()
                            .status())
                    .isEqualTo(403);
        }
        assertThat(((StreamEndpoint.Whole) strict.answer(get(), path + "/status"))
                        .reply()
                        .status())
                .isEqualTo(403);
        assertThat(strict.answer(get().with("X-Stream", task.id()), path)).isInstanceOf(StreamEndpoint.Events.class);
    }

    @Test
    @DisplayName("R6 DELETE cancels with 202, and is answered with 204 when the task has ended")
    void cancels() {
        Task waiting = Task.of("any", "");
        dispatcher.dispatch(waiting);
        String queued = '/' + tokenOf(waiting.id(), "standard", Grant.Right.values());
        assertThat(reply(request("DELETE"), queued).status()).isEqualTo(202);

        InProcessTaskDispatcher atOnce = InProcessTaskDispatcher.builder(store, Runnable::run)
                .handler("any", (task, output) -> {})
                .build();
        Task ended = Task.of("any", "");
        atOnce.dispatch(ended);
        StreamEndpoint other =
                StreamEndpoint.of(Handoff.builder(atOnce, store, sealer).build());
        StreamEndpoint.Answer answer =
                other.answer(request("DELETE"), '/' + tokenOf(ended.id(), "standard", Grant.Right.values()));
        assertThat(((StreamEndpoint.Whole) answer).reply().status()).isEqualTo(204);
    }

    @Test
    @DisplayName("the status says how the task stands, how many events it has and who reads it here")
    void status() throws IOException {
        writer.append(null, "a");
        EventFeed feed = opened(get(), events());
        Reply status = reply(get(), events() + "/status");
        JsonNode json = JSON.readTree(status.body());
        assertThat(status.headers()).containsEntry("Cache-Control", List.of("no-store"));
        assertThat(json.path("task").asText()).isEqualTo(task.id());
        assertThat(json.path("state").asText()).isEqualTo("queued");
        assertThat(json.path("events").asInt()).isEqualTo(1);
        assertThat(json.path("readers").asInt()).isEqualTo(1);
        feed.close();
        assertThat(JSON.readTree(reply(get(), events() + "/status").body())
                        .path("readers")
                        .asInt())
                .isZero();
    }

    @Test
    @DisplayName("a feed that is not opened holds nothing, and one that is closed leaves nothing")
    void holdsNothing() {
        feed(get(), events());
        assertThat(endpoint.hasReaders()).isFalse();
        EventFeed feed = opened(get(), events());
        assertThat(endpoint.hasReaders()).isTrue();
        feed.close();
        assertThat(endpoint.hasReaders()).isFalse();
    }

    @Test
    @DisplayName("a document is there when the stream has ended, and not before")
    void documentAtTheEnd() {
        DocumentFeed feed = ((StreamEndpoint.Document) endpoint.answer(get(), document())).feed();
        feed.open(() -> {});
        assertThat(feed.reply()).isEmpty();
        writer.append(null, "a");
        writer.end(End.completed("{\"answer\":42}"));
        assertThat(feed.hasMore(feed.position(), new Object())).isTrue();
        Reply reply = feed.reply().orElseThrow();
        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.body()).isEqualTo("{\"answer\":42}");
        assertThat(reply.headers()).containsEntry("Cache-Control", List.of("no-store"));
    }

    @Test
    @DisplayName("Prefer: wait=N answers 202 with the status and the place to come back to, after N seconds")
    void preferWait() {
        Request patient = get().with("Prefer", "respond-async, wait=5");
        DocumentFeed feed = ((StreamEndpoint.Document) endpoint.answer(patient, document())).feed();
        feed.open(() -> {});
        clock.tick(Duration.ofMillis(4999));
        assertThat(feed.isDue()).isFalse();
        assertThat(feed.reply()).isEmpty();
        clock.tick(Duration.ofMillis(1));
        assertThat(feed.isDue()).isTrue();
        Reply reply = feed.reply().orElseThrow();
        assertThat(reply.status()).isEqualTo(202);
        assertThat(reply.headers())
                .containsEntry("Location", List.of("/events/token"))
                .containsEntry("Preference-Applied", List.of("wait=5"));
    }

    @Test
    @DisplayName("a failed document is answered with the problem of the failure")
    void failedDocument() {
        writer.end(End.failed(new Problem(502, "upstream", "The model failed.")));
        DocumentFeed feed = ((StreamEndpoint.Document) endpoint.answer(get(), document())).feed();
        feed.open(() -> {});
        assertThat(feed.reply().orElseThrow().status()).isEqualTo(502);
    }

    @Test
    @DisplayName("readers of one stream that have come as far share the frames: an event is encoded once for them")
    void shares() {
        String path = '/' + token("counted", Grant.Right.READ);
        EventFeed first = opened(get(), path);
        EventFeed second = opened(get(), path);
        writer.append(null, "a");
        String frames = read(first);
        assertThat(read(second)).isEqualTo(frames);
        assertThat(counted.encoded).hasValue(1);
        second.close();
        writer.append(null, "b");
        assertThat(data(read(first))).containsExactly("b");
    }

    @Test
    @DisplayName("R8 an interrupted feed says so, tells the client when to come back, and must not look complete")
    void interrupted() throws IOException {
        writer.append(null, "a");
        EventFeed feed = opened(get(), events());
        read(feed);
        feed.interrupt(EventFeed.INTERRUPTED);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.TRUNCATED);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("event: interrupted")
                .doesNotContain("id: ");
    }

    @Test
    @DisplayName("R16 a format that throws ends its stream with an error, and the client resumes after the entry")
    void formatFails() throws IOException {
        writer.append(null, "good");
        writer.append(null, "bad");
        EventFeed feed = opened(get(), '/' + token("counted", Grant.Right.READ));
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.PART);
        assertThat(data(out.toString(StandardCharsets.UTF_8))).containsExactly("good");
        assertThat(feed.produce(out)).isEqualTo(Produced.TRUNCATED);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("format_failed")
                .contains("id: " + task.id() + ":1:");
    }

    @Test
    @DisplayName("a heartbeat is due when nothing was sent for its time")
    void heartbeat() {
        EventFeed feed = opened(get(), events());
        assertThat(feed.heartbeat()).isNull();
        clock.tick(Duration.ofSeconds(15));
        FrameWriter heartbeat = feed.heartbeat();
        assertThat(heartbeat).isNotNull().hasToString(":\n");
        feed.heartbeatSent();
        assertThat(feed.heartbeat()).isNull();
        clock.tick(Duration.ofSeconds(14));
        writer.append(null, "a");
        read(feed);
        clock.tick(Duration.ofSeconds(2));
        assertThat(feed.heartbeat()).isNull();
    }

    @Test
    @DisplayName("until it reopens, a draining endpoint interrupts events and refuses documents with 503")
    void drains() throws IOException {
        endpoint.drain();
        EventFeed feed = opened(get(), events());
        assertThat(feed.produce(new ByteArrayOutputStream())).isEqualTo(Produced.TRUNCATED);
        assertThat(reply(get(), document()).status()).isEqualTo(503);
        assertThat(reply(request("HEAD"), events()).status()).isEqualTo(503);
        endpoint.reopen();
        assertThat(reply(request("HEAD"), events()).status()).isEqualTo(200);
    }

    @Test
    @DisplayName("a page of an allowed origin may read streams, and a preflight says so; others may not")
    void cors() {
        StreamEndpoint open = StreamEndpoint.builder(handoff)
                .corsOrigins("https://a.example")
                .corsCredentials(true)
                .build();
        Request from = get().with("Origin", "https://a.example");
        StreamEndpoint.Events events = (StreamEndpoint.Events) open.answer(from, events());
        assertThat(events.headers())
                .containsEntry("Access-Control-Allow-Origin", List.of("https://a.example"))
                .containsEntry("Access-Control-Allow-Credentials", List.of("true"))
                .containsEntry("Vary", List.of("Origin"))
                .containsEntry("Access-Control-Expose-Headers", List.of("Location, Retry-After"));
        Request preflight = request("OPTIONS")
                .with("Origin", "https://a.example")
                .with("Access-Control-Request-Headers", "last-event-id");
        Reply answer = ((StreamEndpoint.Whole) open.answer(preflight, events())).reply();
        assertThat(answer.headers()).containsEntry("Access-Control-Allow-Headers", List.of("last-event-id"));
        StreamEndpoint.Events other =
                (StreamEndpoint.Events) open.answer(get().with("Origin", "https://b.example"), events());
        assertThat(other.headers())
                .doesNotContainKey("Access-Control-Allow-Origin")
                .containsEntry("Vary", List.of("Origin"));
    }

    @Test
    @DisplayName("header fields of a format are sent, a page may read them, and Vary is kept beside that of CORS")
    void formatHeaders() {
        StreamEndpoint open =
                StreamEndpoint.builder(handoff).corsOrigins("https://a.example").build();
        Request from = get().with("Origin", "https://a.example");
        StreamEndpoint.Events events =
                (StreamEndpoint.Events) open.answer(from, '/' + token("counted", Grant.Right.READ));
        assertThat(events.headers())
                .containsEntry("X-Request-Id", List.of(task.id()))
                .containsEntry("Vary", List.of("Origin, Accept"))
                .containsEntry("Access-Control-Expose-Headers", List.of("Location, Retry-After, Vary, X-Request-Id"));
    }

    @Test
    @DisplayName("settings that make no sense are refused by name and value")
    void settings() {
        StreamEndpoint.Builder builder = StreamEndpoint.builder(handoff);
        for (Duration bad : new Duration[] {Duration.ZERO, Duration.ofSeconds(-1)}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.heartbeat(bad))
                    .withMessage("heartbeat is not positive: " + bad);
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> builder.retry(bad))
                    .withMessage("retry is not positive: " + bad);
        }
        for (String any : List.of("*", "null")) {
            assertThatIllegalArgumentException()
                    .isThrownBy(
                            () -> builder.corsOrigins(any).corsCredentials(true).build())
                    .withMessageContaining("origin " + any);
        }
        for (String bad : new String[] {
            "a.example",
            "https://a.example/",
            "https://a.example/path",
            "https://A.example",
            "https://*.example",
            "https://a.example:x",
            "https://user@a.example",
            "https://",
            "",
            "https://a.example, https://b.example"
        }) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() ->
                            builder.corsOrigins(bad).corsCredentials(false).build())
                    .withMessageEndingWith("but is: " + bad);
        }
        for (String good : new String[] {"*", "null", "https://a.example", "http://[::1]:8080", "app://localhost"}) {
            builder.corsOrigins(good).corsCredentials(false).build();
        }
    }

    /** Counts what it encodes, and fails on the event "bad". */
    private static final class Counted implements StreamFormat.EventFormat {

        final AtomicInteger encoded = new AtomicInteger();

        @Override
        public String name() {
            return "counted";
        }

        @Override
        public Map<String, String> headers(String streamId) {
            return Map.of("X-Request-Id", streamId, "Vary", "Accept");
        }

        @Override
        public List<Frame> frames(Event event) {
            encoded.incrementAndGet();
            if (event.data().equals("bad")) {
                throw new IllegalStateException("a test of a format that fails");
            }
            return List.of(new Frame(event.type(), event.data()));
        }

        @Override
        public List<Frame> frames(End end) {
            return StreamFormat.standard().frames(end);
        }

        @Override
        public Frame interrupted(Problem problem) {
            return StreamFormat.standard().interrupted(problem);
        }
    }
}
