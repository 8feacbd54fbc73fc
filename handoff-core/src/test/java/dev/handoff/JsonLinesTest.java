// SPDX-License-Identifier: Apache-2.0
package dev.handoff;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.handoff.delivery.EventFeed;
import dev.handoff.delivery.Feed;
import dev.handoff.delivery.Feed.Produced;
import dev.handoff.format.Framing;
import dev.handoff.format.StreamFormat;
import dev.handoff.http.Problem;
import dev.handoff.http.Reply;
import dev.handoff.memory.InMemoryEventStore;
import dev.handoff.memory.InProcessTaskDispatcher;
import dev.handoff.store.EventAppender;
import dev.handoff.stream.End;
import dev.handoff.stream.Event;
import dev.handoff.task.Task;
import dev.handoff.testing.FakeRequest;
import dev.handoff.testing.TickingClock;
import dev.handoff.token.Grant;
import dev.handoff.token.TokenSealer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** Streams as JSON lines, without a server: requests and answers are values. */
class JsonLinesTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String MEDIA_TYPE = "application/x-ndjson";

    private final TickingClock clock = new TickingClock();
    private final TokenSealer sealer = TokenSealer.of("vq7J0m2Zx9TnWc4RkYd81hLsBf6uGp3E");
    private final InMemoryEventStore store = InMemoryEventStore.create();
    // The task stays queued: the test appends its events.
    private final InProcessTaskDispatcher dispatcher = InProcessTaskDispatcher.builder(store, job -> {})
            .handler("any", (task, output) -> {})
            .build();
    private final Pairs pairs = new Pairs();
    private final Handoff handoff =
            Handoff.builder(dispatcher, store, sealer).format(pairs).build();
    private final StreamEndpoint endpoint = endpoint(null);
    private final Task task = Task.of("any", "");
    private final EventAppender writer;

    JsonLinesTest() {
        dispatcher.dispatch(task);
        writer = store.appender(task.id(), 1);
    }

    private StreamEndpoint endpoint(@Nullable Duration retry) {
        StreamEndpoint.Builder builder =
                StreamEndpoint.builder(handoff).ticker(clock).corsOrigins("https://a.example");
        return (retry == null ? builder : builder.retry(retry)).build();
    }

    private static FakeRequest request(String method) {
        return new FakeRequest(method, "/events/token", Map.of(), null, "");
    }

    private static FakeRequest get() {
        return request("GET");
    }

    private String path(String format) {
        Grant grant = new Grant(
                task.id(), Set.of(Grant.Right.READ), format, null, Instant.now().plusSeconds(60));
        return '/' + sealer.seal(grant);
    }

    private String lines() {
        return path("json-lines");
    }

    private EventFeed opened(FakeRequest request, String path) {
        return opened(endpoint, request, path);
    }

    private static EventFeed opened(StreamEndpoint endpoint, FakeRequest request, String path) {
        EventFeed feed = ((StreamEndpoint.Events) endpoint.answer(request, path)).feed();
        feed.open(() -> {});
        return feed;
    }

    private Reply reply(FakeRequest request, String path) {
        return ((StreamEndpoint.Whole) endpoint.answer(request, path)).reply();
    }

    private static String text(EventFeed feed) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Produced produced;
        do {
            produced = feed.produce(out);
        } while (produced == Produced.PART);
        return out.toString(StandardCharsets.UTF_8);
    }

    private static List<JsonNode> read(EventFeed feed) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : text(feed).split("\n")) {
            lines.add(JSON.readTree(line));
        }
        return lines;
    }

    private String id(int position) {
        return task.id() + ':' + position + ':' + sealer.proof(task.id());
    }

    @Test
    @DisplayName("each event is one line with its id, its type if it has one, and its data; the end is a line, too")
    void shows() throws IOException {
        writer.append(null, "a\nb \"ü\"");
        writer.append("token", "");
        writer.end(End.completed("{\"n\":2}"));
        EventFeed feed = opened(get(), lines());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        assertThat(feed.produce(out)).isEqualTo(Produced.LAST);
        assertThat(out.toString(StandardCharsets.UTF_8))
                .isEqualTo("{\"id\":\"" + id(0) + "\",\"data\":\"a\\nb \\\"ü\\\"\"}\n"
                        + "{\"id\":\"" + id(1) + "\",\"type\":\"token\",\"data\":\"\"}\n"
                        + "{\"id\":\"" + id(2) + "\",\"type\":\"completed\",\"data\":\"{\\\"n\\\":2}\"}\n");
    }

    @Test
    @DisplayName("an end without a result has no data, and a failure has its problem as an object")
    void ends() {
        StreamFormat.EventFormat format = StreamFormat.jsonLines();
        Problem problem = new Problem(502, "upstream", "The model failed.");
        assertThat(format.frames(End.completed(null)))
                .containsExactly(new StreamFormat.Frame(null, "{\"type\":\"completed\"}"));
        assertThat(format.frames(End.cancelled()))
                .containsExactly(new StreamFormat.Frame(null, "{\"type\":\"cancelled\"}"));
        assertThat(format.frames(End.failed(problem)))
                .containsExactly(
                        new StreamFormat.Frame(null, "{\"type\":\"failed\",\"problem\":" + problem.toJson() + '}'));
        assertThat(format.endsCleanly(End.failed(problem))).isTrue();
    }

    @Test
    @DisplayName(
            "a client asks for JSON lines by Accept; a token of the format needs no Accept; HEAD has the same headers")
    void negotiates() {
        for (String accept :
                List.of(MEDIA_TYPE, "text/html, Application/X-NDJSON ; q=0.5", "*/*;q=0.1," + MEDIA_TYPE)) {
            assertThat(contentType(get().with("Accept", accept), path("standard")))
                    .as(accept)
                    .isEqualTo(MEDIA_TYPE);
        }
        for (String accept : List.of(
                "*/*",
                "application/*",
                "",
                "application/json",
                MEDIA_TYPE + ";q=0",
                MEDIA_TYPE + ", text/event-stream",
                ";",
                ",")) {
            assertThat(contentType(get().with("Accept", accept), path("standard")))
                    .as(accept)
                    .isEqualTo("text/event-stream");
        }
        assertThat(contentType(get(), lines())).isEqualTo(MEDIA_TYPE);
        assertThat(contentType(get().with("Accept", "text/event-stream"), lines()))
                .isEqualTo(MEDIA_TYPE);
        assertThat(contentType(request("HEAD").with("Accept", MEDIA_TYPE), path("standard")))
                .isEqualTo(MEDIA_TYPE);
        StreamEndpoint.Events events = (StreamEndpoint.Events) endpoint.answer(get(), lines());
        assertThat(reply(request("HEAD"), lines()).headers())
                .isEqualTo(events.headers())
                .containsEntry("Cache-Control", List.of("no-cache, no-transform"))
                .containsEntry("X-Accel-Buffering", List.of("no"));
    }

    private @Nullable String contentType(FakeRequest request, String path) {
        StreamEndpoint.Answer answer = endpoint.answer(request, path);
        return answer instanceof StreamEndpoint.Events events
                ? events.headers().get("Content-Type").get(0)
                : ((StreamEndpoint.Whole) answer).reply().header("Content-Type");
    }

    @Test
    @DisplayName("R5 a client resumes after the id of a line, also in the other framing; after the end it gets 204")
    void resumes() throws IOException {
        writer.append(null, "a");
        writer.append(null, "b");
        writer.end(End.completed(null));
        String afterA = read(opened(get(), lines())).get(0).path("id").textValue();
        FakeRequest rest = get().with("Last-Event-ID", afterA);
        assertThat(read(opened(rest, lines())))
                .extracting(line -> line.path("data").asText())
                .containsExactly("b", "");
        assertThat(read(opened(rest.with("Accept", MEDIA_TYPE), path("standard"))))
                .hasSize(2);
        assertThat(text(opened(rest, path("standard")))).startsWith("id: " + id(1));
        assertThat(reply(get().with("Last-Event-ID", id(2)), lines()).status()).isEqualTo(204);
        assertThat(reply(get().with("Last-Event-ID", id(3)), lines()).status()).isEqualTo(400);
    }

    @Test
    @DisplayName("R5 the lines of one entry have parts, and a client resumes between them")
    void parts() throws IOException {
        writer.append(null, "{\"x\":1}");
        writer.end(End.completed(null));
        List<JsonNode> all = read(opened(get(), path("pairs")));
        assertThat(all).hasSize(3);
        String firstHalf = all.get(0).path("position").textValue();
        assertThat(firstHalf).startsWith(task.id() + ":0.1:");
        assertThat(read(opened(get().with("Last-Event-ID", firstHalf), path("pairs"))))
                .isEqualTo(all.subList(1, 3));
    }

    @Test
    @DisplayName("the time to wait before the client connects again stands in the first line, and in an interruption")
    void retry() throws IOException {
        StreamEndpoint patient = endpoint(Duration.ofSeconds(3));
        writer.append(null, "a");
        writer.append(null, "b");
        EventFeed feed = opened(patient, get(), lines());
        assertThat(read(feed)).extracting(line -> line.path("retry").asInt()).containsExactly(3000, 0);
        EventFeed none = opened(get().with("Last-Event-ID", id(1)), lines());
        assertThat(none.produce(new ByteArrayOutputStream())).isEqualTo(Produced.NOTHING);
        none.interrupt(Feed.INTERRUPTED);
        JsonNode cut = read(none).get(0);
        assertThat(cut.path("retry").asInt()).isEqualTo(1000);
        assertThat(cut.path("type").asText()).isEqualTo("interrupted");
        assertThat(cut.path("problem").path("code").asText()).isEqualTo("interrupted");
        assertThat(cut.has("id")).isFalse();
    }

    @Test
    @DisplayName("R8 a feed that is interrupted must not look complete")
    void interrupted() throws IOException {
        EventFeed feed = opened(get(), lines());
        feed.interrupt(Feed.INTERRUPTED);
        assertThat(feed.produce(new ByteArrayOutputStream())).isEqualTo(Produced.TRUNCATED);
    }

    @Test
    @DisplayName("a heartbeat is a space")
    void heartbeat() {
        EventFeed feed = opened(get(), lines());
        assertThat(feed.heartbeat()).isNull();
        clock.tick(Duration.ofSeconds(15));
        assertThat(feed.heartbeat()).isNotNull().hasToString(" ");
    }

    @Test
    @DisplayName("a server that drains refuses JSON lines with 503, since only an EventSource needs a 200")
    void drains() {
        endpoint.drain();
        Reply refusal = reply(get(), lines());
        assertThat(refusal.status()).isEqualTo(503);
        assertThat(refusal.headers()).containsEntry("Retry-After", List.of("1"));
        assertThat(reply(get().with("Accept", MEDIA_TYPE), path("standard")).status())
                .isEqualTo(503);
        assertThat(endpoint.answer(get(), path("standard"))).isInstanceOf(StreamEndpoint.Events.class);
    }

    @Test
    @DisplayName("readers of one stream share its lines, and not with readers of Server-Sent Events")
    void shares() throws IOException {
        EventFeed first = opened(get(), path("pairs"));
        EventFeed second = opened(get(), path("pairs"));
        EventFeed lines = opened(get().with("Accept", MEDIA_TYPE), path("standard"));
        EventFeed events = opened(get(), path("standard"));
        writer.append(null, "{}");
        String frames = text(first);
        assertThat(text(second)).isEqualTo(frames);
        assertThat(pairs.encoded).hasValue(1);
        assertThat(text(lines)).startsWith("{\"id\":\"" + id(0));
        assertThat(text(events)).startsWith("id: " + id(0));
    }

    @Test
    @DisplayName("a format sets the content type and header fields, and pages of other origins may read these")
    void headersOfFormat() {
        StreamEndpoint.Events events =
                (StreamEndpoint.Events) endpoint.answer(get().with("Origin", "https://a.example"), path("pairs"));
        assertThat(events.headers())
                .containsEntry("Content-Type", List.of("application/jsonl"))
                .containsEntry("X-Stream", List.of(task.id()))
                .containsEntry("Access-Control-Expose-Headers", List.of("Location, Retry-After, X-Stream"));
    }

    @Test
    @DisplayName("R16 a line that is not JSON ends its stream with an error, and the client resumes after the entry")
    void formatFails() throws IOException {
        writer.append(null, "{\"good\":true}");
        writer.append(null, "{\"bad\":true}\n{\"forged\":true}");
        EventFeed feed = opened(get(), path("pairs"));
        List<JsonNode> lines = read(feed);
        assertThat(lines).hasSize(3);
        assertThat(lines.get(2).path("position").textValue()).isEqualTo(id(1));
        assertThat(lines.get(2).path("code").textValue()).isEqualTo("format_failed");
    }

    @Test
    @DisplayName("R16 a format that does not say how its frames are written is answered with 500")
    void noFraming() {
        pairs.broken = true;
        assertThat(reply(get(), path("pairs")).status()).isEqualTo(500);
    }

    /** Shows each event as two lines, whose id is called "position". */
    private static final class Pairs implements StreamFormat.EventFormat {

        final AtomicInteger encoded = new AtomicInteger();
        boolean broken;

        @Override
        public String name() {
            return "pairs";
        }

        @Override
        public Framing framing() {
            if (broken) {
                throw new IllegalStateException("a test of a format that fails");
            }
            return new Framing.JsonLines("application/jsonl", "position", null);
        }

        @Override
        public Map<String, String> headers(String streamId) {
            return Map.of("X-Stream", streamId);
        }

        @Override
        public List<Frame> frames(Event event) {
            encoded.incrementAndGet();
            return List.of(new Frame(null, "{\"half\":1}"), new Frame(null, event.data()));
        }

        @Override
        public List<Frame> frames(End end) {
            return List.of(new Frame(
                    null, end instanceof End.Failed failed ? failed.problem().toJson() : "{}"));
        }

        @Override
        public Frame interrupted(Problem problem) {
            return new Frame(null, problem.toJson());
        }
    }
}
