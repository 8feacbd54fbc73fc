// SPDX-License-Identifier: Apache-2.0
package dev.handoff.examples.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import de.bwaldvogel.mongo.MongoServer;
import dev.handoff.Handoff;
import dev.handoff.StreamEndpoint;
import dev.handoff.http.ProblemCode;
import dev.handoff.mongo.MongoIndexes;
import dev.handoff.mongo.task.MongoWorker;
import dev.handoff.servlet.EventStreamServlet;
import dev.handoff.store.EventAppender;
import dev.handoff.store.EventStream;
import dev.handoff.store.StreamId;
import dev.handoff.stream.End;
import dev.handoff.token.TokenSealer;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** The Responses API where two application servers, a streaming server and a worker share only a store and the secret. */
@Timeout(180)
class ResponseRolesTest {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final TokenSealer sealer = TokenSealer.of(TestChat.SECRET);
    private final List<AutoCloseable> open = new ArrayList<>();
    private String uri = "";
    private MongoParts parts;
    private URI api;
    private URI otherApi;
    private URI stream;

    @BeforeEach
    void start() {
        MongoServer mongo = new MongoServer(new StandInBackend());
        mongo.bind(new InetSocketAddress("127.0.0.1", 0));
        open.add(mongo::shutdownNow);
        uri = mongo.getConnectionString() + "/handoff";
        try (MongoClient client = MongoClients.create(uri)) {
            MongoIndexes.create(client.getDatabase("handoff"));
        }
        parts = parts();
        api = api(parts);
        otherApi = api(parts());
        stream = streamingServer(parts());
    }

    @AfterEach
    void stop() throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
    }

    private static <T> T defaults(T options) {
        return CommandLine.populateCommand(options);
    }

    private MongoParts parts() {
        MongoParts made = new MongoParts(uri, defaults(new MongoOptions()));
        open.add(made);
        made.prepare(() -> {});
        await().atMost(LIMIT).until(made::reachable);
        return made;
    }

    private Handoff handoff(MongoParts of) {
        return of.handoff(sealer, Redirect.SEE_OTHER, Duration.ofHours(1));
    }

    private static ModelCatalog catalog() {
        return new ModelCatalog(List.of(new EchoModel()));
    }

    private URI started(WebServer web) {
        open.add(web);
        web.start();
        return URI.create(web.url());
    }

    private URI api(MongoParts of) {
        WebServer web = new WebServer("127.0.0.1", 0);
        Responses responses = of.responses(sealer, Redirect.SEE_OTHER, Duration.ofHours(1));
        ChatApi.addTo(web, handoff(of), responses, catalog(), ApiKeys.parse(null), defaults(new AccessOptions()));
        return started(web);
    }

    private URI streamingServer(MongoParts of) {
        EventStreamServlet streams = EventStreamServlet.builder(
                        StreamEndpoint.builder(handoff(of)).build(), of.executor)
                .executor(of.jobs)
                .build();
        return started(new WebServer("127.0.0.1", 0).serve(WebServer.STREAMS, streams));
    }

    private void startWorker() {
        MongoParts of = parts();
        ExecutorService threads = Executors.newCachedThreadPool();
        ResponseHandler answers = new ResponseHandler(catalog(), new ResponseIds(sealer));
        MongoWorker worker = MongoWorker.builder(of.queue, threads)
                .handler(ResponseHandler.TASK_TYPE, answers)
                .closeWithin(Duration.ZERO)
                .build();
        open.add(threads::shutdownNow);
        open.add(worker);
        worker.start();
    }

    private static JsonNode json(RawHttp.Answer answer) throws Exception {
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return Json.parse(answer.body());
    }

    private static String path(JsonNode response) {
        return "/v1/responses/" + response.path("id").asText();
    }

    private static String background(int delayMillis) {
        ObjectNode body = Json.object();
        body.put("model", "echo").put("input", "one two three").put("background", true);
        body.putObject("metadata").put("delay_ms", Integer.toString(delayMillis));
        return body.toString();
    }

    private JsonNode get(URI server, JsonNode response) throws Exception {
        return json(RawHttp.send(server, "GET", path(response), ""));
    }

    private List<Frame> retrieve(JsonNode response, String query) {
        RawHttp.Answer redirect = RawHttp.send(otherApi, "GET", path(response) + "?stream=true" + query, "");
        if (redirect.status() == 200) {
            assertThat(redirect.header("Content-Type")).contains("text/event-stream");
            return List.of();
        }
        assertThat(redirect.status()).as(redirect.body()).isEqualTo(303);
        try (EventReader reader =
                RawHttp.read(stream.resolve(redirect.header("Location").orElseThrow()))) {
            return reader.rest();
        }
    }

    private static List<Long> numbers(List<Frame> frames) {
        return frames.stream()
                .map(frame -> frame.json().path("sequence_number").asLong(-1))
                .toList();
    }

    @Test
    void eachServerFindsAResponseThatAnotherOneHasBegun() throws Exception {
        JsonNode queued = json(RawHttp.send(api, "POST", "/v1/responses", background(20)));

        assertThat(queued.path("status").asText()).isEqualTo("queued");
        assertThat(get(otherApi, queued)).isEqualTo(queued);
        startWorker();
        JsonNode done = await().atMost(LIMIT)
                .until(
                        () -> get(otherApi, queued),
                        now -> now.path("status").asText().equals("completed"));
        assertThat(done.path("id")).isEqualTo(queued.path("id"));
        assertThat(done.path("created_at")).isEqualTo(queued.path("created_at"));
        assertThat(done.at("/output/0/content/0/text").asText()).isEqualTo("one two three");
        assertThat(get(api, queued)).isEqualTo(done);

        List<Frame> all = retrieve(queued, "");
        assertThat(numbers(all))
                .isEqualTo(LongStream.range(0, all.size()).boxed().toList());
        assertThat(all.get(all.size() - 1).type()).isEqualTo("response.completed");
        for (int k = 0; k < all.size(); k++) {
            assertThat(retrieve(queued, "&starting_after=" + k))
                    .as("after %s", k)
                    .isEqualTo(all.subList(k + 1, all.size()));
        }

        json(RawHttp.send(otherApi, "DELETE", path(queued), ""));
        assertThat(RawHttp.send(api, "GET", path(queued), "").status()).isEqualTo(404);
    }

    @Test
    void anyServerCancelsARunningResponse() throws Exception {
        startWorker();
        JsonNode begun = json(RawHttp.send(api, "POST", "/v1/responses", background(60_000)));
        await().atMost(LIMIT)
                .until(() -> get(otherApi, begun).path("status").asText().equals("in_progress"));

        JsonNode cancelled = json(RawHttp.send(otherApi, "POST", path(begun) + "/cancel", ""));

        assertThat(cancelled.path("status").asText()).isEqualTo("cancelled");
        List<Frame> all = retrieve(begun, "");
        assertThat(all.get(all.size() - 1).type()).isEqualTo("response.cancelled");
        assertThat(numbers(all))
                .isEqualTo(LongStream.range(0, all.size()).boxed().toList());
        assertThat(get(api, begun).path("status").asText()).isEqualTo("cancelled");
    }

    @Test
    void aResponseWhoseWorkerIsLostFailsWithTheNextNumber() throws Exception {
        JsonNode begun = json(RawHttp.send(api, "POST", "/v1/responses", background(20)));
        String taskId = begun.path("id").asText().substring("resp_".length(), "resp_".length() + 32);
        ObjectNode created = ResponseEvents.event("response.created", 0, begun.deepCopy());
        ObjectNode delta = ResponseEvents.event(ResponseEvents.DELTA, 1).put("delta", "one ");
        EventAppender lost = parts.store.appender(taskId, 2);
        lost.append("response.created", created.toString());
        lost.append(ResponseEvents.DELTA, delta.toString());
        lost.flush();
        parts.store.appender(taskId, 3).end(End.failed(ProblemCode.WORKER_LOST.problem("The worker was lost.")));

        List<Frame> all = retrieve(begun, "");
        JsonNode failed = get(otherApi, begun);

        assertThat(numbers(all)).containsExactly(0L, 1L, 2L);
        assertThat(all.get(2).type()).isEqualTo("response.failed");
        assertThat(all.get(2).json().get("response")).isEqualTo(failed);
        assertThat(failed.path("status").asText()).isEqualTo("failed");
        assertThat(failed.at("/error/message").asText()).isEqualTo("The worker was lost.");
        assertThat(failed.at("/output/0/content/0/text").asText()).isEqualTo("one ");
        for (int k = 0; k < all.size(); k++) {
            assertThat(retrieve(begun, "&starting_after=" + k)).isEqualTo(all.subList(k + 1, all.size()));
        }
    }

    @Test
    void sequenceNumbersLeadPastTheFencesOfWriters() {
        String id = StreamId.random();
        long number = 0;
        for (int epoch = 2; epoch <= 4; epoch++) {
            EventAppender appender = parts.store.appender(id, epoch);
            for (int i = 0; i < 3; i++) {
                appender.append(
                        ResponseEvents.DELTA,
                        ResponseEvents.event(ResponseEvents.DELTA, number++).toString());
            }
            appender.flush();
        }
        EventStream log = parts.store.open(id);

        assertThat(LongStream.range(0, 9)
                        .map(n -> ResponsePositions.find(log, n).orElseThrow()))
                .containsExactly(1L, 2L, 3L, 5L, 6L, 7L, 9L, 10L, 11L);
        assertThat(ResponsePositions.find(log, 9)).isEqualTo(OptionalLong.empty());
        parts.store.appender(id, 5).end(End.completed(null));
        assertThat(ResponsePositions.find(log, 9)).isEqualTo(OptionalLong.empty());
        assertThat(log.eventCount()).isEqualTo(9);
    }
}
